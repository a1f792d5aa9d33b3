"""Makes the native module, once per environment and source, by the C compiler that is found."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import cast

from dispatch.live.native import Native
from dispatch.live.tracking import MOST_FIXES
from geo import filter as rules
from geo.filter import DEFAULT_RULES
from geo.geodesy import EARTH_RADIUS_M, METRES_PER_DEGREE

log = logging.getLogger(__name__)

SOURCE = Path(__file__).parent / "fixes.c"
NAME = "dispatch_fixes"
COMPILE_S = 60.0

#: What fixes.c knows by these names.
BOUNDS = {
    "MAX_T_MS": rules.MAX_T_MS,
    "MAX_ACCURACY_M": rules.MAX_ACCURACY_M,
    "MAX_SPEED_MPS": rules.MAX_SPEED_MPS,
    "MAX_HEADING_DEG": rules.MAX_HEADING_DEG,
    "DECIDABLE_ACCURACY_M": DEFAULT_RULES.decidable_accuracy_m,
    "GAP_S": DEFAULT_RULES.gap_s,
    "MAX_AGE_S": DEFAULT_RULES.max_age_s,
    "MOST_MPS": DEFAULT_RULES.max_speed_mps,
    "MIN_INTERVAL_S": DEFAULT_RULES.min_interval_s,
    "MAX_NOISE_M": DEFAULT_RULES.max_noise_m,
    "DUPLICATE_M": DEFAULT_RULES.duplicate_m,
    "PLANE_DEG": rules.PLANE_DEG,
    "PLANE_MAX_LAT": rules.PLANE_MAX_LAT,
    "PLANE_MARGIN": rules.PLANE_MARGIN,
    "METRES_PER_DEGREE": METRES_PER_DEGREE,
    "EARTH_RADIUS_M": EARTH_RADIUS_M,
    "RADIAN": math.pi / 180.0,
}
#: Doubles are rounded as Python's are: nothing is fused, nothing reordered.
FLAGS = ("-std=c99", "-O2", "-fPIC", "-ffp-contract=off", "-fno-fast-math", "-Wall", "-Wextra")


class NotBuilt(Exception):
    """There is no native module here; the words say why."""


def compiler() -> str | None:
    """The C compiler of this machine."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def options() -> list[str]:
    """All that is said to the compiler but the files."""
    defined = [f"-D{name}={float(value).hex()}" for name, value in BOUNDS.items()]
    return [*FLAGS, f"-DMOST_FIXES={MOST_FIXES}", *defined, f"-I{sysconfig.get_paths()['include']}"]


def place() -> Path:
    """Where the module of this source belongs: in the environment of this Python, with the other compiled packages."""
    key = hashlib.sha256("\0".join([SOURCE.read_text(), sys.version, *options()]).encode()).hexdigest()[:16]
    return Path(sys.prefix) / "lib" / "dispatch-native" / f"{NAME}-{key}.so"


def build(module: Path, *more: str) -> None:
    """Compiles the source to `module`, with `more` options. Raises NotBuilt."""
    cc = compiler()
    if cc is None:
        raise NotBuilt("there is no C compiler (cc, gcc or clang)")
    if not Path(sysconfig.get_paths()["include"], "Python.h").exists():
        raise NotBuilt("Python's headers (Python.h) are not installed")
    shared = ("-bundle", "-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-shared",)
    try:
        module.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=module.parent) as folder:
            made = Path(folder) / module.name
            command = [cc, *options(), *more, *shared, "-o", str(made), str(SOURCE), "-lm"]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMPILE_S)
            if done.returncode:
                raise NotBuilt(f"it does not compile: {done.stderr.strip()[:500]}")
            # Whole at once: another process may be looking for it.
            os.replace(made, module)
    except OSError as e:
        raise NotBuilt(f"it cannot be made in {module.parent} ({e.strerror})") from e
    except subprocess.TimeoutExpired as e:
        raise NotBuilt("the compiler takes too long") from e


def load(module: Path) -> Native:
    """The module in this file. Raises NotBuilt."""
    loader = ExtensionFileLoader(NAME, str(module))
    spec = spec_from_file_location(NAME, module, loader=loader)
    assert spec is not None
    try:
        found = module_from_spec(spec)
        loader.exec_module(found)
    except ImportError as e:
        raise NotBuilt(f"{module} cannot be loaded (remove it): {e}") from e
    return cast(Native, found)


def obtain() -> Native:
    """The native module, made first where it is not there. Raises NotBuilt."""
    module = place()
    if not module.exists():
        if sys.prefix == sys.base_prefix:
            raise NotBuilt("this Python has no environment of its own (venv) where it could lie")
        build(module)
    return load(module)


def ready() -> Native | None:
    """The native module; None where it can't be had, of which only `dispatch doctor` speaks."""
    try:
        return obtain()
    except NotBuilt as e:
        log.debug("location frames are taken by Python alone: %s", e)
        return None
