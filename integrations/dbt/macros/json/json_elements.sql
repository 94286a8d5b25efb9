{#- One row per element of a JSON list: the keys, the element, and its position from 0.

    A column whose field was not always multiple still holds single objects; each counts as a list of one.

    Args:
        rows: A relation, or a query in parentheses.
        column: The column that holds the list.
        keys: Columns of `rows` to keep.
-#}
{% macro json_elements(rows, column, keys) -%}
    {{ return(adapter.dispatch('json_elements', 'contentstack')(rows, column, keys)) }}
{%- endmacro %}

{% macro postgres__json_elements(rows, column, keys) -%}
    select {{ keys | join(', ') }}, item.number - 1 as position, item.element
    from {{ rows }} as parent
    cross join lateral jsonb_array_elements(
        case jsonb_typeof({{ column }}) when 'array' then {{ column }} when 'object' then jsonb_build_array({{ column }}) end
    ) with ordinality as item (element, number)
{%- endmacro %}

{% macro duckdb__json_elements(rows, column, keys) -%}
    select {{ keys | join(', ') }}, cast(item.key as integer) as position, item.value as element
    from {{ rows }} as parent
    cross join lateral json_each(
        case json_type({{ column }}) when 'ARRAY' then {{ column }} when 'OBJECT' then json_array({{ column }}) end
    ) as item
{%- endmacro %}

{#- Not run. -#}
{% macro snowflake__json_elements(rows, column, keys) -%}
    select {{ keys | join(', ') }}, item.index as position, item.value as element
    from {{ rows }} as parent,
    lateral flatten(input => iff(is_object({{ column }}), array_construct({{ column }}), {{ column }})) as item
{%- endmacro %}

{#- Not run. Targets make lists repeated columns of JSON. -#}
{% macro bigquery__json_elements(rows, column, keys) -%}
    select {{ keys | join(', ') }}, position, element
    from {{ rows }} as parent
    cross join unnest({{ column }}) as element with offset as position
{%- endmacro %}
