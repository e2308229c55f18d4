"""Tickets: a random network, a seed and a mask, and the file from which anybody regenerates it bit for bit."""
