"""``qc doctor``: what fits by the arithmetic, what is wrong by the machine's own files."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from qc_runtime.cli.doctor import examine
from qc_runtime.llama.probe import Probed, probe
from qc_runtime.machine.checks import Findings, check
from qc_runtime.machine.choice import choose
from qc_runtime.machine.environment import Folder, Package, look, packages
from qc_runtime.machine.facts import Gpu, Machine, read_machine
from qc_runtime.machine.fitting import chosen_for
from qc_runtime.machine.plan import parse_size, plan
from qc_runtime.machine.shape import KNOWN, known_shape, shape_of
from qc_runtime.models.registry import MODELS
from support.qc import qc

GOOD = Probed(system_info="CPU : AVX = 1 | AVX2 = 1 | FMA = 1 | F16C = 1 |")
FLAGS = frozenset({"avx", "avx2", "fma", "f16c"})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QC_LANG", "zh")
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("QC_AUDIT", str(tmp_path / "data" / "audit.jsonl"))
    for name in ("QC_MODEL", "QC_ENGINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# What fits


def test_the_cache_of_a_token_of_the_32b_model() -> None:
    shape = known_shape("qwen3-32b")
    assert shape
    assert shape.cache_bytes("f16") == 256 * 1024
    assert shape.cache_bytes("q8_0") == 136 * 1024
    assert shape.cache_bytes("q4_0") == 72 * 1024


def test_the_32b_model_on_cards_of_the_trade() -> None:
    shape = known_shape("qwen3-32b")
    assert shape
    on_24, on_80 = (plan(shape, n * 10**9, gpu=True, threads=8) for n in (24, 80))
    assert on_24.fits
    assert (on_24.cache_type, on_24.gpu_layers) == ("f16", -1)
    assert 8192 <= on_24.n_ctx <= on_24.most["f16"] < 10_500
    taken = shape.weights + on_24.work + on_24.n_ctx * shape.cache_bytes("f16")
    assert taken <= 24 * 10**9
    assert 190_000 < on_80.most["f16"] < 230_000
    assert on_80.n_ctx == shape.context  # the engine goes no further than the training did
    assert on_80.sequences == 128


def test_a_card_in_between_gets_a_quantised_cache_and_a_small_one_a_part_of_the_layers() -> None:
    shape = known_shape("qwen3-32b")
    assert shape
    tight = plan(shape, 23 * 10**9, gpu=True, threads=8)
    assert (tight.fits, tight.cache_type) == (True, "q8_0")
    small = plan(shape, 16 * 10**9, gpu=True, threads=8)
    assert not small.fits
    assert 30 < small.gpu_layers < 60
    assert not plan(shape, 8 * 10**9, gpu=False, threads=8).fits


def test_the_settings_are_those_of_the_engine() -> None:
    shape = known_shape("demo")
    assert shape
    found = plan(shape, 8 * 10**9, gpu=False, threads=4)
    settings = found.settings()
    assert (settings.n_ctx, settings.n_seq, settings.n_threads) == (16384, 89, 4)
    assert (settings.cache_type_k, settings.n_gpu_layers) == ("f16", 0)
    asked = plan(shape, 8 * 10**9, gpu=False, threads=4, context=20_000)
    assert asked.n_ctx == 19_968


@pytest.mark.parametrize(
    ("text", "size"),
    [("24GB", 24 * 10**9), ("24 GiB", 24 << 30), ("512MiB", 512 << 20), ("1.5g", 1_500_000_000)],
)
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "24 cards", "-1GB", "1e9"])
def test_what_is_no_size(text: str) -> None:
    assert parse_size(text) is None


def test_every_registered_model_is_known_on_paper() -> None:
    assert set(KNOWN) == set(MODELS)


def test_a_gguf_that_lacks_its_measures_has_no_shape() -> None:
    assert shape_of({"general.architecture": "x"}, 1) is None
    plain = {"general.architecture": "x", "x.block_count": "2", "x.attention.head_count": "4",
             "x.embedding_length": "64", "x.context_length": "128"}  # fmt: skip
    shape = shape_of(plain, 1)
    assert shape
    assert (shape.kv_heads, shape.key_length, shape.template) == (4, 16, False)


def test_the_measures_of_the_demo_model_are_those_in_its_file(demo_model: Path) -> None:
    probed = probe(demo_model)
    assert (probed.error, probed.died, probed.file_error) == (None, None, None)
    shape = shape_of(probed.metadata, demo_model.stat().st_size)
    assert shape
    known = known_shape("demo")
    assert known
    for field in ("weights", "layers", "kv_heads", "key_length", "value_length", "context"):
        assert getattr(shape, field) == getattr(known, field), field
    assert shape.template is True


# What is wrong


def warned(machine: Machine, probed: Probed = GOOD, **more: object) -> list[str]:
    found = replace(Findings(machine, probed, known_shape("demo"), None), **more)  # type: ignore[arg-type]
    assert all(d.severity == "warning" and d.help for d in check(found))
    return [d.code for d in check(found)]


def test_a_sound_machine_has_no_warning() -> None:
    assert warned(Machine(flags=FLAGS)) == []


def test_what_is_wrong_with_a_build() -> None:
    here = Machine(flags=FLAGS)
    assert warned(here, replace(GOOD, system_info=GOOD.system_info + " AMX_INT8 = 1")) == ["QC540"]
    assert warned(here, replace(GOOD, system_info=GOOD.system_info + " AVX512 = 1")) == ["QC550"]
    assert warned(Machine(flags=FLAGS | {"avx512f"})) == ["QC550"]
    card = Gpu("NVIDIA", 24 << 30, 23 << 30)
    assert warned(replace(here, gpus=(card,))) == ["QC541"]
    assert warned(replace(here, gpus=(card,)), replace(GOOD, gpu_build=True)) == []
    assert warned(here, Probed(installed=False, error="no")) == ["QC520"]
    assert warned(here, Probed(died=-4)) == ["QC547"]
    assert warned(here, replace(GOOD, file_error="bad magic")) == ["QC502"]


def test_what_is_wrong_with_a_model() -> None:
    here, shape = Machine(flags=FLAGS), known_shape("qwen3-32b")
    assert shape
    assert warned(here, shape=None) == ["QC551"]
    assert warned(here, shape=replace(shape, template=False)) == ["QC546"]
    little = choose(shape, Machine(memory=8 * 10**9), gpu_build=False, asked={})
    assert warned(here, shape=shape, chosen=little) == ["QC542"]
    card = Gpu("card", 16 * 10**9, 16 * 10**9)
    part = choose(shape, Machine(memory=64 * 10**9, gpus=(card,)), gpu_build=True, asked={})
    assert warned(here, shape=shape, chosen=part) == ["QC543"]


def test_what_is_wrong_with_the_machine_and_its_python() -> None:
    assert warned(Machine(flags=FLAGS, governor="powersave")) == ["QC544"]
    old = Package("lark", "1.0", ">=1.2", sound=False)
    full = Folder(Path("/x"), "cache", True, 10**6, 10**12)
    closed = Folder(Path("/y"), "audit", False, 10**12, 10**12)
    codes = warned(Machine(flags=FLAGS), packages=(old,), folders=(full, closed))
    assert codes == ["QC548", "QC545", "QC549"]


# What the system tells


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_machine_is_read_from_the_systems_files(tmp_path: Path) -> None:
    cpu = "model name\t: Xeon\nflags\t\t: avx avx2 hypervisor amx_tile\n"
    write(tmp_path, "proc/cpuinfo", cpu + "flags\t\t: avx hypervisor\n")
    write(tmp_path, "proc/meminfo", "MemTotal:  16000 kB\nMemAvailable:  12000 kB\n")
    write(tmp_path, "proc/self/cgroup", "0::/job/one\n")
    write(tmp_path, "sys/fs/cgroup/job/memory.max", "8000000\n")
    write(tmp_path, "sys/fs/cgroup/job/one/memory.max", "max\n")
    write(tmp_path, "sys/fs/cgroup/job/one/cpu.max", "150000 100000\n")
    write(tmp_path, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")
    found = read_machine(tmp_path)
    assert found.processor == "Xeon"
    assert found.flags == {"avx", "hypervisor"}  # of every core
    assert (found.memory, found.available) == (16_384_000, 12_288_000)
    assert (found.memory_limit, found.usable) == (8_000_000, 8_000_000)
    assert (found.cpu_limit, found.usable_cores) == (1.5, 1)
    assert found.governor == "powersave"


def test_control_groups_of_version_one_are_read_too(tmp_path: Path) -> None:
    write(tmp_path, "proc/self/cgroup", "4:memory:/docker/x\n1:cpu,cpuacct:/\n")
    write(tmp_path, "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "5000000\n")
    write(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert read_machine(tmp_path).memory_limit == 5_000_000


def test_cards_are_those_that_the_driver_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\necho "NVIDIA A10, 24564, 24000"\necho "No devices"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert read_machine().gpus == (Gpu("NVIDIA A10", 24564 << 20, 24000 << 20),)


def test_the_packages_here_are_sound_and_a_folder_that_is_none_is_not(tmp_path: Path) -> None:
    found = packages()
    assert {"duckdb", "lark"} <= {one.name for one in found}
    assert all(one.sound for one in found)
    (tmp_path / "file").write_text("")
    assert not look(tmp_path / "file" / "below", "cache").writable
    assert look(tmp_path / "not" / "yet", "cache").writable


# The command


def test_the_32b_model_is_planned_without_its_file() -> None:
    ran = qc("doctor", "--model", "qwen3-32b", "--gpu-memory", "24GB", "--json")
    said = json.loads(ran.out)
    assert ran.code == 0
    assert said["model"]["cache_bytes"]["f16"] == 262144
    assert said["plan"]["fits"] is True
    assert said["plan"]["on_gpu"] is True
    assert {one["name"] for one in said["packages"]} >= {"duckdb", "lark"}
    text = qc("doctor", "--model", "qwen3-32b", "--gpu-memory", "24GB").out
    assert "f16 256 KiB" in text


def test_what_doctor_says_is_what_a_run_does(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same plan, of all the memory there is, whatever is free at the moment."""
    small = replace(read_machine(), memory=16 * 10**9, memory_limit=None, gpus=())
    names = ("n_ctx", "n_batch", "n_ubatch", "n_seq", "n_threads")
    for free in (15 * 10**9, 1 * 10**9):
        busy = replace(small, available=free)
        monkeypatch.setattr("qc_runtime.machine.facts.read_machine", lambda found=busy: found)
        monkeypatch.setattr("qc_runtime.machine.fitting.read_machine", lambda found=busy: found)
        for engine in ("", "n_ctx=1024,n_seq=3,cache=q8_0"):
            monkeypatch.setenv("QC_ENGINE", engine)
            found = examine(str(tiny_model), None, None).chosen
            assert found == chosen_for(tiny_model, None)
            said = json.loads(qc("doctor", "--model", tiny_model, "--json").out)["plan"]
            assert said["room"] == 16 * 10**9
            run = chosen_for(tiny_model, None).as_json()
            assert {name: said[name] for name in names} == {name: run[name] for name in names}
            assert said["cache_type"] == run["cache_type_k"]


