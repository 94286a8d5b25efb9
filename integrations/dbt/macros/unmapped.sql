{#- One row per value that did not fit its column, or whose field the content type does not have.

    Args:
        relation: A table that the tap loads: entries or assets.
-#}
{% macro unmapped(relation) -%}
    select _content_type_uid, uid, _publish_locale, key as path, value
    from (
        {{ contentstack.json_pairs(contentstack.live_rows(relation), '_unmapped', contentstack.key_columns()) }}
    ) as unmapped
{%- endmacro %}
