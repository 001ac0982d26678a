"""What is wrong, or slower than it need be: each with what to do about it.

| code  | meaning                                                    |
| ----- | ---------------------------------------------------------- |
| QC540 | llama.cpp is built with AMX, which virtual machines fault on |
| QC541 | llama.cpp is built without a GPU, and there is one         |
| QC542 | too little memory for the model                            |
| QC543 | the card holds only a part of the model                    |
| QC544 | the processor saves power                                  |
| QC545 | the cache folder's disk is almost full                     |
| QC546 | the model has no chat template                             |
| QC547 | llama.cpp died, or does not answer                         |
| QC548 | a package is missing or too old                            |
| QC549 | a folder cannot be written to                              |
| QC550 | llama.cpp is built for another processor                   |
| QC551 | the model's measures are not known                         |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from qc_dsl.errors import Diagnostic
from qc_dsl.lang import Text
from qc_runtime.llama.probe import Probed
from qc_runtime.machine.choice import Chosen
from qc_runtime.machine.environment import Folder, Package
from qc_runtime.machine.facts import Machine
from qc_runtime.machine.shape import Shape

_FULL = 2 << 30  # bytes free under which a disk is almost full
_REBUILD = Text("请重新编译：make setup", "Build it again: make setup")
# A build's feature, as llama.cpp prints it -> the processor's flag that it needs (Linux)
_FEATURES = {"AVX": "avx", "AVX2": "avx2", "FMA": "fma", "F16C": "f16c", "AVX512": "avx512f"}
_LOSSES = ("AVX2", "AVX512")  # what a build without it loses a quarter of its speed by, or more


@dataclass(frozen=True)
class Findings:
    """Everything that the checks look at. ``chosen`` is how a run would have the model."""

    machine: Machine
    probed: Probed
    shape: Shape | None
    chosen: Chosen | None
    packages: tuple[Package, ...] = ()
    folders: tuple[Folder, ...] = ()


def check(found: Findings) -> tuple[Diagnostic, ...]:
    """Every warning, those about the build first."""
    return (
        *_of_build(found.probed, found.machine),
        *_of_model(found),
        *_of_machine(found.machine),
        *_of_environment(found.packages, found.folders),
    )


def warning(code: str, message: Text, help_: Text, place: str = "") -> Diagnostic:
    where = Text(place, place) if place else None
    return Diagnostic(code, message, help=help_, severity="warning", place=where)


def features(system_info: str) -> frozenset[str]:
    """The features that a build says it has: ``AVX2 = 1``."""
    return frozenset(re.findall(r"(\w+) = 1\b", system_info))


def _of_build(probed: Probed, machine: Machine) -> Iterator[Diagnostic]:
    if probed.died is not None:
        yield _died(probed.died)
    elif not probed.installed:
        yield warning("QC520", _NONE, _INSTALL)
    elif probed.error:
        message = Text(f"llama.cpp 无法载入：{probed.error}", f"llama.cpp: {probed.error}")
        yield warning("QC520", message, _REBUILD)
    built = features(probed.system_info)
    if amx := sorted(name for name in built if name.startswith("AMX")):
        yield _amx(amx, machine)
    if built and machine.flags:
        yield from _of_processor(built, machine.flags)
    if probed.system_info and not probed.gpu_build and machine.gpus:
        yield warning("QC541", _IDLE_GPU, _GPU_BUILD, machine.gpus[0].name)


def _died(code: int) -> Diagnostic:
    how = f"（退出码 {code}）" if code else ""
    return warning(
        "QC547",
        Text(f"llama.cpp 一用就崩溃或没有响应{how}", f"llama.cpp died or hangs (exit {code})"),
        Text(
            "多半是为另一种处理器编译的，或模型文件它读不了。请重新编译：make setup；"
            "再用 qc model verify 核对模型",
            "It is likely built for another processor, or cannot read the model. Build it again: "
            "make setup; check the model with qc model verify",
        ),
    )


def _amx(names: list[str], machine: Machine) -> Diagnostic:
    here = "，本机正是虚拟机" if machine.virtual else ""
    virtual = ", and this is one" if machine.virtual else ""
    return warning(
        "QC540",
        Text(
            f"llama.cpp 编译时带了 AMX（{'、'.join(names)}）：虚拟机上常在计算时崩溃{here}",
            f"llama.cpp is built with AMX ({', '.join(names)}): virtual machines often crash "
            f"in it{virtual}",
        ),
        Text(
            "请重新编译（不用 AMX）：make setup；不要用 pip 缓存里的旧 wheel",
            "Build it again, without AMX: make setup; not from a wheel in pip's cache",
        ),
    )


def _of_processor(built: frozenset[str], flags: frozenset[str]) -> Iterator[Diagnostic]:
    lacking = [name for name, flag in _FEATURES.items() if name in built and flag not in flags]
    unused = [n for n in _LOSSES if _FEATURES[n] in flags and n not in built]
    if lacking:
        zh, en = "、".join(lacking), ", ".join(lacking)
        message = Text(f"llama.cpp 用到本机没有的指令：{zh}", f"llama.cpp needs {en}: not here")
        yield warning("QC550", message, _REBUILD)
    elif unused:
        zh, en = "、".join(unused), ", ".join(unused)
        message = Text(f"llama.cpp 没有用上本机的 {zh}，会慢", f"llama.cpp does not use {en}")
        yield warning("QC550", message, _REBUILD)


def _of_model(found: Findings) -> Iterator[Diagnostic]:
    if found.probed.file_error:
        why = found.probed.file_error
        message = Text(f"模型文件不能用：{why}", f"The model file is no use: {why}")
        yield warning("QC502", message, _VERIFY)
    elif found.shape is None:
        yield warning("QC551", _NO_SHAPE, _NO_SHAPE_HELP)
    if found.shape and found.shape.template is False:
        yield warning("QC546", _NO_TEMPLATE, _NO_TEMPLATE_HELP)
    if found.chosen:
        said = (found.chosen.refused, *found.chosen.notes)
        yield from (replace(one, severity="warning") for one in said if one)


def _of_machine(machine: Machine) -> Iterator[Diagnostic]:
    if machine.governor in ("powersave", "conservative"):
        message = Text(
            f"处理器在省电模式（{machine.governor}）",
            f"The processor saves power: {machine.governor}",
        )
        yield warning("QC544", message, _PERFORMANCE)


def _of_environment(packages: Iterable[Package], folders: Iterable[Folder]) -> Iterator[Diagnostic]:
    for one in packages:
        if not one.sound:
            zh = f"软件包 {one.name} 需要 {one.wanted}，现在是 {one.version or '没有安装'}"
            en = f"{one.name} {one.wanted} is needed, here is {one.version or 'none'}"
            yield warning("QC548", Text(zh, en), _REINSTALL)
    for folder in folders:
        place = str(folder.path)
        if not folder.writable:
            message = Text("文件夹不能写入", "The folder cannot be written to")
            yield warning("QC549", message, _RIGHTS, place)
        elif folder.free is not None and folder.free < _FULL:
            free = f"{folder.free / 1e9:.1f} GB"
            message = Text(f"磁盘快满了，只剩 {free}", f"The disk is almost full: {free} free")
            yield warning("QC545", message, _ROOM, place)


_NONE = Text("没有安装 llama.cpp", "llama.cpp is not installed")
_INSTALL = Text(
    "请运行 make setup 编译安装；也可以用 --endpoint 调用模型服务，或用 --no-model 只跑规则",
    "Run make setup; or use --endpoint for a model service, or --no-model for rules only",
)
_IDLE_GPU = Text(
    "有 GPU，但 llama.cpp 只为处理器编译：GPU 闲着",
    "There is a GPU, but llama.cpp is built for processors only: it stays idle",
)
_GPU_BUILD = Text("请重新编译：make setup GPU=cuda", "Build it again: make setup GPU=cuda")
_VERIFY = Text(
    "请用 qc model verify 核对，或用 qc model pull 重新取得",
    "Check it with qc model verify, or get it again with qc model pull",
)
_NO_SHAPE = Text(
    "不知道模型的尺寸，算不出装得下多少", "The model's measures are not known: nothing is planned"
)
_NO_SHAPE_HELP = Text(
    "要读 GGUF 需要 llama.cpp：make setup；或用 --model qwen3-32b 等已登记的名称",
    "Reading a GGUF needs llama.cpp: make setup; or name a registered model",
)
_NO_TEMPLATE = Text("模型没有对话模板，不能提问", "The model has no chat template to ask with")
_NO_TEMPLATE_HELP = Text(
    "请换用指令（Instruct）模型的 GGUF 文件", "Use the GGUF file of an Instruct model"
)
_PERFORMANCE = Text(
    "插电运行时请改为 performance：sudo cpupower frequency-set -g performance",
    "Where power allows: sudo cpupower frequency-set -g performance",
)
_REINSTALL = Text("请运行 make setup", "Run make setup")
_RIGHTS = Text(
    "请改权限，或用 QC_CACHE、QC_AUDIT、--out 另指一个文件夹",
    "Change its rights, or name another with QC_CACHE, QC_AUDIT or --out",
)
_ROOM = Text(
    "请腾出空间，或用 QC_CACHE、--out 另指一个文件夹",
    "Free some space, or name another folder with QC_CACHE or --out",
)
