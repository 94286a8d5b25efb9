{#- A column whose JSON nulls are SQL nulls; columns of other types as they are.

    Args:
        column: A column as `adapter.get_columns_in_relation` returns it.
-#}
{% macro sql_null(column) -%}
    {{ return(adapter.dispatch('sql_null', 'contentstack')(column)) }}
{%- endmacro %}

{% macro postgres__sql_null(column) -%}
    {%- if column.dtype == 'jsonb' -%} nullif({{ column.quoted }}, 'null') as {{ column.quoted }}
    {%- else -%} {{ column.quoted }}
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__sql_null(column) -%}
    {%- if column.dtype == 'JSON' -%}
        case when json_type({{ column.quoted }}) <> 'NULL' then {{ column.quoted }} end as {{ column.quoted }}
    {%- else -%} {{ column.quoted }}
    {%- endif -%}
{%- endmacro %}

{#- Not run. -#}
{% macro snowflake__sql_null(column) -%}
    {%- if column.dtype == 'VARIANT' -%} iff(is_null_value({{ column.quoted }}), null, {{ column.quoted }}) as {{ column.quoted }}
    {%- else -%} {{ column.quoted }}
    {%- endif -%}
{%- endmacro %}

{#- Not run. -#}
{% macro bigquery__sql_null(column) -%}
    {%- if column.data_type == 'JSON' -%} if(json_type({{ column.quoted }}) = 'null', null, {{ column.quoted }}) as {{ column.quoted }}
    {%- else -%} {{ column.quoted }}
    {%- endif -%}
{%- endmacro %}
