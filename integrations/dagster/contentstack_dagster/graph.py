"""The graph of one environment: `plan` fans out to a `load` for each shard, and `check` looks at what arrived.

The streams are the partitions of one asset: they come and go with the stack, so no code can list them.
"""

import typing as t
from dataclasses import dataclass

import dagster as dg

from contentstack_dagster.pipe import Ending
from contentstack_dagster.stack import LISTS, Contentstack
from contentstack_dagster.warehouse import counts

UNFINISHED = 75
"""The tap's exit code after `max_run_seconds`: the next try continues."""
MAX_CONTINUATIONS = 1000
"""How many tries a load may need that is longer than `max_run_seconds`."""
RETRIES = dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL)
"""For whatever fails, a step's process that was killed included."""
CHECK = "holds_what_is_published"
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


class Reload(dg.Config):
    """What a run of the asset does with the chosen streams."""

    full: bool = False
    """Load everything again, rather than what has changed."""


@dataclass(frozen=True)
class Environment:
    """An environment of the stack, as its steps know it."""

    name: str

    @property
    def pool(self) -> str:
        """The pool of its steps, which only one run at a time may use; its job and partitions have the same name."""
        return f"contentstack_{self.name}"

    @property
    def key(self) -> dg.AssetKey:
        """Its asset."""
        return dg.AssetKey(["contentstack", self.name])

    @property
    def step(self) -> dict[str, t.Any]:
        """What its steps have in common."""
        return {"pool": self.pool, "retry_policy": RETRIES, "required_resource_keys": {self.pool}}

    def stack(self, context: t.Any) -> Contentstack:
        """Return its resource."""
        return t.cast("Contentstack", getattr(context.resources, self.pool))

    def report(self, context: t.Any, ending: Ending) -> None:
        """Log what was loaded as materializations. Unless it is complete, ask for another try, or fail."""
        stored = self.stack(context).store.streams()
        for stream, each in ending.summary["streams"].items():
            if each["outcome"] != "complete":
                continue
            if stream not in stored:
                context.log.info("%s: the content type is gone; the table is empty now", stream)
                context.instance.delete_dynamic_partition(self.pool, stream)
                continue
            metadata = {name: value for name, value in each.items() if value is not None}
            metadata |= {"seconds": ending.summary["seconds"], "log": dg.MetadataValue.dagster_run(context.run_id)}
            context.log_event(dg.AssetMaterialization(self.key, partition=stream, metadata=metadata))
        if ending.code == UNFINISHED:
            context.log.info(ending.reason)
            raise dg.RetryRequested(max_retries=MAX_CONTINUATIONS)
        if ending.code:
            raise dg.Failure(ending.reason)


def definitions(name: str, stack: Contentstack, cron: str) -> dg.Definitions:
    """Return what Dagster has of one environment.

    Args:
        name: The environment's name in Dagster.
        stack: What is loaded, and where to.
        cron: When.
    """
    environment = Environment(name)
    job = _job(environment, stack.shards)
    return dg.Definitions(
        assets=[_asset(environment)],
        asset_checks=[_check(environment)],
        jobs=[job],
        schedules=[_schedule(environment, job, cron)],
        resources={environment.pool: stack},
    )


