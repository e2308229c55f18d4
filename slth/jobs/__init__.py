"""Jobs: a target trained or loaded, its ticket made, written, read back and measured."""
