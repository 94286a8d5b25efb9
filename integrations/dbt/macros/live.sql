{#- What is published, one row per item and locale: content columns only, JSON nulls as SQL nulls.

    Args:
        relation: A table that the tap loads: entries or assets.
-#}
{% macro live(relation) -%}
    select
        {% for column in contentstack.content_columns(relation) -%}
        {{ contentstack.sql_null(column) }}{{ ',' if not loop.last }}
        {% endfor -%}
    from {{ relation }}
    where {{ contentstack.is_live(relation) }}
{%- endmacro %}
