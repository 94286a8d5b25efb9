{#- The columns of a table that hold content, or say when it was published and edited. -#}
{% macro content_columns(relation) -%}
    {%- set content = [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) if execute -%}
        {%- set name = column.name | lower -%}
        {%- if not name.startswith('_sdc_') and name not in contentstack.technical_columns() -%}
            {%- do content.append(column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(content) }}
{%- endmacro %}

{% macro technical_columns() -%}
    {{ return([
        '_content_type_uid', '_in_progress', '_load_version', '_metadata', '_references', '_sync_type', '_unmapped',
        '_workflow', 'acl', 'publish_details', 'stackheaders', 'urlpath',
    ]) }}
{%- endmacro %}
