"""The language server, driven over its protocol in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qc_dsl.formatter import format_text
from qc_dsl.reader import parse_rulebook
from qc_dsl.source import Source
from support.language_client import Editor

HEAD = """规则集: 示例
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 住院号}
字段:
  科室: {列: [科室, 住院科室]}
  主诉: {}
  现病史: {}
  年龄: {类型: 数字}
  入院途径: {类型: 类别, 值: [急诊, 门诊]}
表:
  医嘱:
    时间: 开始时间
    列: {开始时间: 时间, 药品: 文本, 状态: {类型: 类别, 值: [已执行, 未执行]}}
词表:
  外伤词: [骨折, 摔伤=跌伤, 车祸]
  抗菌药物: {文件: 药.csv}
说法:
  是外科: 科室 包含 “外科”
问题:
  伤因写清: {问: 是否写清了受伤的原因？, 看: [现病史]}
规则:
  外伤: 当 主诉 提及 外伤词：须 伤因写清，否则 缺陷 “没有写清” 扣 3 分
  外科: 当 是外科 且 年龄 大于 60 → 现病史 不为空 即视为 合格
  用药: 每条 医嘱 当 药品 包含 抗菌药物 且 状态 为 “已执行”：须 药品 不为空，否则 缺陷 “空”
"""
LAST = "其余: 合格\n"
TERMS = "名称,同义词,分组\n莫西沙星,拜复乐,限制\n万古霉素,,特殊\n"
RULEBOOK = HEAD + LAST


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    folder = tmp_path_factory.mktemp("rulebooks")
    (folder / "药.csv").write_text(TERMS, "utf-8")
    with Editor(folder) as one:
        yield one


def _errors(found: list[dict[str, Any]]) -> list[str]:
    return [d["code"] for d in found if d["severity"] == 1]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _span(text: str, word: str, line: str) -> dict[str, Any]:
    """Where a word stands in the first line that holds another text, in UTF-16 units."""
    number = next(n for n, one in enumerate(text.split("\n")) if line in one)
    before = text.split("\n")[number].partition(word)[0]
    start = _units(before)
    return {
        "start": {"line": number, "character": start},
        "end": {"line": number, "character": start + _units(word)},
    }


# Diagnostics


@pytest.mark.parametrize("before", ["“咳”", "“😀𠮷😀”", "“ＬＣ（全角）”", "“é👨‍👩‍👧”"])
def test_a_misspelt_field_is_marked_in_utf16_units(editor: Editor, before: str) -> None:
    rule = f"  新: 当 主诉 包含 {before} 且 现病使 为空 → 缺陷\n"
    text = HEAD + rule + LAST
    uri = editor.open("units.yaml", text)
    (found,) = editor.wait(uri, 1)
    assert found["code"] == "QC101"
    assert found["range"] == _span(text, "现病使", "新:")
    assert "现病史" in found["message"]  # what was meant


def test_what_is_wrong_goes_away_when_it_is_mended(editor: Editor) -> None:
    uri = editor.open("mended.yaml", RULEBOOK.replace("年龄 大于", "年令 大于"))
    assert _errors(editor.wait(uri, 1)) == ["QC101"]
    version = editor.change(uri, RULEBOOK)
    assert _errors(editor.wait(uri, version)) == []


def test_mistakes_of_meaning_and_of_text_are_shown_together(editor: Editor) -> None:
    both = HEAD + "  甲: 当 主诉 大于 3 → 缺陷\n  乙: 当 主述 为空 → 缺陷\n" + LAST
    uri = editor.open("both.yaml", both)
    assert sorted(_errors(editor.wait(uri, 1))) == ["QC101", "QC201"]


def test_lines_end_as_they_do_on_windows(editor: Editor) -> None:
    text = (HEAD + "  新: 当 主述 为空 → 缺陷\n" + LAST).replace("\n", "\r\n")
    uri = editor.open("windows.yaml", text)
    (found,) = editor.wait(uri, 1)
    assert found["range"] == _span(text.replace("\r", ""), "主述", "新:")


def test_conflicts_have_their_second_place(editor: Editor) -> None:
    rules = "  甲: 当 年龄 大于 1 即视为 合格\n  乙: 当 年龄 大于 2 即视为 缺陷\n"
    uri = editor.open("conflict.yaml", HEAD + rules + LAST)
    found = [d for d in editor.wait(uri, 1) if d["code"] == "QC301"]
    assert found
    assert found[0]["relatedInformation"][0]["location"]["uri"] == uri


# Several files


def _write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, "utf-8")


def test_mistakes_of_an_included_file_are_shown_there(editor: Editor) -> None:
    _write(editor.folder, part__qc="查：当 主述 为空 → 缺陷\n")
    uri = editor.open("whole.yaml", "引用: part.qc\n" + RULEBOOK)
    part = editor.uri("part.qc")
    (found,) = editor.wait(part)
    assert (found["code"], found["range"]["start"]) == ("QC101", {"line": 0, "character": 4})
    assert _errors(editor.published.get(uri, [])) == []
    # What is typed counts, not what is on disk.
    editor.open("part.qc", "查：当 主诉 为空 即视为 不适用\n")
    assert "QC101" not in _errors(editor.wait(part, 1))


def test_a_part_that_is_opened_alone_is_checked_with_the_rulebook_that_includes_it(
    editor: Editor,
) -> None:
    folder = editor.folder / "alone"
    (folder / "rules").mkdir(parents=True)
    body = RULEBOOK.replace("药.csv", "../药.csv")
    (folder / "main.yaml").write_text("引用: rules/one.qc\n" + body, "utf-8")
    (folder / "rules" / "one.qc").write_text("", "utf-8")
    uri = editor.open("alone/rules/one.qc", "好：当 主诉 为空 → 缺陷\n坏：当 主述 为空 → 缺陷\n")
    (found,) = editor.wait(uri, 1)
    assert (found["code"], found["range"]["start"]["line"]) == ("QC101", 1)


def test_an_include_that_is_deleted_and_comes_back(editor: Editor) -> None:
    _write(editor.folder, gone__qc="查：当 主诉 为空 → 缺陷\n")
    uri = editor.open("deleted.yaml", "引用: gone.qc\n" + RULEBOOK)
    assert _errors(editor.wait(uri, 1)) == []
    (editor.folder / "gone.qc").unlink()
    gone = {"changes": [{"uri": editor.uri("gone.qc"), "type": 3}]}
    editor.tell("workspace/didChangeWatchedFiles", gone)
    (found,) = editor.wait(uri)
    assert (found["code"], found["range"]["start"]["line"]) == ("QC017", 0)
    assert editor.at("hover", uri, RULEBOOK, "规则集") is None  # and it goes on serving
    _write(editor.folder, gone__qc="查：当 主诉 为空 → 缺陷\n")
    editor.tell("textDocument/didSave", {"textDocument": {"uri": uri}})
    assert _errors(editor.wait(uri)) == []


def test_a_yaml_file_that_is_no_rulebook_is_let_be(editor: Editor) -> None:
    uri = editor.open("compose.yaml", "services:\n  web:\n    image: nginx\ninclude: [a]\n")
    assert editor.wait(uri, 1) == []


def test_closing_a_rulebook_takes_its_mistakes_away(editor: Editor) -> None:
    uri = editor.open("closed.yaml", HEAD + "  新: 当 主述 为空 → 缺陷\n" + LAST)
    assert editor.wait(uri, 1)
    editor.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert editor.wait(uri) == []


# Completion

_PLACES = {
    "  新: ‸": {"如果", "当", "每条", "须", "不得"},
    "  新: 当 主‸": {"主诉"},
    "  新: 当 主诉 ‸": {"包含", "为空", "提及", "不为空"},
    "  新: 当 主诉 包含 ‸": {"外伤词", "抗菌药物", "抗菌药物.限制", "“”"},
    "  新: 当 ‸": {"主诉", "是外科", "伤因写清", "存在", "药品"},
    "  新: 每条 ‸": {"医嘱"},
    "  新: 每条 医嘱 当 医嘱.‸": {"开始时间", "药品", "状态"},
    "  新: 每条 医嘱 当 药品 属于 抗菌药物.‸": {"限制", "特殊"},
    "  新: 当 入院途径 为 ‸": {"“急诊”", "“门诊”"},
    "  新: 当 入院途径 为 “‸": {"急诊", "门诊"},
    "  新: 当 主诉 为空 即视为 ‸": {"合格", "缺陷", "不适用"},
    "  新: 须 主诉 不为空，否则 缺陷 “{主‸": {"主诉"},
    "  新: |\n    当 主诉 为空\n    → 缺‸": {"缺陷"},
    "  新:\n    ‸": {"句", "优先级", "除外"},
    "‸": {"例外", "测试", "评分", "引用"},
}
_ONLY = ("  新: ‸", "  新: 每条 ‸", "  新: 每条 医嘱 当 医嘱.‸", "  新: 当 入院途径 为 “‸")


@pytest.mark.parametrize(("typed", "wanted"), _PLACES.items())
def test_what_is_offered_is_what_may_stand_there(
    editor: Editor, typed: str, wanted: set[str]
) -> None:
    text = HEAD + typed.replace("‸", "") + "\n" + LAST
    uri = editor.open("offers.yaml", text)
    before = HEAD + typed.partition("‸")[0]
    found = editor.at("completion", uri, text, before)["items"]
    labels = {item["label"] for item in found}
    assert wanted <= labels
    if typed in _ONLY:
        assert labels == wanted
    for item in found:  # an edit on one line, up to the cursor
        place = item["textEdit"]["range"]
        assert place["start"]["line"] == place["end"]["line"] == before.count("\n")


def test_keys_and_values_of_yaml_are_offered(editor: Editor) -> None:
    for typed, wanted in {
        "字段:\n  甲: {类型: ‸": {"文本", "数字", "日期", "时长"},
        "字段:\n  甲: {‸": {"类型", "列", "标签", "取自"},
        "字段:\n  甲:\n    ‸": {"类型", "列", "标签", "取自"},
        "测试:\n  - {应为: ‸": set(),
    }.items():
        uri = editor.open("keys.yaml", typed.replace("‸", ""))
        found = editor.at("completion", uri, typed, typed.partition("‸")[0])["items"]
        assert wanted <= {item["label"] for item in found}, typed


def test_offers_in_english_where_the_rulebook_is_english(editor: Editor) -> None:
    text = (
        "rulebook: x\nverdicts: {pass: ok, fail: bad}\ncase: {key: id}\nfields: {note: {}}\n"
        "rules:\n  a: when note "
    )
    uri = editor.open("english.yaml", text)
    labels = {i["label"] for i in editor.at("completion", uri, text, text)["items"]}
    assert {"contains", "is blank", "mentions"} <= labels
    assert not {label for label in labels if not label.isascii()}


# Hover, definitions, symbols, formatting

_HOVERS = {
    "当 主": ("字段 **主诉**", "类型: 文本"),
    "提及 外伤": ("词表 **外伤词**", "摔伤=跌伤"),
    "须 伤因": ("问题 **伤因写清**", "是否写清了受伤的原因？", "A=是", "{现病史}"),
    "当 是外": ("说法 **是外科**", "科室 包含 “外科”"),
    "当 药": ("表 医嘱 的列 **药品**",),
    "每条 医": ("表 **医嘱**", "时间: 开始时间"),
    "年龄 大": ("**大于**", "年龄 大于 60"),
    "规则:\n  外": ("规则 **外伤**", "否则 缺陷 “没有写清” 扣 3 分", "SELECT"),
    "\n  外科": ("规则 **外科**", "-- 合格"),
    "看: [现": ("字段 **现病史**",),
}


@pytest.mark.parametrize(("mark", "wanted"), _HOVERS.items())
def test_hovering_tells_what_a_word_means(
    editor: Editor, mark: str, wanted: tuple[str, ...]
) -> None:
    uri = editor.open("hover.yaml", RULEBOOK)
    editor.wait(uri, 1)
    editor.change(uri, RULEBOOK)
    text = editor.at("hover", uri, RULEBOOK, mark)["contents"]["value"]
    assert [part for part in wanted if part not in text] == []


_GOES = {
    "提及 外伤": "  外伤词:", "当 是外": "  是外科:", "须 伤因": "  伤因写清:", "当 主": "  主诉:",
    "每条 医": "  医嘱:", "当 药": "药品: 文本", "药品 包含 抗菌": "  抗菌药物:",
}  # fmt: skip


@pytest.mark.parametrize(("mark", "line"), _GOES.items())
def test_definitions_lead_to_the_declaration(editor: Editor, mark: str, line: str) -> None:
    uri = editor.open("goes.yaml", RULEBOOK)
    found = editor.at("definition", uri, RULEBOOK, mark)
    assert found["uri"] == uri
    assert found["range"] == _span(RULEBOOK, line.strip().partition(":")[0], line)


def test_definitions_lead_into_other_files(editor: Editor) -> None:
    _write(editor.folder, words__yaml="词表: {别处词: [甲, 乙]}\n")
    extra = "  新: 当 主诉 包含 别处词 → 缺陷\n"
    text = "引用: words.yaml\n" + HEAD + extra + LAST
    uri = editor.open("leads.yaml", text)
    for mark in ("包含 别处", "引用: wor"):
        found = editor.at("definition", uri, text, mark)
        assert found["uri"] == editor.uri("words.yaml")
    assert editor.at("definition", uri, text, "文件: 药")["uri"] == editor.uri("药.csv")


def test_symbols_are_the_declarations_and_the_rules(editor: Editor) -> None:
    uri = editor.open("symbols.yaml", RULEBOOK)
    found = editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    children = {one["name"]: [child["name"] for child in one["children"]] for one in found}
    assert children["规则"] == ["外伤", "外科", "用药"]
    assert children["词表"] == ["外伤词", "抗菌药物"]


def _apply(text: str, edits: list[dict[str, Any]]) -> str:
    """An editor's way of making edits: from the last to the first, in UTF-16 units."""
    for edit in sorted(edits, key=lambda e: tuple(e["range"]["start"].values()), reverse=True):
        start, end = (_offset(text, edit["range"][side]) for side in ("start", "end"))
        text = text[:start] + edit["newText"] + text[end:]
    return text