def _job(environment: Environment, shards: int) -> dg.JobDefinition:
    @dg.op(name=f"plan_{environment.name}", out=dg.DynamicOut(dict), **environment.step)
    def plan(context: dg.OpExecutionContext) -> t.Iterator[dg.DynamicOutput[t.Any]]:
        """Load the lists, empty the tables of types that are gone, and pack the other streams into shards.

        This creates the schema and the table `loads`, which several targets at once would fail over.
        """
        stack = environment.stack(context)
        catalog = stack.catalog()
        stored = set(stack.store.streams())
        context.instance.add_dynamic_partitions(environment.pool, sorted(catalog.keys() | stored))
        # What the state knows and the stack lacks goes along, so that the tap sees a token that has lost its access.
        first = LISTS | (stored - catalog.keys())
        environment.report(context, stack.load(first, [catalog[each] for each in sorted(LISTS)]))
        packed = stack.plan(catalog.keys() - LISTS)
        for number, streams in enumerate(packed):
            shard = {"catalog": [catalog[stream] for stream in streams], "at_once": len(packed)}
            yield dg.DynamicOutput(shard, mapping_key=str(number), metadata={"streams": streams})

    @dg.op(name=f"load_{environment.name}", out=dg.Out(dg.Nothing), **environment.step)
    def load(context: dg.OpExecutionContext, shard: dict[str, t.Any]) -> None:
        """Load the streams of one shard."""
        streams = [each["tap_stream_id"] for each in shard["catalog"]]
        ending = environment.stack(context).load(streams, shard["catalog"], at_once=shard["at_once"])
        environment.report(context, ending)

    @dg.op(name=f"check_{environment.name}", ins={"loaded": dg.In(dg.Nothing)}, **environment.step)
    def check(context: dg.OpExecutionContext) -> None:
        """Compare the live rows of each stream with what the API counts as published."""
        result = compare(environment.stack(context))
        context.log_event(
            dg.AssetCheckEvaluation(
                environment.key, CHECK, bool(result.passed), result.metadata, description=result.description
            )
        )

    executor = {"max_concurrent": shards, "start_method": {"forkserver": {}}}

    @dg.job(name=environment.pool, executor_def=dg.multiprocess_executor.configured(executor, name="shards"))
    def job() -> None:
        check(plan().map(load).collect())

    return job


def _schedule(environment: Environment, job: dg.JobDefinition, cron: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"load_{environment.name}",
        cron_schedule=cron,
        job=job,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Start a run unless one is under way, so that none pile up behind one that takes longer."""
        if context.instance.get_runs_count(dg.RunsFilter(job_name=job.name, statuses=UNDER_WAY)):
            return dg.SkipReason("the last run is still under way")
        return dg.RunRequest()

    return schedule


def _asset(environment: Environment) -> dg.AssetsDefinition:
    @dg.asset(
        key=environment.key,
        partitions_def=dg.DynamicPartitionsDefinition(name=environment.pool),
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="contentstack",
        **environment.step,
    )
    def streams(context: dg.AssetExecutionContext, config: Reload) -> None:
        """The stack's streams, a partition each. Materializing some of them loads these in one process, out of turn."""
        stack = environment.stack(context)
        catalog = stack.catalog()
        chosen = [stream for stream in context.partition_keys if stream in catalog]
        record = context.instance.get_run_record_by_id(context.run_id)
        reload_before = record.create_timestamp if record and config.full else None
        ending = stack.load(chosen, [catalog[each] for each in chosen], reload_before=reload_before)
        environment.report(context, ending)

    return streams


def _check(environment: Environment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=environment.key, name=CHECK, required_resource_keys={environment.pool})
    def holds_what_is_published(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Compare the live rows of each stream with what the API counts as published."""
        return compare(environment.stack(context))

    return holds_what_is_published


def compare(stack: Contentstack) -> dg.AssetCheckResult:
    """Return whether each stream has as many live rows as the API counts."""
    found = counts(stack.variables(), stack.schema_name)
    rows = [dg.TableRecord({**each._asdict(), "equal": each.live == each.published}) for each in found]
    columns = [("stream", "string"), ("live", "int"), ("published", "int"), ("equal", "bool")]
    table = dg.MetadataValue.table(rows, dg.TableSchema([dg.TableColumn(*column) for column in columns]))
    different = [each.stream for each in found if each.live != each.published]
    text = f"{len(found)} streams were counted" + (f"; these differ: {', '.join(different)}" if different else "")
    passed = bool(found) and not different
    return dg.AssetCheckResult(passed=passed, description=text, metadata={"streams": table, "counted": len(found)})
