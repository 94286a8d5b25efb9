"""JSON values as targets take them: texts, numbers, times, paths."""
