"""matplotlib whatever the environment says of it: no window of it is ever opened here."""

from __future__ import annotations

import os
import sys
import warnings


def load_matplotlib() -> None:
    """Load matplotlib, without MPLBACKEND where that names nothing: it would refuse to be loaded at all."""
    if "matplotlib" in sys.modules or "MPLBACKEND" not in os.environ:
        return
    backend = os.environ.pop("MPLBACKEND")
    try:
        import matplotlib as mpl

        mpl.rcParams["backend"] = backend
    except ValueError:
        warnings.warn(f"MPLBACKEND={backend!r} is no backend of matplotlib: it is not used", stacklevel=2)
    finally:
        os.environ["MPLBACKEND"] = backend
