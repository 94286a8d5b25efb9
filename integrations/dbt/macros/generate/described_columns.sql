{#- The content columns of a table that something is known about: what editors are told of the field, or what the API means. -#}
{% macro described_columns(stream) -%}
    {%- set known = contentstack.system_columns() -%}
    {%- for field in stream.fields -%}
        {%- set texts = [field.display_name, (field.field_metadata or {}).get('instruction')] | select | list -%}
        {%- do known.update({field.uid | lower: contentstack.plain(texts | join('. '))}) if texts -%}
    {%- endfor -%}
    {%- set columns = [] -%}
    {%- for column in stream.columns if column | lower in known -%}
        {%- do columns.append({'name': column, 'description': known[column | lower]}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{% macro system_columns() -%}
    {{ return({
        'uid': 'The item, the same in all locales.',
        '_publish_locale': 'The locale that the row is published to.',
        'locale': 'The locale that the content was written in: a fallback, if it is another one than _publish_locale.',
        '_version': 'The version of the item that is published.',
        '_sync_event_at': 'When it was published (UTC).',
        'created_at': 'When the item was created (UTC).',
        'updated_at': 'When the item was last edited (UTC).',
        'filename': 'The name of the file.',
        'content_type': 'The media type of the file.',
        'file_size': 'The size in bytes, as text.',
    }) }}
{%- endmacro %}

{#- A text of the CMS for a description. dbt renders descriptions: what looks like Jinja must not be. -#}
{% macro plain(text) -%}
    {{ return(text | string | replace('{', '(') | replace('}', ')')) }}
{%- endmacro %}
