"""The command line: the only reader of the arguments, of the environment and of configuration files.

Exit codes: 0 done; 1 failed run or failed verification; 2 usage or bad input; 3 partial but resumable; 130 and 143
when interrupted or terminated. A user's mistake never shows a traceback.
"""

from __future__ import annotations

TYPE_CHECKING = False  # that of typing, whose import would take longer than all others here

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, of the process if none is given; what it needs is imported where signals are minded already."""
    try:
        from slth.cli.endings import leaving
    except KeyboardInterrupt:  # before there is anybody to take note of a signal
        return _end_early(arguments, "interrupted", 130)
    code = _main(arguments)
    return leaving(code) if arguments is None else code


def _main(arguments: Sequence[str] | None) -> int:
    from slth.cli.endings import INTERRUPTED, TERMINATED, Terminated, stoppable

    try:
        with stoppable():
            try:
                from slth.cli.entry import enter
            except KeyboardInterrupt:
                return _end_early(arguments, "interrupted", INTERRUPTED)
            except Terminated:
                return _end_early(arguments, "terminated", TERMINATED)
            return enter(arguments)
    except KeyboardInterrupt:  # once more, while an end was being told
        return INTERRUPTED
    except Terminated:
        return TERMINATED


def _end_early(arguments: Sequence[str] | None, word: str, code: int) -> int:
    """Tell of an end before what tells of it has been imported."""
    import os
    import sys

    os.write(2, f"slth: {word}\n".encode())
    if "--json" in (sys.argv if arguments is None else arguments):
        os.write(1, f'{{"error": "{word}", "kind": "{word.capitalize()}", "exit_code": {code}}}\n'.encode())
    return code
