"""Benchmarks: contenders timed in the same run, from a grid in a TOML file to one table."""
