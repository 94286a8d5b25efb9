{#- Locales in which a table holds more or fewer live rows than the API counts as published.

    The counts are in `loads`, with the tap's setting `count_published`; where they are null, nothing is compared.
-#}
{% test matches_published(model) %}
{%- set counted -%}
    (select * from {{ contentstack.loads_beside(model) }} where stream = '{{ model.identifier | lower }}')
{%- endset %}
    select
        coalesce(live._publish_locale, published.key) as _publish_locale,
        coalesce(live.row_count, 0) as live,
        coalesce(cast({{ contentstack.json_written('published.value') }} as {{ dbt.type_int() }}), 0) as published
    from (
        select _publish_locale, count(*) as row_count
        from {{ model }}
        where {{ contentstack.is_live(model) }}
        group by _publish_locale
    ) as live
    full join (
        {{ contentstack.json_pairs(counted, 'published', ['stream']) }}
    ) as published on published.key = live._publish_locale
    where exists (select 1 from {{ counted }} as counted where {{ contentstack.json_written('published') }} <> 'null')
    and coalesce(live.row_count, 0)
        <> coalesce(cast({{ contentstack.json_written('published.value') }} as {{ dbt.type_int() }}), 0)
{% endtest %}
