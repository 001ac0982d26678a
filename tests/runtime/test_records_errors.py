"""Bad data files: each fault has a code, a place and a way out, and nothing is lost silently."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from qc_compiler.values import Field, FieldType
from qc_dsl.errors import Diagnostic, QcError, render
from qc_runtime.records import load_records

KEY = Field("住院号", FieldType.TEXT, ("住院号",))
DONE = Field("手术记录", FieldType.TEXT, ("手术记录",))


def _faults(path: Path, *fields: Field) -> tuple[Diagnostic, ...]:
    with pytest.raises(QcError) as error:
        load_records(path, (KEY, *fields), "住院号")
    for one in error.value.diagnostics:
        assert one.message.zh
        assert one.message.en
        assert str(path) in render(one)
    return error.value.diagnostics


def _fault(path: Path, *fields: Field) -> Diagnostic:
    (one,) = _faults(path, *fields)
    return one


def _written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


# -- the file -----------------------------------------------------------------------------------


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    assert _fault(tmp_path / "none.csv").code == "QC401"
    assert _fault(tmp_path).code == "QC401"


@contextmanager
def _as_nobody() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        path = _written(Path(name) / "a.csv", "住院号\n1\n")
        path.chmod(0)
        with _as_nobody():
            assert _fault(path).code == "QC401"


@pytest.mark.parametrize("name", ["a.docx.txt2", "a.pdf", "a", "a.json"])
def test_an_unknown_kind_of_file(tmp_path: Path, name: str) -> None:
    fault = _fault(_written(tmp_path / name, "x"))
    assert fault.code == "QC402"
    assert fault.help
    assert "XLSX" in fault.help.en


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.ods"])
@pytest.mark.parametrize(
    "content", [b"", b"<html><table></table></html>", b"PK\x03\x04" + b"x" * 99]
)
def test_a_workbook_that_is_none(tmp_path: Path, name: str, content: bytes) -> None:
    assert _fault(_written(tmp_path / name, content)).code == "QC406"


def test_a_workbook_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write_column(0, 0, ["住院号", *(str(i) for i in range(5000))])
    whole = path.read_bytes()
    for part in (0.3, 0.9):
        assert _fault(_written(path, whole[: int(len(whole) * part)])).code == "QC406"


def test_a_parquet_file_cut_short_or_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"住院号": [str(i) for i in range(1000)]}), path)
    assert _fault(_written(path, path.read_bytes()[:-100])).code == "QC406"
    assert _fault(_written(path, b"")).code == "QC406"


# -- encoding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32"])
def test_utf_16_is_named_with_what_to_do(csv: Path, encoding: str) -> None:
    fault = _fault(_written(csv, "住院号,手术记录\n1,甲\n".encode(encoding)))
    assert fault.code == ("QC403" if encoding in ("utf-16", "utf-32") else "QC404")
    assert "UTF-16" in fault.message.zh + str(fault.help)
    assert fault.help
    assert "CSV UTF-8" in fault.help.zh


def test_a_byte_that_is_in_no_encoding_is_placed(csv: Path) -> None:
    text = "住院号,手术记录\n1,甲\n2,".encode()
    fault = _fault(_written(csv, text + b"\xff\xff\n3,x\n"), DONE)
    assert fault.code == "QC403"
    assert f"偏移 {len(text)}" in fault.message.zh
    assert fault.place
    assert fault.place.zh.endswith("第 3 行")


def test_nul_bytes_are_placed(csv: Path) -> None:
    fault = _fault(_written(csv, "住院号\n1\n2\x00\n"))
    assert fault.code == "QC404"
    assert fault.place
    assert fault.place.zh.endswith("第 3 行")


def test_big5_is_never_read_as_something_else(csv: Path) -> None:
    codes = {one.code for one in _faults(_written(csv, "住院號,手術\n1,腹腔鏡\n".encode("big5")))}
    assert codes <= {"QC403", "QC409"}


# -- rows ---------------------------------------------------------------------------------------


def test_rows_of_other_lengths_are_all_told(csv: Path) -> None:
    faults = _faults(_written(csv, '住院号,手术记录\n1,"a\nb"\n\n2\n3,c\n4,d,秘密\n'), DONE)
    assert [one.code for one in faults] == ["QC405", "QC405"]
    assert [one.place and one.place.en[-6:] for one in faults] == [" row 4", " row 6"]
    assert "2" in faults[1].message.zh
    assert "3" in faults[1].message.zh
    assert not any("秘密" in render(one) for one in faults)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        pytest.param('住院号,手术记录\n1,a\n2,"b\n3,c\n4,d\n', 3, id="never closed"),
        pytest.param('住院号,手术记录\n1,a\n2,"b\n3,"c"\n4,d\n', 3, id="closed in a later row"),
        pytest.param('住院号,手术记录\n1,"他说"疼"了"\n', 2, id="quotes inside quotes"),
    ],
)
def test_a_quote_that_would_swallow_rows_is_refused(csv: Path, text: str, row: int) -> None:
    fault = _fault(_written(csv, text), DONE)
    assert fault.code == "QC405"
    assert fault.place
    assert fault.place.en.endswith(f"row {row}")


def test_a_quote_in_the_middle_of_a_plain_cell_is_text(csv: Path) -> None:
    records = load_records(_written(csv, '住院号,手术记录\n1,5" 管\n'), (KEY, DONE), "住院号")
    assert records.display["手术记录"] == ['5" 管']


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"住院号": ', "JSON"),
        ("[1]", "对象"),
        ('{"住院号": "1", "住院号": "2"}', "重复"),
        ('{"住院号": NaN}', "JSON"),
        ('{"住院号": ' + "[" * 100_000 + "}", "JSON"),
    ],
)
def test_a_bad_line_of_jsonl_is_placed(tmp_path: Path, line: str, says: str) -> None:
    fault = _fault(_written(tmp_path / "a.jsonl", '{"住院号": "0"}\n\n' + line + "\n"))
    assert fault.code == "QC407"
    assert says in fault.message.zh
    assert fault.place
    assert fault.place.zh.endswith("第 3 行")


@pytest.mark.parametrize("text", ["", "\n\n", "住院号,手术记录\n", "住院号,手术记录\n,\n \n,\n"])
def test_no_records_is_an_error(csv: Path, text: str) -> None:
    faults = _faults(_written(csv, text.replace(" \n", " , \n")), DONE)
    assert [one.code for one in faults] == ["QC408"]


def test_a_workbook_without_records(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        book.add_worksheet().write(0, 0, "住院号")
    assert _fault(tmp_path / "a.xlsx").code == "QC408"


# -- columns ------------------------------------------------------------------------------------


def test_every_missing_column_is_told_with_a_near_name(csv: Path) -> None:
    faults = _faults(
        _written(csv, "住院号,手术纪录,年龄\n1,2,3\n"),
        Field("手术记录", FieldType.TEXT, ("手术记录", "手术名称")),
        Field("科室", FieldType.TEXT, ("住院科室", "CTLOC_DESC")),
    )
    assert [one.code for one in faults] == ["QC409", "QC409"]
    assert "手术记录”或“手术名称" in faults[0].message.zh
    assert faults[0].help
    assert "您是否想写“手术纪录”" in faults[0].help.zh
    assert faults[1].help
    assert "年龄" in faults[1].help.zh


def test_a_file_without_a_header_does_not_show_its_first_patient(csv: Path) -> None:
    faults = _faults(_written(csv, "ZY001,张三,13800000000\nZY002,李四,139\n"), DONE)
    assert {one.code for one in faults} == {"QC409"}
    assert not any("张三" in render(one) or "ZY001" in render(one) for one in faults)
    assert all(one.help and "列名" in one.help.zh for one in faults)


def test_one_name_on_two_columns_is_an_error_only_where_it_is_needed(csv: Path) -> None:
    _written(csv, "住院号,备注,备注, 手术记录,手术记录\n1,a,b,c,d\n")
    assert load_records(csv, (KEY,), "住院号").keys == ["1"]
    fault = _fault(csv, DONE)
    assert fault.code == "QC410"
    assert "D, E" in fault.message.en


def test_a_missing_extra_column_is_an_error(csv: Path) -> None:
    _written(csv, "住院号\n1\n")
    with pytest.raises(QcError) as error:
        load_records(csv, (KEY,), "住院号", extra=["期望"])
    assert error.value.diagnostics[0].code == "QC409"


# -- keys ---------------------------------------------------------------------------------------


def test_blank_and_duplicate_keys_are_told_together_with_their_rows(csv: Path) -> None:
    _written(csv, "住院号,手术记录\n7,a\n,b\n8,c\n7 ,d\n\n　,e\n8,f\n")
    blank, twice = _faults(csv, DONE)
    assert (blank.code, twice.code) == ("QC411", "QC412")
    assert "3、7" in blank.message.zh
    assert "“7”（第 2 行和第 5 行）" in twice.message.zh
    assert "“8” (rows 4 and 8)" in twice.message.en


def test_of_many_duplicates_a_few_are_listed(csv: Path) -> None:
    _written(csv, "住院号\n" + "same\n" * 1000)
    fault = _fault(csv)
    assert "994" in fault.message.zh
    assert len(fault.message.zh) < 300


def test_keys_that_excel_has_rounded_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write_column(0, 0, ["住院号", 330102199001011234, 5])
    fault = _fault(path)
    assert fault.code == "QC414"
    assert "2" in fault.message.zh
