"""Formatting changes the spelling of sentences and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qc_compiler.same import formatted, meaning
from qc_dsl.errors import QcError
from qc_dsl.files import read_included
from qc_dsl.formatter import format_text
from qc_dsl.lang import Lang
from qc_dsl.owners import is_rulebook, rulebook_of
from qc_dsl.printer import print_sentence
from qc_dsl.reader import read_source
from qc_dsl.source import Source
from strategies import FIELDS, PHRASES, sentences

ROOT = Path(__file__).parents[2]
ORDERS = ROOT / "tests" / "cases" / "orders"
BOOKS = [
    *sorted((ROOT / "rulebooks").glob("*.yaml")),
    *sorted((ROOT / "rulebooks" / "surgery").glob("[ew]*.yaml")),
    *sorted((ROOT / "tests" / "cases").glob("[eos]*.yaml")),
    *(ORDERS / name for name in ("main.yaml", "department.yaml", "surgery.qc")),
]
HEAD = """\
# 开头
规则集: 测试   # 名称
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 编号}
字段:
  年龄: {类型: 数字}

  诊断: {标签: "诊断"}
  入院: {类型: 时间}
  出院: {类型: 时间}
表:
  医嘱: {时间: 开始, 列: {药品: 文本, 开始: 时间}}
"""


def notes(text: str) -> Counter[str]:
    return Counter(re.findall(r"(?:^|\s)(#.*)$", text, re.MULTILINE))


def owner(path: Path) -> Source | None:
    source = read_source(path)
    found = None if is_rulebook(source) else rulebook_of(path)
    return None if found is None else read_source(found)


def one(rule: str, lang: Lang | None = None) -> str:
    """The rules of a small rulebook after formatting."""
    text = formatted(Source("test.yaml", f"{HEAD}规则:\n{rule}其余: 缺陷\n"), lang)
    key = "rules" if lang == "en" else "规则"
    return text.partition(f"{key}:\n")[2].rpartition("\n")[0].rpartition("\n")[0] + "\n"


@pytest.mark.parametrize("lang", [None, "zh", "en"])
@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_means_the_same_and_formats_to_itself(path: Path, lang: Lang | None) -> None:
    """`formatted` checks both, and refuses otherwise; comments and line count are checked here."""
    source, within = read_source(path), owner(path)
    text = formatted(source, lang, within)
    assert notes(text) == notes(source.text)
    assert lang or text.count("\n") >= source.text.count("\n")
    if lang == "en" and path.suffix == ".yaml":
        assert not re.search(r"^(规则|字段|词表|测试|说法|结论|病例):", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["orders", "surgery_rules", "everything"])
def test_there_and_back_again(name: str) -> None:
    source = read_source(ROOT / "tests" / "cases" / f"{name}.yaml")
    english = Source(source.path, formatted(source, "en"))
    chinese = Source(source.path, formatted(english, "zh"))
    assert meaning(chinese, read_included) == meaning(source, read_included)


@st.composite
def books(draw: st.DrawFn) -> str:
    """Random sentences in random layouts, with comments between them."""
    lines = [HEAD.partition("字段:")[0], "字段:\n"]
    for field in FIELDS:
        values = f", 值: [{', '.join(field.values)}]" if field.values else ""
        kind = {"text": "文本", "number": "数字", "date": "日期", "datetime": "时间"}
        of = kind.get(field.type.value, "类别" if field.values else "列表")
        lines.append(f"  {field.name}: {{类型: {of}{values}}}\n")
    lines.append("词表:\n  手术词: [左=右侧, 宫腔镜, 痔切除术=痔, 切除]\n")
    lines.append(f"说法:\n  {next(iter(PHRASES))}: 甲文 含有 “左”   # 说法\n规则:\n")
    for number, sentence in enumerate(draw(st.lists(sentences, min_size=1, max_size=4))):
        text = print_sentence(sentence, draw(st.sampled_from(("zh", "en"))))
        lines.append(f"  # 第 {number} 条\n" if draw(st.booleans()) else "\n")
        lines.append(f"  规{number}: {_laid_out(draw, text)}\n")
    return (
        "".join((*lines, "其余: 不匹配   # 结束\n"))
        .replace("合格", "匹配")
        .replace("不通过: 缺陷", "不通过: 不匹配")
    )


_SYNONYMS = {
    "如果 ": "若 ", " 且 ": " 并且 ", " 或 ": " 或者 ", " 大于 ": " > ", " 即视为 ": " 视为 ",
    " 包含 ": " 含有 ", " 为空": " 未填写", " 早于 ": "早于",
}  # fmt: skip


def _laid_out(draw: st.DrawFn, text: str) -> str:
    for word, other in _SYNONYMS.items():
        if draw(st.booleans()) and not set("“”「」『』‘’\"'") & set(text):
            text = text.replace(word, other)
    style = draw(st.sampled_from(("|", "'", '"')))
    if style == "|":
        at = text.find("，") + 1
        broken = f"{text[:at]}\n      {text[at:]}" if at and "“" not in text[:at] else text
        return f"|\n      {broken}"
    if style == '"':
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


@pytest.mark.parametrize("lang", [None, "zh", "en"])
def test_random_rulebooks_mean_the_same_and_format_to_themselves(lang: Lang | None) -> None:
    @settings(
        max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(books())
    def check(text: str) -> None:
        out = formatted(Source("test.yaml", text), lang)
        assert notes(out) == notes(text)
        assert format_text(Source("test.yaml", out), lang) == out

    check()


CASES: list[tuple[str, str]] = [
    ("  甲: 若年龄＞18那么记为不适用\n", "  甲: 如果 年龄 大于 18 则 直接标记为 不适用\n"),
    ("  甲: '当 诊断 是 “O''K” 就 视为 合格'\n", "  甲: '当 诊断 为 “O''K” 则 即视为 合格'\n"),
    ('  甲: "当 诊断 是 \\"OK\\" 视为 合格"\n', '  甲: "当 诊断 为 \\"OK\\" 即视为 合格"\n'),
    ('  甲: "当 诊断 是 “\\u75d4” 视为 合格"\n', '  甲: "当 诊断 为 “痔” 即视为 合格"\n'),
    (
        "  甲: {句: 当 诊断 是 “甲”、“乙” 视为 合格, 优先级: 1}  # 注\n",
        "  甲: {句: 当 诊断 为 “甲”、“乙” 即视为 合格, 优先级: 1}  # 注\n",
    ),
    (
        "  甲: |\n    每次医嘱 当 年龄≥18:\n      应 药品 非空,\n    否则 记缺陷 「无」扣2分\n",
        "  甲: |\n    每条 医嘱 当 年龄 不小于 18：\n      须 药品 不为空，\n"
        "    否则 缺陷 「无」 扣 2 分\n",
    ),
    (
        "  甲: 当 年龄 is 3 且 诊断 非空 视为 合格\n",
        "  甲: 当 年龄 is 3 且 诊断 不为空 即视为 合格\n",
    ),
    (
        "  甲: |\n    须 最少 2条 医嘱 , 否则 缺陷 “无”\n".replace("最少", "至少"),
        "  甲: |\n    须 至少 2 条 医嘱，否则 缺陷 “无”\n",
    ),
    (
        "  甲: 须出院在入院之后三日以内，否则 缺陷 “晚”\n",
        "  甲: 须 出院 在 入院 后 3 天内，否则 缺陷 “晚”\n",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CASES)
def test_words_take_their_canonical_form(before: str, after: str) -> None:
    assert one(before) == after


def test_a_long_obligation_of_one_line_is_broken_where_it_is_read() -> None:
    long = "诊断 不为空 且 " * 8
    rule = f"  甲: |\n    每条 医嘱 当 {long}年龄 大于 1：须 药品 不为空，否则 缺陷 “无”\n"
    lines = one(rule).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["每条", "须", "否则"]
    plain = rule.replace("|\n    ", "")
    assert len(one(plain).splitlines()) == 1, "a value without a block has one line"


ENGLISH: list[tuple[str, str]] = [
    (
        "  甲: 当 出院 在 入院 后 3 天内 即视为 合格\n",
        "  甲: when 出院 within 3 days after 入院 counts as 合格\n",
    ),
    (
        "  甲: {句: 当 诊断 属于 “甲”、“乙” 即视为 合格, 优先级: 1}\n",
        "  甲: {sentence: 'when 诊断 in “甲”, “乙” counts as 合格', priority: 1}\n",
    ),
    (
        "  甲: |\n    每条 医嘱：   \n    须 开始 在 入院 前后 30 分钟内，\n"
        "    否则 缺陷 “无{药品}” 扣 1 分\n",
        "  甲: |\n    each 医嘱:\n    must 开始 within 30 minutes around 入院,\n"
        "    else defect “无{药品}” deduct 1 point\n",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), ENGLISH)
def test_sentences_in_the_other_language(before: str, after: str) -> None:
    assert one(before, "en") == after


def _qc_file(folder: Path, text: str) -> tuple[Source, Source]:
    main = folder / "main.yaml"
    main.write_text(f"引用: [more.qc]\n{HEAD}规则: {{}}\n其余: 缺陷\n", "utf-8")
    (folder / "more.qc").write_text(text, "utf-8")
    return read_source(folder / "more.qc"), read_source(main)


QC = """\
# 开头
甲：若年龄>18那么记为不适用   # 一
[例外]
乙: 当 出院 在 入院 后 3日内   # 二
   且 诊断 非空

   # 三
   视为 合格
