{#- Fails if more than a share of a table's live rows have values that did not fit their columns.

    Args:
        at_most: The share: 0.05 is 5 %.
-#}
{% test unmapped_share(model, at_most=0.05) %}
    select count(*) as live, count(case when {{ contentstack.json_written('_unmapped') }} <> 'null' then 1 end) as unmapped
    from {{ model }}
    where {{ contentstack.is_live(model) }}
    having count(case when {{ contentstack.json_written('_unmapped') }} <> 'null' then 1 end) > {{ at_most }} * count(*)
{% endtest %}
