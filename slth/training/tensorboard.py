"""A trace for TensorBoard, where that is installed: it is no dependency."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from slth.errors import ArgumentError
from slth.training.loop import Record


def to_tensorboard(records: Iterable[Record], folder: str | Path) -> Iterator[Record]:
    """Pass on the records of a run or of a result's trace, and write each for TensorBoard on its way.

    Scalars by step: ``loss``, ``rate``, ``density``, and of held-out examples ``validation/loss`` and
    ``validation/accuracy``.

    Parameters
    ----------
    records : iterable of Record
        Such as a :class:`TrainingRun`, or the ``trace`` of a search.
    folder : str or Path
        Of the log.

    Yields
    ------
    Record

    Raises
    ------
    slth.errors.ArgumentError
        TensorBoard is not installed; said before anything is trained.

    Examples
    --------
    >>> from importlib.util import find_spec
    >>> import tempfile
    >>> trace = [slth.training.Record(1, 1, loss=0.5, rate=0.1, density=1.0, seconds=0.0)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = list(slth.training.to_tensorboard(trace, folder)) if find_spec("tensorboard") else trace
    >>> written[0].loss
    0.5
    """
    require_tensorboard("folder", folder)
    return _written(records, folder)


def require_tensorboard(argument: str, folder: str | Path) -> None:
    """Raise ArgumentError unless TensorBoard is installed."""
    if find_spec("tensorboard") is None:
        rule = "is for TensorBoard, which is not installed"
        raise ArgumentError(argument, str(folder), rule, "pip install tensorboard, or read the records themselves")


def write_tensorboard(traces: Mapping[str, Iterable[Record]], folder: Path) -> None:
    """Write traces, each into the part of the folder that is called like it: one run in TensorBoard's words."""
    for name, trace in traces.items():
        deque(to_tensorboard(trace, folder / name), maxlen=0)


def _written(records: Iterable[Record], folder: str | Path) -> Iterator[Record]:
    from torch.utils.tensorboard import SummaryWriter

    try:
        opened = SummaryWriter(str(folder))
    except OSError as problem:
        raise ArgumentError("folder", str(folder), f"cannot be written ({problem})", "name another folder") from None
    with opened as writer:
        for record in records:
            numbers = {"loss": record.loss, "rate": record.rate, "density": record.density}
            if record.validation is not None:
                numbers["validation/loss"] = record.validation.loss
                if record.validation.accuracy is not None:
                    numbers["validation/accuracy"] = record.validation.accuracy
            for name, number in numbers.items():
                writer.add_scalar(name, number, record.step)
            yield record
