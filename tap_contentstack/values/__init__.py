"""Values in the form that targets accept: texts, numbers, times, paths."""