def _offset(text: str, place: dict[str, int]) -> int:
    lines = text.split("\n")
    line = lines[place["line"]].encode("utf-16-le")
    within = len(line[: place["character"] * 2].decode("utf-16-le"))
    return sum(len(one) + 1 for one in lines[: place["line"]]) + within


def test_formatting_is_that_of_qc_fmt(editor: Editor) -> None:
    rule = "  新: 若主诉包含“😀”或“咳”则 不适用   # 留下\n"
    text = HEAD + rule + LAST
    uri = editor.open("format.yaml", text)
    options = {"tabSize": 2, "insertSpaces": True}
    params = {"textDocument": {"uri": uri}, "options": options}
    edits = editor.ask("textDocument/formatting", params)
    source = Source(str(editor.folder / "format.yaml"), text)
    assert edits
    assert _apply(text, edits) == format_text(source)
    editor.change(uri, HEAD + "  新: 若主诉\n" + LAST)
    assert editor.ask("textDocument/formatting", params) == []  # half typed: nothing is touched


# Bad input


def test_every_beginning_of_a_rulebook_is_survived(editor: Editor) -> None:
    parse_rulebook(Source(str(editor.folder / "x.yaml"), RULEBOOK))
    uri = editor.open("typed.yaml", "")
    version = 1
    for end in range(0, len(RULEBOOK), 23):
        text = RULEBOOK[:end]
        version = editor.change(uri, text)
        editor.at("completion", uri, text, text)
        editor.at("hover", uri, text, text)
        editor.at("definition", uri, text, text)
        editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    editor.wait(uri, version)
    version = editor.change(uri, RULEBOOK)
    assert _errors(editor.wait(uri, version)) == []


