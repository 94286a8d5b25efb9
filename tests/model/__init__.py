"""The model of the guarantee: random histories of a stack, a tap and a target, and what must hold after each.

`history.py` makes a history from its seed, of `steps.py` and `episodes.py`; `play.py` plays it, with a `deployment.py`
around the stack (`world.py`), the `scheduler.py` and the `target.py`. `runs.py` has the tap run (`process.py`) and its
output loaded. What must hold is in `judge.py`, `brakes.py` and `restarts.py`, and at the end in `settling.py`;
`compare.py` reads the tables row by row. `soak.py` plays on and on, `shrink.py` makes a history that fails short, and
`mutants.py` tells whether histories notice a broken tap. `warehouse.py` plays with real processes.

The guarantee has limits (docs/recovery.md), and so have the histories. Beyond what `steps.py` draws, they are:

- The target is ahead of the confirmed state only by the output of runs with the configuration of now, or of runs before
  a change to a configuration that this history has not had (`Play._change`).
- While `event_types` is narrowed, nothing is compared; nor after a change that no event tells of, until
  `reload_after_days` has brought it.
- Pages of an initial pass shift once, and are newest first: only then does `total_count` show that one is missing.
- The feed tells what it is assumed to tell: an item that an initial pass lists is published, a sync token covers every
  edit since `init`, an unpublish names its locale, a feed of one locale brings every delete from it. So `per_item`
  compaction is tried on stacks of one locale only: on others it loses events for good.
- A delete that does not tell its locales (compacted, and `whole` or `nameless`) removes the rows of the locales that
  the confirmed state knows, of any stream.
- No version in the state is ahead of the clock.
- A page may lack an item in one run, and only while the API has always counted right: a pass that goes on from a page
  that was short starts over, and what the API leaves out twice is believed.
- A uid belongs to one content type, and an item's `_version` only grows.
- A dropped table is loaded anew with the state hidden, again and again until the target has confirmed a state; before
  that, nobody but the user knows of it. Tables of deselected streams are not dropped.
- A column whose field is gone, and that the state does not know (lost, or older than the table), keeps what it held.
- A column that the target made in a run whose state it lost may be of a type that nobody remembers: where the load then
  stops, its table is dropped and reloaded, as docs/warehouse.md says.
"""
