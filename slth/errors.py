"""What can go wrong, said so that the reader can act on it.

Every message names the argument, its value, the rule that it breaks and the way out. The command line turns
``exit_code`` into its exit status and prints the message alone: a user's mistake never shows a traceback.
"""

from __future__ import annotations


class SlthError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code: int = 1


class ArgumentError(SlthError, ValueError):
    """An argument breaks a rule: nothing was computed and nothing was written.

    Parameters
    ----------
    argument : str
        Name of the argument as the caller wrote it.
    value : object
        What was given; long values are shortened in the message.
    rule : str
        The rule, as a clause that follows the value ("must not be negative").
    remedy : str
        What to do instead.

    Examples
    --------
    >>> print(ArgumentError("tolerance", -1.0, "must not be negative", "pass 0.0 for the exact optimum"))
    tolerance=-1.0 must not be negative: pass 0.0 for the exact optimum
    """

    exit_code = 2

    def __init__(self, argument: str, value: object, rule: str, remedy: str) -> None:
        self.argument, self.value, self.rule, self.remedy = argument, value, rule, remedy
        shown = " ".join(repr(value).split())
        if len(shown) > 80:
            shown = shown[:60] + " ... " + shown[-15:]
        super().__init__(f"{argument}={shown} {rule}: {remedy}")

    def __reduce__(self) -> tuple[type, tuple[str, object, str, str]]:
        """Pickle with all four fields, so that the error survives a process boundary."""
        return type(self), (self.argument, self.value, self.rule, self.remedy)


class ResourceError(ArgumentError):
    """The request is well formed and too large: the message says what would fit."""


class TicketError(SlthError):
    """A ticket file is damaged, foreign, of another version, or does not regenerate its weights."""


class DataError(SlthError):
    """A data set is missing or is not what its name says."""


class ConstructionError(SlthError):
    """A construction cannot reach what was asked of it."""
