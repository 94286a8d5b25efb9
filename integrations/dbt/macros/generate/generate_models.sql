{#- Prints the models for the stack that is in the warehouse, with their documentation and tests.

    Each file comes after a line `==> PATH <==`; the README shows how to write them.

    Args:
        schema: The target's schema.
        folder: Where the files belong.
        unmapped_at_most: What the test `unmapped_share` allows.
-#}
{% macro generate_models(schema='contentstack', folder='models/contentstack', unmapped_at_most=0.1) %}
    {%- set streams = contentstack.loaded_streams(schema) -%}
    {%- set models = contentstack.models_of_streams(streams) + contentstack.models_of_the_stack(streams) -%}
    {%- for model in models -%}
        {%- do print('==> ' ~ folder ~ '/' ~ model.name ~ '.sql <==') -%}
        {%- do print('{{ ' ~ model.sql ~ ' }}') -%}
    {%- endfor -%}
    {%- do print('==> ' ~ folder ~ '/contentstack.yml <==') -%}
    {%- do print(toyaml(contentstack.properties_of(schema, streams, models, unmapped_at_most))) -%}
{% endmacro %}
