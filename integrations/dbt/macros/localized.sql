{#- What is published, one row per item: in the first of some locales that it is published to.

    Args:
        relation: A table that the tap loads: entries or assets.
        locales: The locale, then those to fall back to: ['fr-fr', 'en-us'].
-#}
{% macro localized(relation, locales) -%}
    select
        {% for column in contentstack.content_columns(relation) -%}
        {{ contentstack.sql_null(column) }}{{ ',' if not loop.last }}
        {% endfor -%}
    from (
        select
            *,
            row_number() over (partition by uid order by case _publish_locale
                {%- for locale in locales %} when '{{ locale }}' then {{ loop.index }}{% endfor %} end) as _choice
        from {{ relation }}
        where {{ contentstack.is_live(relation) }}
        and _publish_locale in ('{{ locales | join("', '") }}')
    ) as ranked
    where _choice = 1
{%- endmacro %}
