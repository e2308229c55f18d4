"""How a command may end, other than well."""

from __future__ import annotations

from slth.errors import SlthError

INTERRUPTED, TERMINATED = 130, 143


class Terminated(BaseException):
    """SIGTERM arrived: unwinds like a keyboard interrupt, so that temporary files are removed."""


class UsageError(SlthError):
    """The command line itself is wrong: an unknown option, a missing argument, a value of another type."""

    exit_code = 2
