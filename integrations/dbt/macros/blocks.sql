{#- One row per block of a modular blocks field: which block it is, and its fields as JSON.

    Args:
        relation: A table of entries.
        column: The field's column.
-#}
{% macro blocks(relation, column) -%}
    select _content_type_uid, uid, _publish_locale, position, key as block, value as fields
    from (
        {{ contentstack.json_pairs(
            '(' ~ contentstack.elements(relation, column) ~ ')', 'element', contentstack.key_columns() + ['position']
        ) }}
    ) as block
{%- endmacro %}

{#- One row per element of a column that is a list: a group with several values, references, files …

    Args:
        relation: A table of entries.
        column: The field's column.
-#}
{% macro elements(relation, column) -%}
    {{ contentstack.json_elements(contentstack.live_rows(relation), column, contentstack.key_columns()) }}
{%- endmacro %}
