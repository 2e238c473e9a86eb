"""The GPU exporter: on this machine's GPU, or, where there is none, on a stub of NVIDIA's library."""

import ctypes
import shutil
import sys
from pathlib import Path

from stack.console import StackError, run
from stack.layout import PROJECT, Layout
from stack.services.processes import Program

LIBRARY = "libnvidia-ml.so.1"
STUB = PROJECT / "stack" / "simulators" / "nvml.c"


def present() -> bool:
    """Say whether the machine has NVIDIA's library, which comes with the driver of a GPU."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


def why() -> str:
    """Say which GPU is measured, for whoever starts the system."""
    return "hardware" if present() else f"simulated, because this machine has no {LIBRARY}"


def folder(layout: Layout) -> Path:
    """Return where the stub's library lies, and the files that it reads."""
    return layout.state / "gpu"


def environment(layout: Layout) -> dict[str, str]:
    """Return what the exporter and the AI service need to know of the stub: nothing where there is a GPU."""
    return {} if present() else {"NVML_STUB": str(folder(layout))}


def program(layout: Layout) -> Program:
    """Return how the exporter is run; build the stub if it is needed."""
    variables = environment(layout)
    if variables:
        build(folder(layout))
        variables["LD_LIBRARY_PATH"] = variables["NVML_STUB"]
    return Program(
        name="gpu_exporter",
        command=[sys.executable, "-m", "exporters.gpu_exporter", "--port", str(layout.ports.gpu)],
        environment=variables,
    )


def build(place: Path) -> None:
    """Compile the stub into that folder, unless it is there already.

    :raises StackError: when there is no gcc, or it fails.
    """
    library = place / LIBRARY
    if library.exists() and library.stat().st_mtime > STUB.stat().st_mtime:
        return
    if not shutil.which("gcc"):
        raise StackError("The stub of NVML has to be compiled: install gcc.")
    place.mkdir(parents=True, exist_ok=True)
    unfinished = place / f"{LIBRARY}.unfinished"
    run(
        ["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", unfinished, STUB],
        log=place / "build.log",
    )
    unfinished.rename(library)


def control(layout: Layout, *lines: str) -> None:
    """Make the stub behave as these lines say (see nvml.c), from its next call on; without lines, as by default.

    `control(layout, "all error 9")` takes the driver away, `control(layout)` gives it back.
    """
    place = folder(layout)
    unfinished = place / "control.unfinished"
    unfinished.write_text("".join(f"{line}\n" for line in lines))
    unfinished.rename(place / "control")
