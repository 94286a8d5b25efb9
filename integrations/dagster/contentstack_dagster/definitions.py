"""What Dagster loads: an environment of the stack per line. This is the file to edit."""

from __future__ import annotations

import os

import dagster as dg

from contentstack_dagster.graph import definitions
from contentstack_dagster.stack import Contentstack

production = Contentstack(
    environment=dg.EnvVar("TAP_CONTENTSTACK_ENVIRONMENT"),
    access_token=dg.EnvVar("TAP_CONTENTSTACK_ACCESS_TOKEN"),
    schema_name="contentstack",
    state_url=dg.EnvVar("CONTENTSTACK_STATE_URL"),
    shards=int(os.environ.get("CONTENTSTACK_SHARDS", "4")),
    pages_per_shard=int(os.environ.get("CONTENTSTACK_PAGES_PER_SHARD", "200")),
    python=os.environ.get("CONTENTSTACK_TAP_PYTHON", "python"),
    target=os.environ.get("CONTENTSTACK_TARGET", "target-postgres"),
)

# Another environment of the stack is another resource, with its own delivery token, schema, schedule and pool:
#   staging = Contentstack(environment="staging", access_token=dg.EnvVar("STAGING_TOKEN"), schema_name="staging", …)
defs = dg.Definitions.merge(
    definitions("production", production, cron=os.environ.get("CONTENTSTACK_CRON", "*/15 * * * *")),
)