def test_a_megabyte_pasted_is_given_up_for_the_next_keystroke(editor: Editor) -> None:
    uri = editor.open("paste.yaml", RULEBOOK)
    editor.wait(uri, 1)
    rules = "".join(
        f"  粘{n}: 当 主诉 包含 “词{n}” 且 年龄 大于 {n} → 缺陷\n" for n in range(16_000)
    )
    pasted = HEAD + rules + LAST
    assert len(pasted.encode()) > 1_000_000
    editor.change(uri, pasted)
    items = editor.at("completion", uri, pasted, "\n  粘15999: 当 ")["items"]
    assert "主诉" in {item["label"] for item in items}
    version = editor.change(uri, HEAD + "  新: 当 主述 为空 → 缺陷\n" + LAST)
    assert _errors(editor.wait(uri, version)) == ["QC101"]


def test_a_file_beyond_the_limit_is_said_to_be(editor: Editor) -> None:
    uri = editor.open("huge.yaml", "规则集: x\n" + "# \n" * 800_000)
    assert _errors(editor.wait(uri, 1)) == ["QC001"]


@pytest.mark.parametrize("uri", ["untitled:Untitled-1", "http://example.invalid/a.yaml", "x"])
def test_addresses_that_name_no_file_are_served(editor: Editor, uri: str) -> None:
    text = HEAD.replace("  抗菌药物: {文件: 药.csv}\n", "  抗菌药物: [甲]\n") + LAST
    item = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
    editor.tell("textDocument/didOpen", {"textDocument": item})
    assert _errors(editor.wait(uri, 1)) == []
    assert editor.at("hover", uri, text, "当 主")["contents"]["value"].startswith("字段")


