{#- The models over all types: entries, links, broken links, usage of assets, unmapped values, translations. -#}
{% macro models_of_the_stack(streams) -%}
    {%- set tables = streams | map(attribute='table') | list -%}
    {%- set assets = ['assets'] if 'assets' in tables else [] -%}
    {%- set entries = contentstack.source_calls(tables | reject('equalto', 'assets')) -%}
    {%- set everything = contentstack.source_calls(tables) -%}
    {%- set targets = ["ref('contentstack__all_entries')"] + (["ref('contentstack__assets')"] if assets else []) -%}
    {%- set models = [
        ('all_entries', 'union_all(contentstack.entries, ' ~ entries ~ ')',
            'All entries of all types, one row per entry and locale.'),
        ('links', 'union_all(contentstack.links, ' ~ entries ~ ')',
            'Every link from an entry to an entry or asset, at any depth.'),
        ('broken_links', "broken_links(ref('contentstack__links'), [" ~ targets | join(', ') ~ '], '
            ~ contentstack.source_call('loads') ~ ')',
            'Links of live entries to what is published in no locale.'),
        ('unmapped', 'union_all(contentstack.unmapped, ' ~ everything ~ ')',
            'Values that did not fit their columns, one row each.'),
        ('translations', "translations(ref('contentstack__all_entries'))",
            'Of each entry and locale: translated, fallback or missing.'),
    ] -%}
    {%- do models.append(('asset_usage', "asset_usage(ref('contentstack__assets'), ref('contentstack__links'))",
        'How many live entries link to each asset.')) if assets -%}
    {%- set named = [] -%}
    {%- for name, sql, description in models -%}
        {%- do named.append({
            'name': 'contentstack__' ~ name, 'sql': 'contentstack.' ~ sql, 'description': description, 'columns': [],
        }) -%}
    {%- endfor -%}
    {{ return(named) }}
{%- endmacro %}

{% macro source_calls(tables) -%}
    {%- set calls = [] -%}
    {%- for table in tables -%} {%- do calls.append(contentstack.source_call(table)) -%} {%- endfor -%}
    {{ return('[\n    ' ~ calls | join(',\n    ') ~ ',\n]') }}
{%- endmacro %}
