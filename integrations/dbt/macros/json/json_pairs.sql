{#- One row per key of a JSON object: the keys to keep, `key` and `value`.

    Args:
        rows: A relation, or a query in parentheses.
        column: The column that holds the object.
        keys: Columns of `rows` to keep.
-#}
{% macro json_pairs(rows, column, keys) -%}
    {{ return(adapter.dispatch('json_pairs', 'contentstack')(rows, column, keys)) }}
{%- endmacro %}

{% macro postgres__json_pairs(rows, column, keys) -%}
    select {{ keys | join(', ') }}, pair.key, pair.value
    from {{ rows }} as parent
    cross join lateral jsonb_each(case jsonb_typeof({{ column }}) when 'object' then {{ column }} end) as pair
{%- endmacro %}

{% macro duckdb__json_pairs(rows, column, keys) -%}
    select {{ keys | join(', ') }}, pair.key, pair.value
    from {{ rows }} as parent
    cross join lateral json_each(case json_type({{ column }}) when 'OBJECT' then {{ column }} end) as pair
{%- endmacro %}

{#- Not run. -#}
{% macro snowflake__json_pairs(rows, column, keys) -%}
    select {{ keys | join(', ') }}, pair.key, pair.value
    from {{ rows }} as parent, lateral flatten(input => iff(is_object({{ column }}), {{ column }}, null)) as pair
{%- endmacro %}

{#- Not run. Keys that are not plain names come in double quotes. -#}
{% macro bigquery__json_pairs(rows, column, keys) -%}
    select {{ keys | join(', ') }}, trim(quoted, '"') as key, {{ column }}[trim(quoted, '"')] as value
    from {{ rows }} as parent
    cross join unnest(json_keys({{ column }}, 1)) as quoted
{%- endmacro %}
