#!/bin/sh
# Loads once with plain Singer: tap | target, keeping the state that the target confirmed, also if the run failed.
#
#   run.sh CONFIG TARGET_CONFIG STATE [TARGET]
#
# Needs tap-contentstack, the target (target-postgres) and python3 on the PATH. Exits with the target's code if it failed,
# otherwise with the tap's: 0 complete, anything else as the tap's last line says.
set -eu

if [ $# -lt 3 ] || [ $# -gt 4 ]; then
    echo "usage: $0 CONFIG TARGET_CONFIG STATE [TARGET]" >&2
    exit 2
fi
config=$1 target_config=$2 state=$3 target=${4:-target-postgres}
for program in tap-contentstack "$target" python3; do
    command -v "$program" > /dev/null || { echo "$0: $program is not on the PATH" >&2; exit 2; }
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkfifo "$folder/messages"

# Waits for a process to end, however many signals arrive meanwhile, and returns its exit code.
code_of() {
    while :; do
        code=0
        wait "$1" || code=$?
        kill -0 "$1" 2> /dev/null || return "$code"
    done
}

"$target" --config "$target_config" < "$folder/messages" > "$folder/states" &
target_process=$!
if [ -s "$state" ]; then
    tap-contentstack --config "$config" --state "$state" > "$folder/messages" &
else
    tap-contentstack --config "$config" > "$folder/messages" &
fi
tap_process=$!
# A stopped tap ends with a true state; the target then writes what it has and confirms that state.
trap 'kill "$tap_process" 2> /dev/null || :' HUP INT TERM

tap_code=0 target_code=0
code_of "$tap_process" || tap_code=$?
code_of "$target_process" || target_code=$?

# The last line may be cut, by a full disk for one: only a whole state replaces the old one, and in one step.
state_code=0
python3 - "$folder/states" "$state" << 'PYTHON' || state_code=$?
import json
import os
import sys

states, kept = sys.argv[1:]
with open(states, encoding="utf-8", errors="replace") as file:
    lines = file.read().removesuffix("\n").split("\n")  # splitlines would split at U+2028, too
if lines == [""]:
    sys.exit()
cut = 0
for line in reversed(lines):
    try:
        state = json.loads(line)
    except ValueError:
        state = None
    if isinstance(state, dict) and isinstance(state.get("bookmarks"), dict):
        with open(f"{kept}.new", "w", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(f"{kept}.new", kept)
        break
    cut += 1
if cut:
    sys.exit(f"The target's last {cut} lines are not a whole state; {kept} holds the last one that is")
PYTHON

[ "$target_code" -eq 0 ] || exit "$target_code"
[ "$tap_code" -eq 0 ] || exit "$tap_code"
exit "$state_code"