"""


def test_a_file_of_sentences(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    source, main = _qc_file(tmp_path, QC)
    folder = ROOT / "tests" / "golden" / "fmt"
    for lang, name in ((None, "same"), ("en", "en")):
        text = formatted(source, lang, main)  # type: ignore[arg-type]
        assert notes(text) == notes(QC)
        golden(folder / f"sentences.{name}.qc", text)


def test_a_part_that_the_rulebook_does_not_include_is_refused(tmp_path: Path) -> None:
    _, main = _qc_file(tmp_path, QC)
    with pytest.raises(QcError) as raised:
        format_text(Source(str(tmp_path / "other.qc"), QC), None, main)
    assert [d.code for d in raised.value.diagnostics] == ["QC651"]


def test_a_change_of_meaning_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from qc_compiler import same
    from qc_dsl.stretches import Edit

    text = f"{HEAD}规则:\n  甲: 当 年龄 大于 3 即视为 合格\n其余: 缺陷\n"
    at = text.index("大于 3") + 3
    monkeypatch.setattr(same, "format_edits", lambda *_: [Edit(at, at + 1, "4")])
    with pytest.raises(QcError) as raised:
        formatted(Source("test.yaml", text))
    assert [d.code for d in raised.value.diagnostics] == ["QC652"]
