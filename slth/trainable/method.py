"""What a trainable method is: levels, each of which is one training under masks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from slth.searches import RECIPE
from slth.trainable.result import Level
from slth.training import Recipe

if TYPE_CHECKING:
    from slth.trainable.bench import Bench


class TrainableMethod:
    """A way to masks whose survivors are trained.

    A method is a frozen dataclass that inherits from this class; it says which weights each level starts from and which
    masks it has, and the bench trains them.
    """

    usual: ClassVar[Recipe] = RECIPE
    """How the levels are trained unless it is said otherwise."""

    product: ClassVar[str] = "ticket"
    """Kind of the levels that the method is about."""

    @property
    def trainings(self) -> int:
        """How many trainings there will be, for those who are told how far they are."""
        return 1

    def compared(self) -> TrainableMethod:
        """Return the method that the files of a folder must be of: without what may be changed when it goes on."""
        return self

    def run(self, bench: Bench) -> Iterator[Level | None]:
        """Train level after level, with None behind each step, so that several can take turns."""
        raise NotImplementedError
