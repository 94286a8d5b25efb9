{#- What every entry has, so that the types fit into one relation.

    Args:
        relation: A table of entries.
-#}
{% macro entries(relation) -%}
    {%- set names = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list if execute else [] -%}
    select
        _content_type_uid,
        uid,
        _publish_locale,
        locale,
        locale <> _publish_locale as is_fallback,
        title,
        {{ 'url' if 'url' in names else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as url,
        updated_at,
        _sync_event_at as published_at
    from {{ relation }}
    where {{ contentstack.is_live(relation) }}
{%- endmacro %}
