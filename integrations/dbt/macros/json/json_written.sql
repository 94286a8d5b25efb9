{#- JSON as its text. JSON's own null is the text `null`, SQL's stays null. -#}
{% macro json_written(value) -%}
    {{ return(adapter.dispatch('json_written', 'contentstack')(value)) }}
{%- endmacro %}

{#- Postgres and DuckDB. -#}
{% macro default__json_written(value) -%} cast({{ value }} as {{ dbt.type_string() }}) {%- endmacro %}

{#- Not run. -#}
{% macro snowflake__json_written(value) -%} to_json({{ value }}) {%- endmacro %}

{#- Not run. -#}
{% macro bigquery__json_written(value) -%} to_json_string({{ value }}) {%- endmacro %}
