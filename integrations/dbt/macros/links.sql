{#- One row per link from a live entry to an entry or asset, wherever in the entry it stands.

    Args:
        relation: A table of entries.
-#}
{% macro links(relation) -%}
    select
        _content_type_uid,
        uid,
        _publish_locale,
        {{ contentstack.json_text('element', 'path') }} as path,
        {{ contentstack.json_text('element', 'uid') }} as target_uid,
        {{ contentstack.json_text('element', 'content_type_uid') }} as target_content_type_uid
    from (
        {{ contentstack.json_elements(contentstack.live_rows(relation), '_references', contentstack.key_columns()) }}
    ) as link
{%- endmacro %}

{#- The live rows of a table with all of its columns, as a subquery. -#}
{% macro live_rows(relation) -%}
    (select * from {{ relation }} where {{ contentstack.is_live(relation) }})
{%- endmacro %}

{% macro key_columns() -%}
    {{ return(['_content_type_uid', 'uid', '_publish_locale']) }}
{%- endmacro %}
