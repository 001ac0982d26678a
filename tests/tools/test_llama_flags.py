"""Which instructions llama.cpp is built with: those reported, never AMX, never native."""

from __future__ import annotations

import pytest

from llama_flags import all_flags, arm_flags, cpu_flags, cuda_flags, features_of, x86_flags

_BASE = "fpu sse sse2 ssse3 sse4_1 sse4_2"
_HASWELL = f"{_BASE} avx avx2 fma f16c bmi1 bmi2"
_SKYLAKE_X = f"{_HASWELL} avx512f avx512cd avx512vl avx512dq avx512bw"
_SAPPHIRE = (
    f"{_SKYLAKE_X} avx512vbmi avx512_vbmi2 avx512_vnni avx512_bf16 amx_tile amx_int8 amx_bf16"
)


def cpuinfo(*cores: str) -> str:
    return "\n".join(f"processor\t: {n}\nflags\t\t: {core}\n" for n, core in enumerate(cores))


def on(*cores: str) -> set[str]:
    flags = x86_flags(features_of(cpuinfo(*cores)))
    return {name.removeprefix("GGML_") for name, value in flags.items() if value == "ON"}


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        ("fpu sse sse2", set()),
        (_BASE, {"SSE42"}),
        (f"{_BASE} avx", {"SSE42", "AVX"}),
        (_HASWELL, {"SSE42", "AVX", "AVX2", "FMA", "F16C", "BMI2"}),
        (_SKYLAKE_X, {"SSE42", "AVX", "AVX2", "FMA", "F16C", "BMI2", "AVX512"}),
        (
            _SAPPHIRE,
            {"SSE42", "AVX", "AVX2", "FMA", "F16C", "BMI2", "AVX512"}
            | {"AVX512_VBMI", "AVX512_VNNI", "AVX512_BF16"},
        ),
    ],
)
def test_each_option_needs_what_the_processor_reports(processor: str, expected: set[str]) -> None:
    assert on(processor) == expected


@pytest.mark.parametrize("part", ["f", "cd", "vl", "dq", "bw"])
def test_avx512_and_its_extras_need_all_five_parts(part: str) -> None:
    without = _SAPPHIRE.replace(f"avx512{part} ", "")
    assert not {name for name in on(without) if name.startswith("AVX512")}


def test_the_weakest_core_decides() -> None:
    assert on(_SKYLAKE_X, _HASWELL) == on(_HASWELL)


def test_a_processor_that_tells_nothing_gets_the_plain_build() -> None:
    assert features_of("") == frozenset()
    assert set(x86_flags(frozenset()).values()) == {"OFF"}


def test_amx_and_native_are_off_on_this_machine_too() -> None:
    flags = all_flags("none")
    off = ("GGML_NATIVE", "GGML_AMX_TILE", "GGML_AMX_INT8", "GGML_AMX_BF16", "LLAVA_BUILD")
    assert {flags[name] for name in off} == {"OFF"}


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ("fp asimd", {}),
        ("fp asimd asimdhp asimddp", {"GGML_CPU_ARM_ARCH": "armv8.2-a+dotprod+fp16"}),
        ("asimddp asimdhp i8mm", {"GGML_CPU_ARM_ARCH": "armv8.2-a+dotprod+fp16+i8mm"}),
    ],
)
def test_arm_servers_name_their_instructions(features: str, expected: dict[str, str]) -> None:
    assert arm_flags(features_of(f"Features\t: {features}\n")) == expected
    assert cpu_flags("aarch64", "Linux", frozenset(features.split())) == expected
    assert cpu_flags("arm64", "Darwin", frozenset(features.split())) == {}


def test_cuda_builds_for_the_cards_that_are_there_or_named() -> None:
    assert cuda_flags({}, "8.9\n8.9\n9.0\n") == {
        "GGML_CUDA": "ON",
        "CMAKE_CUDA_ARCHITECTURES": "89;90",
    }
    named = {"CMAKE_CUDA_ARCHITECTURES": "80"}
    assert cuda_flags(named, "8.9\n") == {"GGML_CUDA": "ON"} | named
    assert cuda_flags({}, "") == {"GGML_CUDA": "ON"}
