"""Records of every format come in the same, in order, and with nothing lost."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from qc_compiler.values import Field, FieldType, Moment, display, read_cell
from qc_dsl.fold import fold
from qc_runtime.records import RecordSet, load_records

KEY = Field("住院号", FieldType.TEXT, ("住院号", "病案号"))
OPERATION = Field("术前术式", FieldType.TEXT, ("术前术式", "术前小结术式"))
DONE = Field("手术记录", FieldType.LIST, ("手术记录",), separator="+")
AGE = Field("年龄", FieldType.NUMBER, ("年龄",))
DAY = Field("手术日期", FieldType.DATE, ("手术日期",))
AT = Field("开始时间", FieldType.DATETIME, ("开始时间",))
FIELDS = (KEY, OPERATION, DONE, AGE, DAY, AT)
NAMES = [field.name for field in FIELDS]
ROWS: list[list[str]] = [
    ["0012", "宫腔镜检查，备一期手术", "甲＋ 乙 +", "55", "2025-01-03", "2025-01-03 08:05"],
    ["0013", "", "", "", "", ""],
    ["0014", " 痔切除术\n（左）", "丙", "1,234.5", "2025年1月4日", "2025/1/4 8:05:30"],
]
DAY_3 = Moment(datetime(2025, 1, 3), datetime(2025, 1, 3, 23, 59, 59, 999999))


def _csv(path: Path, encoding: str = "utf-8", delimiter: str = ",", end: str = "\r\n") -> None:
    def cell(text: str) -> str:
        return f'"{text}"' if any(ch in text for ch in f'{delimiter}\n"') else text

    lines = [delimiter.join(map(cell, row)) for row in [NAMES, *ROWS]]
    path.write_bytes((end.join(lines) + end).encode(encoding))


def _xlsx(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate([NAMES, *ROWS]):
            for column, text in enumerate(row):
                sheet.write_string(at, column, text)


def _parquet(path: Path) -> None:
    columns = {name: [row[i] or None for row in ROWS] for i, name in enumerate(NAMES)}
    pq.write_table(pa.table(columns), path)


def _jsonl(path: Path) -> None:
    objects = [{n: c for n, c in zip(NAMES, row, strict=True) if c} for row in ROWS]
    path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in objects), "utf-8")


_ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
<table:table table:name="Sheet1">{rows}</table:table>
</office:spreadsheet></office:body></office:document-content>"""
_ODS_CELL = '<table:table-cell office:value-type="string">{}</table:table-cell>'


def _ods(path: Path) -> None:
    def cell(text: str) -> str:
        return _ODS_CELL.format("".join(f"<text:p>{line}</text:p>" for line in text.split("\n")))

    rows = (f"<table:table-row>{''.join(map(cell, r))}</table:table-row>" for r in [NAMES, *ROWS])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", _ODS.format(rows="".join(rows)))


_WRITERS: dict[str, Callable[[Path], None]] = {
    "utf8.csv": _csv,
    "bom.csv": lambda path: _csv(path, "utf-8-sig"),
    "gb18030.csv": lambda path: _csv(path, "gb18030"),
    "unix.csv": lambda path: _csv(path, end="\n"),
    "semicolons.csv": lambda path: _csv(path, delimiter=";"),
    "tabs.tsv": lambda path: _csv(path, delimiter="\t"),
    "tabs.txt": lambda path: _csv(path, delimiter="\t"),
    "book.xlsx": _xlsx,
    "book.ods": _ods,
    "table.parquet": _parquet,
    "lines.jsonl": _jsonl,
    "lines.ndjson": _jsonl,
    "really-a-workbook.csv": _xlsx,
}


