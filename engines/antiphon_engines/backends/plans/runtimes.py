"""Which backends can run here, and the command that installs one that cannot. Imports no runtime."""

from __future__ import annotations

import subprocess
from importlib import metadata
from importlib.util import find_spec
from typing import Final

from msgspec import Struct

from antiphon_engines.backends.plans.plan import BACKENDS, BackendName
from antiphon_engines.backends.plans.tensorrt_module import RTX_ARCHITECTURES

EXPORTER: Final = ("onnx", "onnxscript", "torch")
"""Modules that make an ONNX file."""
_DISTRIBUTIONS: Final[dict[BackendName, tuple[str, ...]]] = {
    "torch": ("torch",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "tensorrt": ("tensorrt", "tensorrt-cu13", "tensorrt-cu12"),
    "tensorrt_rtx": ("tensorrt-rtx",),
}


class Availability(Struct, frozen=True):
    """Of one backend on one device. `runs` and `builds` differ where engines can be built for another machine."""

    backend: BackendName
    version: str
    """Empty when it is not installed."""
    runs: bool
    builds: bool
    reason: str
    """Why it does not run, or the device that it runs on."""
    remedy: str = ""
    """The command that installs the missing package; empty when nothing that can be installed is."""


def architecture() -> str:
    """Of the first GPU, such as `sm89`, asked of the driver's own tool; empty where there is none."""
    query = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    first = done.stdout.strip().partition("\n")[0].replace(".", "")
    return f"sm{first}" if done.returncode == 0 and first.isdigit() else ""


def version(backend: BackendName) -> str:
    """Of the installed package; empty when there is none."""
    for name in _DISTRIBUTIONS[backend]:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return ""


def exporter_version() -> str:
    """Of everything that determines an ONNX file; raise the first number when a recipe of ours changes."""
    named = []
    for name in ("torch", "onnxscript", "diffusers", "transformers"):
        try:
            named.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            named.append(f"{name} none")
    return " ".join(["recipe 3", *named])


def missing_exporter() -> str:
    """The package that is missing for building plans; empty when all is there."""
    lacking = [name for name in EXPORTER if find_spec(name) is None]
    return f"{', '.join(lacking)} for exporting; run: pip install 'antiphon[export]'" if lacking else ""


def examine(architecture: str) -> list[Availability]:
    """Every backend, for a GPU of this architecture (`sm89`), or for a machine without one (empty)."""
    return [availability(backend, architecture) for backend in BACKENDS]


def availability(backend: BackendName, architecture: str) -> Availability:
    found = version(backend)
    extra = {"torch": "torch", "onnxruntime": "", "tensorrt": "tensorrt", "tensorrt_rtx": "tensorrt-rtx"}[
        backend
    ]
    if not found:
        useless = backend == "tensorrt" and not architecture
        remedy = "" if useless else f"pip install 'antiphon[{extra}]'" if extra else "pip install onnxruntime"
        reason = "not installed" + ("; it needs an NVIDIA GPU" if backend.startswith("tensorrt") else "")
        return Availability(backend, "", False, False, reason, remedy)
    exporter = missing_exporter()
    builds = not exporter or backend == "torch"
    remedy = "" if builds else "pip install 'antiphon[export]'"
    match backend:
        case "torch":
            cuda = bool(architecture) and "+cpu" not in found
            return Availability(backend, found, True, True, f"on {'CUDA' if cuda else 'the CPU'}")
        case "onnxruntime":
            where = "CUDA" if architecture and _installed("onnxruntime-gpu") else "the CPU"
            return Availability(backend, found, True, builds, f"on {where}" + _lacks(exporter), remedy)
        case "tensorrt" if not architecture:
            return Availability(
                backend, found, False, False, "needs an NVIDIA GPU and its driver, also to build"
            )
        case "tensorrt":
            return Availability(backend, found, True, builds, f"on {architecture}" + _lacks(exporter), remedy)
        case "tensorrt_rtx" if architecture in RTX_ARCHITECTURES:
            return Availability(backend, found, True, builds, f"on {architecture}" + _lacks(exporter), remedy)
        case "tensorrt_rtx":
            card = f"{architecture} is not among its cards" if architecture else "no RTX card here"
            reason = f"builds engines, runs none: {card} ({', '.join(RTX_ARCHITECTURES)})"
            return Availability(backend, found, False, builds, reason + _lacks(exporter), remedy)


def _lacks(exporter: str) -> str:
    return f"; needs {exporter}" if exporter else ""


def _installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
