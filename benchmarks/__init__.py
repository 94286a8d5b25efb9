"""What the tap's speed and memory are, as ratios to peers that run beside it: `python -m benchmarks`."""
