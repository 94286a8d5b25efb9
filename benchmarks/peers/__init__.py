"""The programs that the tap is compared with; each reads the same pages from the same server, and writes to stdout.

- `plain_tap`: what the SDK's cookiecutter leads to. A `RESTStream` for each content type, schemas typed from the
  content type with groups and blocks in full, a JSONPath paginator, and the SDK's defaults for all else: every record
  is conformed to its schema and serialised with `json`; one page at a time, one stream after another.
- `official_sdk`: the sync loop of the vendor's `contentstack` package (2.8.0), `sync_init` and then `pagination`, one
  line of `json.dumps` for each item. No schema, no Singer messages, no state.
- `bare_loop`: `requests` and `orjson` and nothing else: bytes to dicts, each record's dict to bytes, one line each. No
  schema, no Singer messages, no state, no checks.
- `round_trips`: pages fetched with `http.client` and thrown away, to see what the server and the machine make of the
  latency that is asked for.
"""
