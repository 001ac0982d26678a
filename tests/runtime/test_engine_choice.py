"""The engine's settings are those that fit the machine, the same each time, and are said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qc_dsl.errors import QcError
from qc_runtime.llama.settings import LlamaSettings
from qc_runtime.machine.choice import choose, parse_asked
from qc_runtime.machine.facts import Gpu, Machine
from qc_runtime.machine.fitting import FittedBackend, chosen_for
from qc_runtime.machine.shape import Shape, known_shape
from support.qc import qc

GB = 10**9
HERE = Machine(cores=4, threads=8, memory=16 * GB, available=12 * GB)
ROOT = Path(__file__).parents[2]
SURGERY = ROOT / "rulebooks" / "surgery_consistency.yaml"
RECORDS = ROOT / "examples" / "surgery" / "records.csv"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QC_MODEL", "QC_ENGINE", "QC_LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("QC_AUDIT", str(tmp_path / "audit.jsonl"))
    monkeypatch.chdir(tmp_path)


def shape(name: str) -> Shape:
    found = known_shape(name)
    assert found
    return found


def card(total: int, free: int) -> Machine:
    return replace(HERE, gpus=(Gpu("card", total, free),))


def test_a_plain_machine_has_the_engines_own_settings() -> None:
    found = choose(shape("demo"), HERE, gpu_build=False, asked={})
    plain = LlamaSettings()
    assert (found.refused, found.notes) == (None, ())
    assert found.settings.n_ctx == plain.n_ctx
    assert found.settings.n_seq == 89  # short records beside each other in so many tokens
    assert found.settings.n_batch is None  # another one to read and one to write
    assert found.as_json()["n_batch"] == plain.for_machine(gpu=False, writes=False).n_batch
    assert found.settings.n_threads == 4
    assert found.settings.cache_type_k == found.settings.cache_type_v == "f16"


@pytest.mark.parametrize("free", [2, 4, 8, 15])
def test_what_is_free_at_the_moment_changes_no_setting(free: int) -> None:
    here = replace(HERE, available=free * GB)
    full = choose(shape("demo"), HERE, gpu_build=False, asked={})
    assert choose(shape("demo"), here, gpu_build=False, asked={}).settings == full.settings
    whole, rest = card(24 * GB, 24 * GB), card(24 * GB, free * GB)
    settings = [
        choose(shape("demo"), one, gpu_build=True, asked={}).settings for one in (whole, rest)
    ]
    assert settings[0] == settings[1]


def test_too_little_memory_is_refused_with_what_would_fit() -> None:
    little = replace(HERE, memory=4 * GB, available=3 * GB)
    refused = choose(shape("qwen3-32b"), little, gpu_build=False, asked={}).refused
    assert refused
    assert refused.code == "QC542"
    assert "4.0 GB" in refused.message.zh
    assert refused.help
    assert "demo" in refused.help.zh
    assert "qwen3-32b" not in refused.help.zh


def test_a_group_limit_counts_as_the_memory_there_is() -> None:
    bounded = replace(HERE, memory=64 * GB, memory_limit=4 * GB)
    assert choose(shape("qwen3-32b"), bounded, gpu_build=False, asked={}).refused


def test_memory_that_others_use_is_said_as_such() -> None:
    busy = choose(shape("demo"), replace(HERE, available=GB // 10), gpu_build=False, asked={})
    assert busy.refused
    assert "0.1 GB" in busy.refused.message.zh
    taken = choose(shape("demo"), card(24 * GB, GB), gpu_build=True, asked={})
    assert taken.refused
    assert "显存" in taken.refused.message.zh


def test_a_quantised_cache_only_where_memory_forces_it_and_then_it_is_said() -> None:
    tight = choose(shape("qwen3-32b"), card(23 * GB, 23 * GB), gpu_build=True, asked={})
    assert tight.settings.cache_type_k == "q8_0"
    assert [one.code for one in tight.notes] == ["QC542"]
    roomy = choose(shape("qwen3-32b"), card(24 * GB, 24 * GB), gpu_build=True, asked={})
    assert (roomy.settings.cache_type_k, roomy.notes) == ("f16", ())


def test_a_card_that_holds_a_part_takes_it_and_one_that_holds_none_is_left_alone() -> None:
    large = replace(HERE, memory=64 * GB, available=60 * GB)
    part = replace(large, gpus=(Gpu("card", 16 * GB, 16 * GB),))
    found = choose(shape("qwen3-32b"), part, gpu_build=True, asked={})
    assert 0 < found.settings.n_gpu_layers < 64
    assert [one.code for one in found.notes] == ["QC543"]
    none = replace(large, gpus=(Gpu("card", GB, GB),))
    left = choose(shape("qwen3-32b"), none, gpu_build=True, asked={})
    assert left.settings.n_gpu_layers == 0
    assert [one.code for one in left.notes] == ["QC543"]


def test_what_is_asked_for_goes_before_the_plan() -> None:
    asked = parse_asked("n_ctx=16384, n_threads=2,cache=q8_0,n_gpu_layers=-1")
    found = choose(shape("demo"), HERE, gpu_build=False, asked=asked)
    settings = found.settings
    assert (settings.n_ctx, settings.n_threads, settings.n_gpu_layers) == (16384, 2, -1)
    assert (settings.cache_type_k, settings.cache_type_v) == ("q8_0", "q8_0")
    assert (found.refused, found.notes) == (None, ())
    small = replace(HERE, memory=2 * GB)
    refused = choose(shape("demo"), small, gpu_build=False, asked={"n_ctx": 32768}).refused
    assert refused
    assert "32,768" in refused.message.zh


def test_a_model_without_measures_is_tried_as_it_is() -> None:
    found = choose(None, HERE, gpu_build=False, asked={"n_ctx": 512})
    assert found.settings == replace(LlamaSettings(), n_ctx=512)


@pytest.mark.parametrize("text", ["n_ctx", "n_ctx=0", "n_ctx=-1", "cache=q2", "colour=red", "="])
def test_settings_that_cannot_be_read(text: str) -> None:
    with pytest.raises(QcError) as caught:
        parse_asked(text)
    assert caught.value.diagnostics[0].code == "QC611"


# With a real file


def test_a_refused_model_is_never_loaded(tiny_model: Path) -> None:
    from qc_runtime.llama.backend import LlamaBackend

    chosen = choose(replace(shape("demo"), weights=99 * GB), HERE, gpu_build=False, asked={})
    inner = LlamaBackend(tiny_model, settings=chosen.settings)
    backend = FittedBackend(inner, chosen, lambda one: pytest.fail("told as if it were loaded"))
    assert backend.identity == inner.identity
    with pytest.raises(QcError) as caught:
        backend.answer([])
    assert caught.value.diagnostics[0].code == "QC542"
    assert inner._parts is None


def test_the_settings_are_the_environments_before_the_plans(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chosen_for(tiny_model, None).settings.n_ctx == 4096  # what it was trained for
    monkeypatch.setenv("QC_ENGINE", "n_ctx=1024")
    assert chosen_for(tiny_model, None).settings.n_ctx == 1024
    assert chosen_for(tiny_model, "n_ctx=2048").settings.n_ctx == 2048


def test_a_run_says_its_settings_at_its_start_and_in_its_summary(tiny_model: Path) -> None:
    run = ["run", SURGERY, "--data", RECORDS, "--model", tiny_model, "--explain", "none"]
    ran = qc(*run, "--engine", "n_threads=1", "--no-cache", "--out", "one")
    assert ran.code == 0, ran.err
    assert "n_ctx 4096，1 线程，缓存 f16" in ran.err
    [engine] = json.loads(Path("one/summary.json").read_text("utf-8"))["model"]["engines"]
    assert (engine["n_ctx"], engine["n_threads"], engine["cache_type_k"]) == (4096, 1, "f16")
    ran = qc(*run, "--engine", "n_threads=1", "--no-cache", "--bulk", "--out", "two")
    assert ran.code == 0, ran.err
    said = json.loads(Path("two/summary.json").read_text("utf-8"))
    assert said["model"]["engines"] == [engine]
    assert "QC611" in qc(*run, "--engine", "fast").err
    assert "QC611" in qc("run", SURGERY, "--data", RECORDS, "--no-model", "--engine", "n_seq=1").err
