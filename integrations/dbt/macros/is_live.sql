{#- The condition of what is published: of the load that counts, and not deleted since. It holds for every target.

    Args:
        relation: A table that the tap loads: entries or assets.
-#}
{% macro is_live(relation) -%}
    _load_version >= {{ contentstack.live_version(relation) }}
    and _sync_type in ('entry_published', 'asset_published')
{%- endmacro %}

{#- The version since which rows of a table count, from the table `loads` beside it. Of lists, which have no deletes, it says all. -#}
{% macro live_version(relation) -%}
    (select version from {{ contentstack.loads_beside(relation) }} where stream = '{{ relation.identifier | lower }}')
{%- endmacro %}

{% macro loads_beside(relation) -%}
    {{ return(relation.incorporate(path={'identifier': 'loads'})) }}
{%- endmacro %}
