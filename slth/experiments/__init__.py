"""Data sets, the demonstration, benchmarks and the environment: what turns the library's parts into tables."""
