{#- Links of live entries to what is published in no locale. Links to types that are not loaded are left out.

    Args:
        links: Rows of `links`.
        targets: Relations with the uids that are published.
        loads: The table `loads`.
-#}
{% macro broken_links(links, targets, loads) -%}
    select link.*
    from {{ links }} as link
    where exists (
        select 1
        from {{ loads }} as loads
        where loads.content_type_uid = link.target_content_type_uid
        or (loads.stream = 'assets' and link.target_content_type_uid = 'sys_assets')
        or (loads.stream = 'entries' and link.target_content_type_uid <> 'sys_assets')
    )
    {%- for target in targets %}
    and not exists (select 1 from {{ target }} as target where target.uid = link.target_uid)
    {%- endfor %}
{%- endmacro %}
