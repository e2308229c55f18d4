"""The machine and the versions that a result was made with."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from slth import __version__
from slth.resources import thread_count

_DRIVER = Path("/proc/driver/nvidia/gpus")

PACKAGES = (
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
    "torch",
    "scikit-learn",
    "matplotlib",
    "joblib",
    "safetensors",
    "cyclopts",
    "rich",
    "jinja2",
    "hypothesis",
    "ortools",
    "flsss",
    "approx-subsetsum",
    "dpss",
    "distributed",
    "dask-jobqueue",
)


def describe_environment() -> dict[str, Any]:
    """Describe versions, processor, memory, threads and accelerators."""
    return {
        "slth": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(terse=True),
        "processor": _processor(),
        "cores": thread_count(None),
        "memory_gib": _memory_gib(),
        "devices": _devices(),
        "packages": package_versions(),
    }


def _devices() -> list[str]:
    """Return what torch computes on, or, where nobody has loaded it, processors and what NVIDIA's driver tells."""
    if "torch" in sys.modules:
        from slth.networks.devices import describe_devices

        return describe_devices()
    told = sorted(_DRIVER.glob("*/information"))
    lines = [line for file in told for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("Model")]
    return [f"cpu ({thread_count(None)} threads)", *(f"cuda {model}" for model in models)]


def package_versions() -> dict[str, str]:
    """Versions of the packages that results depend on, without importing them."""
    return {name: version_of(name) or "absent" for name in PACKAGES}


def version_of(package: str) -> str | None:
    """Version of a package that is installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    return round(pages * size / 2**30, 1)
