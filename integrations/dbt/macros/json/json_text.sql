{#- The text under a key of a JSON object. -#}
{% macro json_text(value, key) -%}
    {{ return(adapter.dispatch('json_text', 'contentstack')(value, key)) }}
{%- endmacro %}

{#- Postgres and DuckDB. -#}
{% macro default__json_text(value, key) -%} ({{ value }} ->> '{{ key }}') {%- endmacro %}

{#- Not run. -#}
{% macro snowflake__json_text(value, key) -%} cast(get({{ value }}, '{{ key }}') as varchar) {%- endmacro %}

{#- Not run. -#}
{% macro bigquery__json_text(value, key) -%} json_value({{ value }}, '$.{{ key }}') {%- endmacro %}
