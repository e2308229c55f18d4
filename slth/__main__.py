"""``python -m slth``: the same command line as ``slth``."""

from __future__ import annotations

import sys

from slth.cli import main

if __name__ == "__main__":
    sys.exit(main())
