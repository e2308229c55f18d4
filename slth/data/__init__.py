"""Data sets: which there are, their official bytes, and readers of their formats."""
