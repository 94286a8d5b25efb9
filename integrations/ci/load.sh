#!/bin/sh
# Loads once with Meltano, and ends as the load did: Meltano's own exit code does not tell.
#
#   load.sh [TAP [TARGET]]        in the Meltano project; tap-contentstack and target-postgres if not given
#
# Exit codes: 0 complete; 75 unfinished, run it again; 1 failed, or the state was not stored.
# The summary is written to $TAP_CONTENTSTACK_SUMMARY_PATH (summary.json), and for the page of a GitHub job.
set -eu

tap=${1:-tap-contentstack} target=${2:-target-postgres}
: "${MELTANO_ENVIRONMENT:?is not set: the environment of meltano.yml to run in, such as prod}"
export TAP_CONTENTSTACK_SUMMARY_PATH="${TAP_CONTENTSTACK_SUMMARY_PATH:-$PWD/summary.json}"
state=$(mktemp)
trap 'rm -f "$state"' EXIT

fail() {
    echo "load.sh: $*" >&2
    exit 1
}

rm -f "$TAP_CONTENTSTACK_SUMMARY_PATH" # if there is none afterwards, the tap was killed
code=0
meltano run "$tap" "$target" || code=$?

[ -s "$TAP_CONTENTSTACK_SUMMARY_PATH" ] || fail "the tap did not come to its end (meltano exited with $code): see its log"
tap_python=${MELTANO_SYS_DIR_ROOT:-.meltano}/extractors/$tap/venv/bin/python # where Meltano has installed the tap
[ -x "$tap_python" ] || tap_python=$(dirname "$(command -v "$tap")")/python
page=$("$tap_python" -m tap_contentstack.summary "$TAP_CONTENTSTACK_SUMMARY_PATH") || fail "the summary cannot be shown"
printf '%s\n' "$page" | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"

# Meltano exits with 0 even if it could not store the state, and with 1 whether the tap failed or has more to do.
meltano state get "$MELTANO_ENVIRONMENT:$tap-to-$target" > "$state" || fail "the state cannot be read"
python3 - "$TAP_CONTENTSTACK_SUMMARY_PATH" "$state" "$code" << 'PYTHON'
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    summary = json.load(file)
with open(sys.argv[2], encoding="utf-8") as file:
    bookmarks = json.load(file).get("singer_state", {}).get("bookmarks", {})
stale = [
    name
    for name, stream in summary["streams"].items()
    if stream["served_at"] and stream["served_at"] != bookmarks.get(name, {}).get("served_at")
]
if summary["outcome"] not in ("complete", "unfinished"):
    sys.exit(f"load.sh: the tap {summary['outcome']}: {summary['reason']}")
if stale:
    sys.exit(f"load.sh: the state of {', '.join(stale)} was not stored, so the next load repeats what this one did")
if summary["outcome"] == "complete" and sys.argv[3] != "0":
    sys.exit("load.sh: the tap is complete, and Meltano failed: see the target's log")
sys.exit(summary["exit_code"])
PYTHON
