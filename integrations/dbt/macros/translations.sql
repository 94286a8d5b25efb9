{#- One row per entry and locale of the stack: translated, shown in a fallback's language, or missing.

    Args:
        entries: Rows of `entries`, of all types.
-#}
{% macro translations(entries) -%}
    select
        item._content_type_uid,
        item.uid,
        locale._publish_locale,
        case when entry.uid is null then 'missing' when entry.is_fallback then 'fallback' else 'translated' end as status
    from (select distinct _content_type_uid, uid from {{ entries }}) as item
    cross join (select distinct _publish_locale from {{ entries }}) as locale
    left join {{ entries }} as entry
        on entry._content_type_uid = item._content_type_uid
        and entry.uid = item.uid
        and entry._publish_locale = locale._publish_locale
{%- endmacro %}
