"""CMake options for llama.cpp from what the processor reports, one by one.

Never AMX (virtual machines report it and fault on it), never ``GGML_NATIVE`` (which would find
AMX by itself). Every option is given, on or off, because llama.cpp's defaults depend on the
environment. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

# CMake option -> what the processor must report for it, as Linux names it without "_".
X86_FEATURES: dict[str, tuple[str, ...]] = {
    "GGML_SSE42": ("sse42",),
    "GGML_AVX": ("avx",),
    "GGML_AVX2": ("avx", "avx2"),
    "GGML_FMA": ("fma",),
    "GGML_F16C": ("f16c",),
    "GGML_BMI2": ("bmi2",),
    "GGML_AVX512": ("avx512f", "avx512cd", "avx512vl", "avx512dq", "avx512bw"),
    "GGML_AVX512_VBMI": ("avx512vbmi",),
    "GGML_AVX512_VNNI": ("avx512vnni",),
    "GGML_AVX512_BF16": ("avx512bf16",),
}
NEVER = ("GGML_NATIVE", "GGML_AMX_TILE", "GGML_AMX_INT8", "GGML_AMX_BF16")


def features_of(cpuinfo: str) -> frozenset[str]:
    """What every core of ``/proc/cpuinfo`` reports (cores of one machine can differ)."""
    lines = re.findall(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    cores = [frozenset(line.lower().replace("_", "").split()) for line in lines]
    return frozenset.intersection(*cores) if cores else frozenset()


def x86_flags(features: frozenset[str]) -> dict[str, str]:
    """On where all that an option needs is reported; AVX-512's extras only with its base."""
    flags = {
        name: "ON" if features.issuperset(needed) else "OFF"
        for name, needed in X86_FEATURES.items()
    }
    if flags["GGML_AVX512"] == "OFF":
        flags |= {name: "OFF" for name in flags if name.startswith("GGML_AVX512_")}
    return flags


def arm_flags(features: frozenset[str]) -> dict[str, str]:
    """Linux on ARM: the instructions that quantised weights gain from."""
    if "asimddp" not in features:
        return {}
    half = "+fp16" if "asimdhp" in features else ""
    matrix = "+i8mm" if "i8mm" in features else ""
    return {"GGML_CPU_ARM_ARCH": f"armv8.2-a+dotprod{half}{matrix}"}


def _reported() -> frozenset[str]:
    """What this machine's processor reports; nothing where the system does not tell."""
    with contextlib.suppress(OSError):
        return features_of(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    names = ("machdep.cpu.features", "machdep.cpu.leaf7_features")
    said = output(["sysctl", "-n", *names]).replace("\n", " ").replace("AVX1.0", "AVX")
    return features_of("flags: " + said.replace(".", ""))


def cpu_flags(machine: str, system: str, features: frozenset[str]) -> dict[str, str]:
    if machine.lower() in {"x86_64", "amd64", "i686"}:
        return x86_flags(features)
    return arm_flags(features) if system == "Linux" else {}


def cuda_flags(env: Mapping[str, str], capabilities: str) -> dict[str, str]:
    """CUDA for the cards named in the environment, or those that the driver reports."""
    found = sorted(set(re.findall(r"^(\d+)\.(\d+)\s*$", capabilities, re.MULTILINE)))
    wanted = env.get("CMAKE_CUDA_ARCHITECTURES") or ";".join(f"{a}{b}" for a, b in found)
    return {"GGML_CUDA": "ON"} | ({"CMAKE_CUDA_ARCHITECTURES": wanted} if wanted else {})


def all_flags(gpu: str) -> dict[str, str]:
    """Every CMake option of the build for this machine, in a fixed order."""
    flags = dict.fromkeys(NEVER, "OFF") | {"LLAVA_BUILD": "OFF"}
    flags |= cpu_flags(platform.machine(), platform.system(), _reported())
    if gpu == "cuda":
        query = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
        flags |= cuda_flags(os.environ, output(query))
    return dict(sorted(flags.items()))


def output(command: list[str]) -> str:
    """What a small program says, or nothing if it cannot be run."""
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return ""