def test_files_that_were_never_opened_get_empty_answers(editor: Editor) -> None:
    uri = editor.uri("never.yaml")
    place = {"textDocument": {"uri": uri}, "position": {"line": 9, "character": 9}}
    for method in ("hover", "definition"):
        assert editor.ask(f"textDocument/{method}", place) is None
    assert editor.ask("textDocument/completion", place)["items"] == []
    editor.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
    editor.tell("textDocument/didSave", {"textDocument": {"uri": uri}})
    assert editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}}) is None


def test_text_that_no_encoding_holds_is_survived(editor: Editor) -> None:
    uri = editor.open("surrogate.yaml", HEAD + "  新: 当 主诉 包含 “\ud83d” → 缺陷\n" + LAST)
    editor.wait(uri, 1)
    version = editor.change(uri, RULEBOOK)
    assert _errors(editor.wait(uri, version)) == []


def test_the_server_ends_when_it_is_told_to(tmp_path: Path) -> None:
    with Editor(tmp_path) as editor:
        uri = editor.open(
            "a.yaml", RULEBOOK.replace("  抗菌药物: {文件: 药.csv}\n", "  抗菌药物: [甲]\n")
        )
        assert _errors(editor.wait(uri, 1)) == []
        assert editor.close() == 0
        editor.close = lambda: 0  # type: ignore[method-assign]
        assert not any("Traceback" in line for line in editor.log)
