"""What can go wrong with a model file, as diagnostics.

QC501 not here, QC502 not a model file, QC503 wrong bytes, QC504 cannot be fetched,
QC505 no room, QC506 no such model or source, QC507 the cache cannot be used.
"""

from __future__ import annotations

from pathlib import Path

from qc_dsl.errors import Diagnostic, QcError, did_you_mean
from qc_dsl.lang import Text


def problem(code: str, message: Text, help: Text | None = None, place: str = "") -> QcError:
    """An error about one model; ``place`` is a path or a host."""
    where = Text(place, place) if place else None
    return QcError(Diagnostic(code, message, help=help, place=where))


def not_here(name: str, done: int, size: int) -> QcError:
    share = f"（已下载 {done * 100 // size} %）" if done else ""
    part = f" ({done * 100 // size} % fetched)" if done else ""
    return problem(
        "QC501",
        Text(f"模型“{name}”还没有下载{share}", f"model “{name}” has not been pulled{part}"),
        Text(f"请运行：qc model pull {name}", f"Run: qc model pull {name}"),
    )


def no_file(path: Path, names: list[str]) -> QcError:
    known = "、".join(names)
    return problem(
        "QC501",
        Text(
            "没有这个模型文件，也没有叫这个名字的模型",
            "no such model file, and no model of that name",
        ),
        did_you_mean(str(path), names)
        or Text(f"可用的模型：{known}", f"Known models: {', '.join(names)}"),
        str(path),
    )


def not_a_model(path: Path, zh: str, en: str) -> QcError:
    return problem(
        "QC502",
        Text(f"不是可用的 GGUF 模型文件：{zh}", f"not a usable GGUF model file: {en}"),
        Text(
            "请给出 .gguf 文件的路径，或模型名（见 qc model list）",
            "Give the path of a .gguf file or a model's name (see qc model list)",
        ),
        str(path),
    )


def wrong_bytes(name: str, wanted: str, got: str, place: str) -> QcError:
    return problem(
        "QC503",
        Text(
            f"模型“{name}”的校验和不对：应为 {wanted}，实为 {got}",
            f"model “{name}” has a wrong checksum: {wanted} was expected, {got} is there",
        ),
        Text(
            f"内容已损坏或被替换，不能使用。请重新下载：qc model pull {name}"
            "（或用 --source 换一个来源）",
            "The bytes are damaged or were replaced and are not used. "
            f"Fetch them again: qc model pull {name} (or name another --source)",
        ),
        place,
    )


def wrong_size(name: str, wanted: int, got: int | None, place: str) -> QcError:
    zh, en = (f"实为 {got:,} 字节", f"{got:,} are offered") if got else ("实际更长", "more came")
    return problem(
        "QC503",
        Text(
            f"来源给出的不是模型“{name}”：应为 {wanted:,} 字节，{zh}",
            f"the source does not offer model “{name}”: {wanted:,} bytes were expected, {en}",
        ),
        Text("请用 --source 换一个来源", "Name another --source"),
        place,
    )


def not_fetched(name: str, zh: str, en: str, help: Text | None, place: str = "") -> QcError:
    again = Text(
        "检查网络后再运行同一命令即可续传；或用 --source 换一个来源，也可给本地文件路径",
        "Run the same command again to go on where it stopped; or name another --source, "
        "which may also be the path of a local file",
    )
    message = Text(f"模型“{name}”下载失败：{zh}", f"model “{name}” could not be fetched: {en}")
    return problem("QC504", message, help or again, place)


def no_room(folder: Path, need: int, free: int) -> QcError:
    gib = 1 << 30
    return problem(
        "QC505",
        Text(
            f"磁盘空间不足：还需 {need / gib:.1f} GiB，可用 {free / gib:.1f} GiB",
            f"not enough disk space: {need / gib:.1f} GiB needed, {free / gib:.1f} GiB free",
        ),
        Text(
            "请腾出空间，或用环境变量 QC_CACHE 指定另一个目录",
            "Free some space, or name another folder with the environment variable QC_CACHE",
        ),
        str(folder),
    )


def unknown(what: Text, word: str, known: list[str]) -> QcError:
    return problem(
        "QC506",
        Text(f"没有{what.zh}“{word}”", f"there is no {what.en} “{word}”"),
        did_you_mean(word, known),
    )


def cache_unusable(folder: Path, error: OSError) -> QcError:
    why = error.strerror or type(error).__name__
    return problem(
        "QC507",
        Text(f"模型缓存目录不可用：{why}", f"the model cache cannot be used: {why}"),
        Text(
            "请用环境变量 QC_CACHE 指定一个可写的目录",
            "Name a folder that can be written to with the environment variable QC_CACHE",
        ),
        str(folder),
    )
