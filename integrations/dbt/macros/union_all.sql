{#- The rows that a macro selects from each of several tables.

    Args:
        select: A macro of one relation, such as `contentstack.links`.
        relations: Tables that the tap loads.
-#}
{% macro union_all(select, relations) -%}
    {% for relation in relations -%}
    {{ 'union all' if not loop.first }}
    {{ select(relation) }}
    {% endfor -%}
{%- endmacro %}
