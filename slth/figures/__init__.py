"""Draws tables: matplotlib pictures and the self-contained report. Nothing is computed here but positions on paper."""
