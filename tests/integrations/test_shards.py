"""How the Dagster project packs streams into shards."""

from __future__ import annotations

import pytest

from contentstack_dagster.shards import pack, pages_left

ZIPF = {f"entries_{rank}": 1000 // rank for rank in range(1, 31)}


def test_every_stream_is_in_exactly_one_shard():
    packed = pack(ZIPF, shards=4, pages_per_shard=1)
    assert sorted(stream for streams in packed for stream in streams) == sorted(ZIPF)


def test_two_giants_are_in_two_shards_and_the_rest_evens_out():
    sizes = {"giant": 500, "another_giant": 500, **{f"small_{number}": 10 for number in range(20)}}
    packed = pack(sizes, shards=2, pages_per_shard=1)
    assert [sum(sizes[stream] for stream in streams) for streams in packed] == [600, 600]


def test_no_shard_is_longer_than_the_longest_stream_where_that_can_be():
    packed = pack(ZIPF, shards=4, pages_per_shard=1)
    assert max(sum(ZIPF[stream] for stream in streams) for streams in packed) == ZIPF["entries_1"]


@pytest.mark.parametrize(
    ("sizes", "shards"),
    [({"a": 5, "b": 5}, 1), ({"a": 100, "b": 100}, 2), ({"a": 1000}, 1), ({f"s{n}": 99 for n in range(9)}, 4)],
    ids=["too few pages", "enough for two", "one stream", "as many as there may be"],
)
def test_a_shard_has_enough_to_do_to_be_worth_its_start(sizes, shards):
    assert len(pack(sizes, shards=4, pages_per_shard=100)) == shards


def bookmark(**values):
    return {"bookmark": {"replication_key_value": None, "pagination_token": None, "items_seen": 0, **values}}


@pytest.mark.parametrize(
    ("known", "items", "pages"),
    [
        ({}, 1234, 13),
        ({}, None, 1),
        (bookmark(replication_key_value="token"), None, 1),
        ({**bookmark(replication_key_value="token"), "pages": 7}, None, 7),
        (bookmark(pagination_token="token", items_seen=500, items_total=2000), None, 15),
        (bookmark(items_seen=0), 300, 3),
    ],
    ids=["new", "unknown", "delta", "delta with pages", "under way", "announced only"],
)
def test_the_pages_of_the_next_load_are_estimated(known, items, pages):
    assert pages_left(known, items) == pages
