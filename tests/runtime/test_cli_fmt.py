"""``qc fmt`` as a user runs it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from support.qc import qc

BOOK = """\
规则集: 测试
结论: {通过: 合格, 不通过: 缺陷}
病例: {主键: 编号}
字段: {年龄: {类型: 数字}}   # 字段
规则:
  甲: 若年龄>18那么记为合格
其余: 缺陷
"""
AFTER = BOOK.replace("若年龄>18那么记为合格", "如果 年龄 大于 18 则 直接标记为 合格")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "test.yaml"
    path.write_text(BOOK, "utf-8")
    return path


def test_a_file_is_rewritten_once_and_keeps_its_rights(book: Path, lang: str) -> None:
    book.chmod(0o640)
    first = qc("fmt", book)
    assert (first.code, first.err) == (0, "")
    assert str(book) in first.out
    assert book.read_text("utf-8") == AFTER
    assert stat.S_IMODE(book.stat().st_mode) == 0o640
    assert (qc("fmt", book).out, book.read_text("utf-8")) == ("", AFTER)
    assert [path.name for path in book.parent.iterdir()] == ["test.yaml"]


def test_check_and_diff_write_nothing(book: Path) -> None:
    checked = qc("fmt", "--check", book)
    assert (checked.code, checked.out) == (1, f"{book}\n")
    shown = qc("fmt", "--diff", book)
    assert shown.code == 0
    assert "-  甲: 若年龄>18那么记为合格" in shown.out
    assert "+  甲: 如果 年龄 大于 18 则 直接标记为 合格" in shown.out
    assert qc("fmt", "--check", "--diff", book).code == 1
    assert book.read_text("utf-8") == BOOK
    book.write_text(AFTER, "utf-8")
    assert (qc("fmt", "--check", book).code, qc("fmt", "--diff", book).out) == (0, "")


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_bom_stay(book: Path, bom: bytes) -> None:
    book.write_bytes(bom + BOOK.replace("\n", "\r\n").encode())
    assert qc("fmt", book).code == 0
    assert book.read_bytes() == bom + AFTER.replace("\n", "\r\n").encode()


def test_a_link_stays_a_link(book: Path) -> None:
    link = book.parent / "link.yaml"
    link.symlink_to(book)
    assert qc("fmt", link).code == 0
    assert link.is_symlink()
    assert book.read_text("utf-8") == AFTER


def test_a_file_with_mistakes_is_left_and_the_others_are_not(book: Path, lang: str) -> None:
    bad = book.parent / "bad.yaml"
    bad.write_text(BOOK.replace("若年龄", "若年纪"), "utf-8")
    ran = qc("fmt", bad, book)
    assert ran.code == 2
    assert "QC101" in ran.err
    assert bad.read_text("utf-8") == BOOK.replace("若年龄", "若年纪")
    assert book.read_text("utf-8") == AFTER
    missing = qc("fmt", book.parent / "none.yaml")
    assert (missing.code, "QC001" in missing.err) == (2, True)


def test_sentence_files_find_their_rulebook(book: Path, lang: str) -> None:
    part = book.parent / "parts" / "more.qc"
    part.parent.mkdir()
    part.write_text("乙：若年龄>80那么记为合格  # 高龄\n", "utf-8")
    assert "QC651" in qc("fmt", part).err
    book.write_text(f"引用: parts/more.qc\n{AFTER}", "utf-8")
    assert qc("fmt", part).code == 0
    assert part.read_text("utf-8") == "乙：如果 年龄 大于 80 则 直接标记为 合格  # 高龄\n"
    far = book.parent / "a" / "b" / "main.yaml"
    far.parent.mkdir(parents=True)
    far.write_text(f"引用: ../../parts/more.qc\n{AFTER}", "utf-8")
    book.unlink()
    assert qc("fmt", "--lang", "en", part, "--rulebook", far).code == 0
    assert part.read_text("utf-8") == "乙：if 年龄 > 80 then mark as 合格  # 高龄\n"


def test_keywords_are_translated(book: Path) -> None:
    assert qc("fmt", "--lang", "en", book).code == 0
    text = book.read_text("utf-8")
    assert "  甲: if 年龄 > 18 then mark as 合格\n" in text
    assert "fields: {年龄: {type: number}}   # 字段\n" in text
    assert qc("check", book).code == 0


def test_a_rulebook_is_read_from_standard_input() -> None:
    import subprocess
    import sys

    code = "from qc_runtime.cli import main; main()"
    command = [sys.executable, "-c", code, "fmt", "-"]
    ran = subprocess.run(command, input=BOOK.encode(), capture_output=True, check=False)
    assert (ran.returncode, ran.stdout.decode(), ran.stderr) == (0, AFTER, b"")


def test_a_folder_that_cannot_be_written_is_said(book: Path) -> None:
    from qc_runtime.report import atomic

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atomic.tempfile, "mkstemp", _refuse)
        ran = qc("fmt", book)
    assert (ran.code, "QC605" in ran.err) == (2, True)
    assert book.read_text("utf-8") == BOOK


def _refuse(**_: object) -> None:
    raise PermissionError(13, "Permission denied")


BAD = sorted((Path(__file__).parents[1] / "cases" / "bad").glob("*.yaml"))


def test_files_with_mistakes_are_refused_and_left_as_they_are(chinese: None) -> None:
    """The corpus of mistakes: an error at its place or nothing to do, never a traceback."""
    before = [path.read_bytes() for path in BAD]
    ran = qc("fmt", "--check", *BAD)
    assert ran.code == 2
    assert "[QC652]" not in ran.err
    assert ran.err.count("[QC") >= len(BAD) - 20
    assert [path.read_bytes() for path in BAD] == before
