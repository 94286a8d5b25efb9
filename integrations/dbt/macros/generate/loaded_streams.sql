{#- The tables of entries and assets that the target has written, in the order of their names.

    Returns a list of objects: `table`, `columns` (their names), `title` and `fields` (of the content type; none for assets).
-#}
{% macro loaded_streams(schema) -%}
    {%- set loads = api.Relation.create(database=target.database, schema=schema, identifier='loads') -%}
    {%- set content_types = loads.incorporate(path={'identifier': 'content_types'}) -%}
    {%- set query -%}
        select loads.stream, loads.content_type_uid, content_type.title, content_type.description,
            {{ contentstack.json_written('content_type.schema') }} as fields
        from {{ loads }} as loads
        left join {{ content_types }} as content_type
            on content_type.uid = loads.content_type_uid
            and content_type._load_version >= {{ contentstack.live_version(content_types) }}
        where loads.stream in ('assets', 'entries') or content_type.uid is not null
        order by loads.stream
    {%- endset -%}
    {%- set streams = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- set relation = loads.incorporate(path={'identifier': row[0]}) -%}
        {%- do streams.append({
            'table': row[0],
            'columns': adapter.get_columns_in_relation(relation) | map(attribute='name') | list,
            'title': (row[2] or row[0]) | string,
            'description': (row[3] or '') | string,
            'fields': fromjson(row[4] or '[]'),
        }) -%}
    {%- endfor -%}
    {{ return(streams) }}
{%- endmacro %}
