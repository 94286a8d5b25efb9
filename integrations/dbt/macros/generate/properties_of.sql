{#- The properties file: the target's tables with their tests, and the models with their descriptions. -#}
{% macro properties_of(schema, streams, models, unmapped_at_most) -%}
    {%- set tables = [{'name': 'loads', 'description': 'Since which version the rows of each table are live, and how many the API counts.'}] -%}
    {%- for stream in streams -%}
        {%- do tables.append({
            'name': stream.table,
            'description': contentstack.plain(stream.title),
            'data_tests': [
                'contentstack.matches_published',
                {'contentstack.unmapped_share': {'arguments': {'at_most': unmapped_at_most}}},
            ],
        }) -%}
    {%- endfor -%}
    {%- set described = [] -%}
    {%- for model in models -%}
        {%- do described.append(dict(
            {'name': model.name, 'description': contentstack.plain(model.description)},
            **({'columns': model.columns} if model.columns else {})
        )) -%}
    {%- endfor -%}
    {{ return({
        'version': 2,
        'sources': [{'name': 'contentstack', 'schema': schema, 'tables': tables}],
        'models': described,
    }) }}
{%- endmacro %}
