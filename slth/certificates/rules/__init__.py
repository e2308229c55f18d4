"""One rule a kind of node."""