def test_a_model_that_a_run_would_refuse_now_is_a_warning(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = replace(read_machine(), memory=16 * 10**9, available=10**6, gpus=())
    monkeypatch.setattr("qc_runtime.machine.facts.read_machine", lambda: full)
    ran = qc("doctor", "--model", tiny_model)
    assert ran.code == 0
    assert "警告[QC542] 现在空闲的内存不够" in ran.out


def test_a_wrong_size_and_a_wrong_model_are_said() -> None:
    assert "QC611" in qc("doctor", "--gpu-memory", "viel").err
    assert "QC501" in qc("doctor", "--model", "no-such-model").err


def test_a_file_that_is_no_model_inside_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(100))
    ran = qc("doctor", "--model", tmp_path / "bad.gguf")
    assert ran.code == 0
    assert "QC502" in ran.out


def test_a_short_bench_with_a_rulebook_says_records_an_hour(tiny_model: Path) -> None:
    root = Path(__file__).parents[2]
    ran = qc(
        "bench", root / "rulebooks" / "surgery_consistency.yaml",
        "--data", root / "examples" / "surgery" / "records.csv",
        "--limit", 10, "--seconds", 1, "--model", tiny_model, "--json",
    )  # fmt: skip
    said = json.loads(ran.out)
    assert said["speed"]["prompt"] > 0
    assert said["speed"]["questions"] > 0
    work = said["workload"]
    assert 0 < work["questions"] <= work["records"] - work["decided"] <= work["records"] == 10
    hours = {one["records"]: one["hours"] for one in said["forecast"]}
    assert hours[20_000] == pytest.approx(20_000 / work["records_an_hour"])
