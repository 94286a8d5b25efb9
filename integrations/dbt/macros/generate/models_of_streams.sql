{#- For each table: its live rows, and one model per field whose values are lists of blocks or groups.

    Returns a list of objects: `name`, `sql`, `description`, `columns` (objects of `name` and `description`).
-#}
{% macro models_of_streams(streams) -%}
    {%- set models = [] -%}
    {%- for stream in streams -%}
        {%- set source = contentstack.source_call(stream.table) -%}
        {%- do models.append({
            'name': contentstack.model_name(stream.table),
            'sql': 'contentstack.live(' ~ source ~ ')',
            'description': (stream.title ~ ': what is published, one row per item and locale. ' ~ stream.description) | trim,
            'columns': contentstack.described_columns(stream),
        }) -%}
        {%- for field in stream.fields if field.uid in stream.columns -%}
            {%- set macro = contentstack.macro_of_lists(field) -%}
            {%- if macro -%}
                {%- do models.append({
                    'name': contentstack.model_name(stream.table ~ '__' ~ field.uid),
                    'sql': macro ~ '(' ~ source ~ ", '" ~ field.uid ~ "')",
                    'description': stream.title ~ ', ' ~ (field.display_name or field.uid) ~ ': one row per '
                        ~ ('block.' if field.data_type == 'blocks' else 'element.'),
                    'columns': [],
                }) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(models) }}
{%- endmacro %}

{% macro macro_of_lists(field) -%}
    {%- if field.data_type == 'blocks' -%} {{ return('contentstack.blocks') }}
    {%- elif field.data_type in ('group', 'global_field') and field.multiple -%} {{ return('contentstack.elements') }}
    {%- else -%} {{ return(none) }}
    {%- endif -%}
{%- endmacro %}

{#- A name for a model; Postgres cuts names at 63 bytes. -#}
{% macro model_name(name) -%}
    {%- set whole = 'contentstack__' ~ name | lower -%}
    {{ return(whole if whole | length <= 63 else whole[:54] ~ '_' ~ local_md5(whole)[:8]) }}
{%- endmacro %}

{% macro source_call(table) -%}
    {{ return("source('contentstack', '" ~ table ~ "')") }}
{%- endmacro %}
