"""Grids of cells: specifications, store, engines, results. What a study computes is handed in as a value."""
