"""Alarm for modules that have grown too long to be read in one sitting: `python tests/tools/module_sizes.py slth`."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

LIMIT = 400


def too_long(folder: Path, *, limit: int = LIMIT) -> dict[Path, int]:
    """Modules below a folder with more lines than the limit."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sorted(folder.rglob("*.py"))}
    return {path: length for path, length in lengths.items() if length > limit}


def main(folder: str) -> int:
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in Path(folder).rglob("*.py")]
    longest = too_long(Path(folder))
    for path, length in longest.items():
        sys.stderr.write(f"{path}: {length} lines, more than {LIMIT}: split it\n")
    median = statistics.median(lengths)
    sys.stdout.write(f"{len(lengths)} modules, {sum(lengths)} lines, median {median:.0f}, longest {max(lengths)}\n")
    return int(bool(longest))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
