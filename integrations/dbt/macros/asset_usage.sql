{#- One row per asset and locale, with how many live entries link to it in any locale; 0 if none does.

    Args:
        assets: Live assets.
        links: Rows of `links`.
-#}
{% macro asset_usage(assets, links) -%}
    select
        asset.uid,
        asset._publish_locale,
        asset.title,
        asset.filename,
        asset.url,
        coalesce(used.entries, 0) as entries,
        coalesce(used.links, 0) as links
    from {{ assets }} as asset
    left join (
        select target_uid, count(distinct uid) as entries, count(*) as links
        from {{ links }}
        where target_content_type_uid = 'sys_assets'
        group by target_uid
    ) as used on used.target_uid = asset.uid
{%- endmacro %}
