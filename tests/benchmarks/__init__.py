"""Speed as ratios, measured in turns in one run: ``python -m tests.benchmarks``."""