@pytest.mark.parametrize("name", _WRITERS)
def test_every_format_gives_the_same_records(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    _WRITERS[name](path)
    records = load_records(path, FIELDS, "住院号")
    assert records.problems == ()
    assert records.warnings == ()
    assert records.keys == ["0012", "0013", "0014"]
    assert records.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert records.record(0) == {
        "住院号": "0012",
        "术前术式": "宫腔镜检查,备一期手术",
        "手术记录": ("甲", "乙"),
        "年龄": 55.0,
        "手术日期": DAY_3,
        "开始时间": Moment(datetime(2025, 1, 3, 8, 5), datetime(2025, 1, 3, 8, 5)),
    }
    assert records.record(1) == dict.fromkeys(NAMES) | {"住院号": "0013"}
    assert records.record(2)["术前术式"] == "痔切除术(左)"
    assert records.record(2)["年龄"] == 1234.5
    assert records.display["术前术式"] == ["宫腔镜检查，备一期手术", None, "痔切除术\n（左）"]
    assert records.display["手术记录"][0] == "甲＋ 乙 +"
    assert len(records) == 3


def test_duckdb_sees_the_same_values(tmp_path: Path) -> None:
    _csv(tmp_path / "a.csv")
    table = load_records(tmp_path / "a.csv", FIELDS, "住院号").arrow()
    assert table.column_names == [
        *("住院号", "术前术式", "手术记录", "年龄"),
        *("手术日期.lo", "手术日期.hi", "开始时间.lo", "开始时间.hi"),
    ]
    with duckdb.connect() as db:
        db.register("records", table)
        found = db.sql("SELECT * FROM records WHERE 手术记录 LIKE '%\x1f乙\x1f%'").fetchall()
        missing = db.sql('SELECT 住院号 FROM records WHERE "手术日期.lo" IS NULL').fetchall()
    at = datetime(2025, 1, 3, 8, 5)
    assert found == [
        ("0012", "宫腔镜检查,备一期手术", "\x1f甲\x1f乙\x1f", 55.0, DAY_3.lo, DAY_3.hi, at, at)
    ]
    assert missing == [("0013",)]


def _book(path: Path, rows: list[list[Any]], **formats: str) -> Path:
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        clock = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet = book.add_worksheet()
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    style = clock if isinstance(cell, datetime) else day
                    sheet.write_datetime(at, column, cell, style)
                else:
                    sheet.write(at, column, cell)
    return path


def test_typed_cells_of_a_workbook(tmp_path: Path) -> None:
    path = _book(
        tmp_path / "a.xlsx",
        [
            NAMES,
            [10023, 7, True, 0.1 + 0.2, date(2025, 1, 3), datetime(2025, 1, 3, 8, 5)],
            [10024.0, 1.5, "x", 3, datetime(2025, 1, 3, 8, 5), date(2025, 1, 3)],
        ],
    )
    records = load_records(path, FIELDS, "住院号")
    assert records.keys == ["10023", "10024"]
    assert records.display["术前术式"] == ["7", "1.5"]
    assert records.display["手术记录"][0] == "TRUE"
    assert records.values["年龄"] == [pytest.approx(0.3), 3.0]
    assert records.values["手术日期"] == [DAY_3, DAY_3]
    assert records.values["开始时间"][1] == DAY_3
    assert records.display["开始时间"][0] == "2025-01-03 08:05:00"


def test_blank_rows_of_a_workbook_are_no_records_and_rows_keep_their_numbers(
    tmp_path: Path,
) -> None:
    path = _book(
        tmp_path / "a.xlsx",
        [[], ["住院号", "年龄"], ["1", "x"], [], ["2", 3], [" ", ""], ["3", "y"], [], []],
    )
    records = load_records(path, (KEY, AGE), "住院号")
    assert records.keys == ["1", "2", "3"]
    assert [problem.row for problem in records.problems] == [3, 7]


def test_the_first_visible_sheet_is_read(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        hidden, shown = book.add_worksheet("隐藏"), book.add_worksheet("数据")
        hidden.write_column(0, 0, ["住院号", "错"])
        shown.write_column(0, 0, ["住院号", "对"])
        shown.activate()
        shown.set_first_sheet()
        hidden.hide()
    assert load_records(tmp_path / "a.xlsx", (KEY,), "住院号").keys == ["对"]


def test_blank_cells_of_parquet_in_several_row_groups(tmp_path: Path) -> None:
    """Each row group comes as a piece of its own."""
    rows = {"号": ["1", "2", "3", "4"], "科室": ["外科", None, None, "内科"]}
    pq.write_table(pa.table(rows), tmp_path / "a.parquet", row_group_size=2)
    fields = (Field("号", FieldType.TEXT, ("号",)), Field("科室", FieldType.TEXT, ("科室",)))
    records = load_records(tmp_path / "a.parquet", fields, "号")
    assert records.keys == rows["号"]
    assert records.display["科室"] == rows["科室"]


def test_typed_columns_of_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {
            "住院号": pa.array([10023, 10024], pa.int64()),
            "术前术式": pa.array(["甲", None]).dictionary_encode(),
            "手术记录": pa.array([["甲", "乙"], None]),
            "年龄": pa.array([1.5, float("inf")]),
            "手术日期": pa.array([date(2025, 1, 3), None]),
            "开始时间": pa.array([1735891500000000001, None], pa.timestamp("ns", "Asia/Shanghai")),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    records = load_records(tmp_path / "a.parquet", FIELDS, "住院号")
    assert records.keys == ["10023", "10024"]
    assert records.values["手术记录"] == [("甲", "乙"), None]
    assert records.values["年龄"] == [1.5, None]
    assert [(p.row, p.field) for p in records.problems] == [(3, "年龄")]
    assert records.values["手术日期"] == [DAY_3, None]
    assert records.display["开始时间"][0] == "2025-01-03 16:05:00"


def test_typed_values_of_jsonl(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"住院号": 10023, "手术记录": ["甲", "乙"], "术前术式": ["甲", 1], "年龄": 1e999}\n\n'
        '{"住院号": 123456789012345678, "术前术式": {"a": [true]}, "手术记录": null, "年龄": 3}\n'
        '{"住院号": "x", "术前术式": "a\\u2028b\\ud83d", "手术记录": true}\n',
        "utf-8",
    )
    records = load_records(path, (KEY, OPERATION, DONE, AGE), "住院号")
    assert records.keys == ["10023", "123456789012345678", "x"]
    assert records.values["手术记录"] == [("甲", "乙"), None, ("true",)]
    assert records.display["术前术式"][:2] == ['["甲", "1"]', '{"a": [true]}']
    assert records.display["术前术式"][2] == "a\u2028b\ufffd"
    assert records.values["年龄"] == [None, 3.0, None]
    assert [problem.row for problem in records.problems] == [1]  # the line


def test_bad_cells_are_unknown_and_told_with_their_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = "住院号,手术日期,年龄\n1,昨天,5\n\n2,2025-02-30," + "九" * 99 + "\n3,2025-01-03,7\n"
    path.write_text(text, "utf-8")
    records = load_records(path, (KEY, DAY, AGE), "住院号")
    assert records.values["手术日期"] == [None, None, DAY_3]
    assert [(p.row, p.field) for p in records.problems] == [
        *((2, "手术日期"), (4, "手术日期"), (4, "年龄"))
    ]
    assert "昨天" in records.problems[0].message.zh
    assert len(records.problems[2].message.zh) < 60  # whole cells are not repeated


def test_a_category_outside_its_values_is_unknown(tmp_path: Path) -> None:
    kind = Field("状态", FieldType.CATEGORY, ("状态",), values=("已执行", "未执行"))
    (tmp_path / "a.csv").write_text("住院号,状态\n1,已执行\n2,执行了\n", "utf-8")
    records = load_records(tmp_path / "a.csv", (KEY, kind), "住院号")
    assert records.values["状态"] == ["已执行", None]
    assert [problem.row for problem in records.problems] == [3]


def test_a_cell_of_200_000_characters_with_quotes_and_lines(tmp_path: Path) -> None:
    long = ('他说“疼”,"很疼"\n' * 20_000)[:200_000]
    quoted = long.replace('"', '""')
    (tmp_path / "a.csv").write_text(f'住院号,术前术式\n1,"{quoted}"\n2,短\n', "utf-8", newline="")
    records = load_records(tmp_path / "a.csv", (KEY, OPERATION), "住院号")
    assert records.display["术前术式"] == [long.strip(), "短"]
    assert records.keys == ["1", "2"]


def test_a_cell_larger_than_a_block_of_the_parser(tmp_path: Path) -> None:
    long = "x" * (34 << 20)
    (tmp_path / "a.csv").write_text(f"住院号,术前术式\n1,{long}\n2,短\n", "utf-8")
    records = load_records(tmp_path / "a.csv", (KEY, OPERATION), "住院号")
    assert [len(text or "") for text in records.display["术前术式"]] == [len(long), 1]


def test_limit_takes_the_first_records_only(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("住院号,年龄\n1,x\n,\n2,3\n2,y\n", "utf-8")
    records = load_records(tmp_path / "a.csv", (KEY, AGE), "住院号", limit=2)
    assert records.keys == ["1", "2"]
    assert len(records.problems) == 1
    assert records.arrow().num_rows == 2


def test_extra_columns_are_carried_for_display_only(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("期望,住院号,别的\n 匹配 ,1,x\n,2,y\n", "utf-8")
    records = load_records(tmp_path / "a.csv", (KEY,), "住院号", extra=["期望", "住院号"])
    assert records.display == {"住院号": ["1", "2"], "期望": ["匹配", None]}
    assert list(records.values) == ["住院号"]
    assert records.arrow().column_names == ["住院号"]


def test_columns_are_found_after_folding_and_by_other_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(" 病 案 号 ,术前小结术式\n1,甲\n", "utf-8-sig")
    records = load_records(tmp_path / "a.csv", (KEY, OPERATION), "住院号")
    assert records.record(0) == {"住院号": "1", "术前术式": "甲"}


def test_the_field_s_first_name_wins_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("住院号,术前小结术式,术前术式\n1,乙,甲\n", "utf-8")
    records = load_records(tmp_path / "a.csv", (KEY, OPERATION), "住院号")
    assert records.values["术前术式"] == ["甲"]
    assert [(w.code, w.severity) for w in records.warnings] == [("QC413", "warning")]


_CELL = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)


def _load_column(folder: Path, field: Field, cells: list[str]) -> RecordSet:
    path = folder / "cells.jsonl"
    lines = [json.dumps({"住院号": str(i), "x": cell}) for i, cell in enumerate(cells)]
    path.write_text("\n".join(lines), "utf-8")
    return load_records(path, (KEY, field), "住院号")


@pytest.mark.parametrize("blanks", [(), ("无", "a+b")], ids=["no blanks", "blanks"])
@pytest.mark.parametrize("kind", list(FieldType))
@given(
    cells=st.lists(
        _CELL | st.sampled_from(["1", "2025-01-03", "a+b", "＋", " ", "无", " ａ＋b"]), min_size=1
    )
)
def test_cells_are_worth_what_read_cell_says(
    tmp_path_factory: pytest.TempPathFactory,
    kind: FieldType,
    blanks: tuple[str, ...],
    cells: list[str],
) -> None:
    field = Field("x", kind, ("x",), separator="+", blanks=blanks)
    records = _load_column(tmp_path_factory.getbasetemp(), field, cells)
    assert records.values["x"] == [read_cell(field, cell).value for cell in cells]
    assert records.display["x"] == [display(cell) for cell in cells]
    wrong = [i for i, cell in enumerate(cells, 1) if read_cell(field, cell).problem]
    assert [problem.row for problem in records.problems] == wrong


@pytest.mark.parametrize("kind", [FieldType.TEXT, FieldType.LIST, FieldType.CATEGORY])
def test_cells_listed_as_blank_hold_nothing(tmp_path: Path, kind: FieldType) -> None:
    field = Field("x", kind, ("x",), separator="+", blanks=("无", "-"))
    records = _load_column(tmp_path, field, ["无", " 无 ", "－", "无热"])
    held = ("无热",) if kind is FieldType.LIST else "无热"
    assert records.values["x"] == [None, None, None, held]


@given(_CELL)
def test_display_is_nothing_exactly_where_folding_leaves_nothing(text: str) -> None:
    assert (display(text) is None) == (not fold(text))


@given(st.lists(_CELL.filter(lambda text: fold(text) != ""), min_size=1, unique_by=str.strip))
def test_csv_cells_come_back_whatever_they_hold(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "cells.csv"
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    path.write_bytes(("住院号,y\n" + "".join(f"{c},1\n" for c in quoted)).encode())
    assert load_records(path, (KEY,), "住院号").keys == [cell.strip() for cell in cells]
