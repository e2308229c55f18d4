"""``python -m slth.benchmarks CELL``: one large instance in a process of its own, a cell in JSON to a row in JSON."""

import json
import sys

from slth.benchmarks.large import measure

if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(json.loads(sys.argv[1]))) + "\n")
