"""How soon ``qc lsp`` says what is wrong after a keystroke, seen from an editor.

A rulebook of many rules is edited character by character in its middle; the server runs in a
process of its own and is spoken to over its protocol.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient

RULES, EDITS = 200, 50
_BETWEEN = 0.15  # seconds: a fast typist
_HEAD = """规则集: 测速
编号: many
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 住院号}
字段:
  科室: {}
  主诉: {}
  现病史: {}
  既往史: {}
  年龄: {类型: 数字}
  入院时间: {类型: 时间}
  手术时间: {类型: 时间}
表:
  医嘱:
    时间: 开始时间
    列: {开始时间: 时间, 药品: 文本, 状态: {类型: 类别, 值: [已执行, 未执行]}}
  病程:
    时间: 记录时间
    列: {记录时间: 时间, 内容: 文本}
词表:
  抗菌药物: [莫西沙星=拜复乐, 头孢呋辛, 亚胺培南, 万古霉素]
  外伤词: [骨折, 摔伤=跌伤, 车祸]
说法:
  是外科: 科室 包含 “外科”
规则:
"""
_KINDS = (
    "当 主诉 包含 “词{n}” 且 年龄 大于 {age} → 现病史 包含 “伴随{n}” 或 “诱因{n}” 即视为 合格",
    "每条 医嘱 当 药品 包含 抗菌药物 且 状态 为 “已执行”：须 存在 病程，"
    "记录时间 在 医嘱.开始时间 后 {days} 天内 且 内容 提及 医嘱.药品，"
    "否则 缺陷 “{{药品}} 用药{n} 未记录” 扣 2 分",
    "须 主诉、现病史、既往史 均不为空，否则 缺陷 “第 {n} 项没有写全” 扣 1 分",
    "当 是外科 且 年龄 大于 {age}：须 手术时间 在 入院时间 后 {days} 天内，否则 缺陷 “太晚{n}”",
    "当 主诉 提及 外伤词：须 现病史 体现 “受伤的时间{n}”，否则 缺陷 “没有写清伤因{n}” 扣 3 分",
)
_TYPED = "  新写的: 当 主诉 包含 “发热” 且 年龄 大于 60 → 现病史 包含 “感染” 或 “炎症” 即视为 合格"


@dataclass(frozen=True)
class Latency:
    """Seconds from a keystroke to the diagnostics of just that text."""

    first: float  # from the opening of the file, the parser being built
    median: float
    worst: float


def rulebook(rules: int) -> tuple[str, str]:
    """The text before and behind the place in the middle where a rule is typed."""
    kinds = [_KINDS[n % len(_KINDS)] for n in range(rules)]
    sentences = [k.format(n=n, age=18 + n % 60, days=1 + n % 9) for n, k in enumerate(kinds)]
    lines = [f"  规则{n}: |\n    {sentence}\n" for n, sentence in enumerate(sentences)]
    half = rules // 2
    return _HEAD + "".join(lines[:half]), "\n" + "".join(lines[half:]) + "其余: 合格\n"


class _Editor(LanguageClient):
    """Notes when the diagnostics of a version of the text arrive."""

    def __init__(self) -> None:
        super().__init__("bench", "1")
        self.arrived: dict[int, asyncio.Future[float]] = {}

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]
        def published(params: types.PublishDiagnosticsParams) -> None:
            waiting = self.arrived.get(params.version or 0)
            if waiting is not None and not waiting.done():
                waiting.set_result(time.perf_counter())

    async def shown(self, version: int, send: Callable[[int], None]) -> float:
        """Seconds until the diagnostics of a version are there."""
        self.arrived[version] = asyncio.get_running_loop().create_future()
        started = time.perf_counter()
        send(version)
        return await asyncio.wait_for(self.arrived[version], 60) - started


async def _measure(folder: Path, rules: int, edits: int) -> Latency:
    editor = _Editor()
    await editor.start_io(sys.executable, "-c", "from qc_runtime.cli import main; main()", "lsp")
    await editor.initialize_async(types.InitializeParams(types.ClientCapabilities()))
    editor.initialized(types.InitializedParams())
    before, behind = rulebook(rules)
    uri = (folder / "many.yaml").as_uri()

    def opened(version: int) -> None:
        item = types.TextDocumentItem(uri, "yaml", version, before + behind)
        editor.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def typed(version: int) -> None:
        document = types.VersionedTextDocumentIdentifier(version, uri)
        text = before + _TYPED[: version - 1] + behind
        change = types.TextDocumentContentChangeWholeDocument(text)
        editor.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    first = await editor.shown(1, opened)
    seconds = []
    for version in range(2, edits + 2):
        await asyncio.sleep(_BETWEEN)
        seconds.append(await editor.shown(version, typed))
    await editor.shutdown_async(None)
    editor.exit(None)
    await editor.stop()  # type: ignore[no-untyped-call]
    return Latency(first, statistics.median(seconds), max(seconds))


def measure(rules: int = RULES, edits: int = EDITS) -> Latency:
    """Type a rule into a rulebook, one character an edit."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder), rules, edits))


if __name__ == "__main__":
    found = measure()
    print(f"{RULES} rules, {EDITS} edits: first {found.first * 1000:.0f} ms,", end=" ")
    print(f"median {found.median * 1000:.0f} ms, worst {found.worst * 1000:.0f} ms")
