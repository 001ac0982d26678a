"""Related tables out of files: every kind of file gives the same, and nothing goes silently."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from qc_compiler.pipeline import compile_file
from qc_compiler.values import ROW, Moment, RowsOf
from qc_dsl.errors import QcError, render
from qc_runtime.tables.load import Dataset, load_cases, load_tables
from qc_runtime.tables.rows import Cases
from qc_runtime.tables.sources import find_sources
from qc_runtime.tables.workspace import Workspace, workspace
from support.tables import (
    CASES,
    NOTES,
    ORDERS,
    csv_text,
    write_book,
    write_csv,
    write_folder,
    write_jsonl,
    write_parquet,
)

pytestmark = pytest.mark.usefixtures("chinese")
PROGRAM = compile_file(Path(__file__).parents[1] / "cases" / "orders.yaml")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Workspace]:
    with workspace(tmp_path / "work", "test") as opened:
        yield opened


def load(work: Workspace, *given: object, limit: int | None = None) -> Dataset:
    sources = find_sources([str(one) for one in given], PROGRAM)
    records = load_cases(PROGRAM, sources, limit=limit)
    return load_tables(work, PROGRAM, sources, records, limit)


def rows(work: Workspace, data: Dataset, number: int, table: str) -> list[dict[str, Any]]:
    cases = Cases(PROGRAM, data.records, work.connection, tuple(data.tables))
    found: list[dict[str, Any]] = list(cases.one(number).record[RowsOf(table)])
    return found


def refused(work: Workspace, *given: object) -> str:
    with pytest.raises(QcError) as caught:
        load(work, *given)
    return "\n".join(render(one) for one in caught.value.diagnostics)


def cases_file() -> Path:
    return write_csv(Path("病例表.csv"), CASES)


# Every kind of file


def _orders(kind: str) -> object:
    path = Path(f"o.{kind}")
    if kind == "xlsx":
        return f"医嘱={write_book(path, {'随便': ORDERS})}"
    if kind == "gb":
        return f"医嘱={write_csv(Path('gb.csv'), ORDERS, 'gb18030')}"
    if kind == "crlf":
        path = write_csv(Path("crlf.csv"), ORDERS, "utf-8-sig")
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        return f"orders={path}"
    writers = {"csv": write_csv, "jsonl": write_jsonl, "parquet": write_parquet}
    return f"医嘱={writers[kind](path, ORDERS)}"


@pytest.mark.parametrize("kind", ["csv", "gb", "crlf", "jsonl", "parquet", "xlsx"])
def test_every_kind_of_file_gives_the_same_rows(work: Workspace, kind: str) -> None:
    data = load(work, cases_file(), _orders(kind))
    loaded = data.tables["医嘱"]
    assert (loaded.rows, loaded.orphans, loaded.keyless, loaded.unreadable) == (4, 1, 1, 1)
    found = rows(work, data, 0, "医嘱")
    assert [row["医嘱号"] for row in found] == ["A1", "A2", "A3"]
    assert found[0]["开始时间"] == Moment(datetime(2025, 1, 2, 8), datetime(2025, 1, 2, 8))
    assert found[0]["内容"] == "0.4g qd"
    assert found[2]["内容"] is None
    assert [row[ROW] for row in found] == ([1, 2, 3] if kind == "jsonl" else [2, 3, 4])
    assert rows(work, data, 3, "医嘱")[0]["状态"] is None  # 停了 is none of the category's values


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_rows_are_numbered_as_a_spreadsheet_shows_them(work: Workspace, ends: str) -> None:
    """A blank line is a row of its own; a cell with line breaks, blank ones too, is one row."""
    told = [
        order | {"内容": "一\n\n二\n三"} if at == 0 else order for at, order in enumerate(ORDERS)
    ]
    head, rest = csv_text(told).split("\n", 1)
    first, second = rest.split("\n1,A2", 1)
    path = Path("o.csv")
    text = f"{head}\n\n{first}\n\n\n1,A2{second}\n\n"
    path.write_bytes(text.replace("\n", ends).encode())
    data = load(work, cases_file(), f"医嘱={path}")
    assert [row[ROW] for row in rows(work, data, 0, "医嘱")] == [3, 6, 7]
    assert "第 9 行" in "\n".join(render(one) for one in data.warnings)
    assert [row["内容"] for row in rows(work, data, 0, "医嘱")][:2] == ["一二三", "滴眼"]


def test_lines_of_a_jsonl_file_are_counted_with_the_blank_ones(work: Workspace) -> None:
    path = write_jsonl(Path("o.jsonl"), ORDERS)
    lines = path.read_text("utf-8").split("\n")
    path.write_text("\n".join([lines[0], "", "  ", *lines[1:]]), "utf-8")
    data = load(work, cases_file(), f"医嘱={path}")
    assert [row[ROW] for row in rows(work, data, 0, "医嘱")] == [1, 4, 5]


def test_a_folder_with_a_file_a_table(work: Workspace) -> None:
    data = load(work, write_folder(Path("data")))
    assert {name: one.rows for name, one in data.tables.items()} == {"医嘱": 4, "病程": 2}


def test_a_workbook_with_a_sheet_a_table(work: Workspace) -> None:
    book = write_book(Path("all.xlsx"), {"病例": CASES, "orders": ORDERS, "别的": NOTES})
    data = load(work, book)
    assert {name: one.rows for name, one in data.tables.items()} == {"医嘱": 4}
    assert data.records.keys == ["1", "2", "3", "4"]
    [warning] = find_sources([str(book)], PROGRAM).warnings
    assert "没有用到“别的”" in render(warning)


def test_without_a_case_file_the_tables_keys_are_the_cases(work: Workspace) -> None:
    data = load(
        work,
        f"病程={write_csv(Path('n.csv'), NOTES)}",
        f"医嘱={write_csv(Path('o.csv'), ORDERS)}",
    )
    assert data.records.keys == ["1", "4", "9", "2"]  # as they come up, table by table
    assert (data.tables["医嘱"].orphans, data.tables["医嘱"].keyless) == (0, 1)
    assert data.records.display["科室"] == [None] * 4


def test_columns_are_found_by_any_of_their_names_and_extra_ones_are_left_alone(
    work: Workspace,
) -> None:
    renamed = [{"别的": "x"} | dict(row) for row in ORDERS]
    data = load(work, cases_file(), f"医嘱={write_csv(Path('o.csv'), renamed)}")
    assert data.tables["医嘱"].rows == 4


def test_a_limit_leaves_no_orphans(work: Workspace) -> None:
    data = load(work, cases_file(), f"医嘱={write_csv(Path('o.csv'), ORDERS)}", limit=1)
    assert data.records.keys == ["1"]
    assert (data.tables["医嘱"].rows, data.tables["医嘱"].orphans) == (3, 1)


def test_keys_match_whatever_their_width_and_spaces(work: Workspace) -> None:
    order = dict(ORDERS[0]) | {"住院号": " １ "}
    data = load(work, cases_file(), f"医嘱={write_csv(Path('o.csv'), [order])}")
    assert data.tables["医嘱"].rows == 1


def test_a_date_alone_is_its_whole_day_and_odd_writings_are_read(work: Workspace) -> None:
    written = ("2025-01-03", "2025/1/3 8:05", "2025年1月3日 08时05分", "20250103", "下周三", "")
    notes = [{"住院号": "1", "记录时间": text, "内容": "x"} for text in written]
    data = load(work, cases_file(), f"病程={write_csv(Path('n.csv'), notes)}")
    at = datetime(2025, 1, 3, 8, 5)
    day = Moment.of_day(at.date())
    expected = [day, Moment(at, at), Moment(at, at), day, None, None]
    assert [row["记录时间"] for row in rows(work, data, 0, "病程")] == expected
    assert data.tables["病程"].unreadable == 1


def test_stamps_without_signs_and_the_end_of_a_day_are_read(work: Workspace) -> None:
    written = (
        "20250103080530",
        "202501030805",
        "2025-01-03 24:00",
        "2025013124",
        "2025-01-03 24:01",
    )
    notes = [{"住院号": "1", "记录时间": text, "内容": "x"} for text in written]
    data = load(work, cases_file(), f"病程={write_csv(Path('n.csv'), notes)}")
    times = [datetime(2025, 1, 3, 8, 5, 30), datetime(2025, 1, 3, 8, 5), datetime(2025, 1, 4)]
    expected = [*(Moment(at, at) for at in times), None, None]
    assert [row["记录时间"] for row in rows(work, data, 0, "病程")] == expected
    assert data.tables["病程"].unreadable == 2


def test_a_column_may_be_cut_out_of_another(work: Workspace) -> None:
    data = load(work, cases_file(), f"病程={write_csv(Path('n.csv'), NOTES)}")
    assert rows(work, data, 0, "病程")[0]["结论"] == "好转"
    assert rows(work, data, 1, "病程")[0]["结论"] is None


def test_a_table_with_no_rows_is_there_and_one_not_given_is_not(work: Workspace) -> None:
    empty = write_csv(Path("n.csv"), [], names=["住院号", "记录时间", "内容"])
    data = load(work, cases_file(), f"病程={empty}")
    assert data.tables["病程"].rows == 0
    record = Cases(PROGRAM, data.records, work.connection, ("病程",)).one(0).record
    assert record[RowsOf("病程")] == ()
    assert RowsOf("医嘱") not in record


def test_values_typed_by_parquet_read_as_text_would(work: Workspace) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    at = datetime(2025, 1, 2, 8)
    table = pa.table(
        {"住院号": [1, 2], "记录时间": [at, None], "内容": [3.0, 0.1]},
    )
    pq.write_table(table, "n.parquet")
    data = load(work, cases_file(), "病程=n.parquet")
    [row] = rows(work, data, 0, "病程")
    assert (row["记录时间"], row["内容"]) == (Moment(at, at), "3")
    assert rows(work, data, 1, "病程")[0]["内容"] == "0.1"


# Bad input


def test_orphans_and_blank_keys_are_warned_of_by_row(work: Workspace) -> None:
    data = load(work, cases_file(), f"医嘱={write_csv(Path('o.csv'), ORDERS)}")
    said = "\n".join(render(one) for one in data.warnings)
    assert "QC418" in said
    assert "第 6 行" in said
    assert "QC419" in said
    assert "第 7 行" in said


BAD = {
    "unknown table": (lambda: "医属=x.csv", "QC415", "医嘱"),
    "missing file": (lambda: "医嘱=x.csv", "QC401", "x.csv"),
    "missing column": (
        lambda: f"病程={write_csv(Path('n.csv'), [{'住院号': '1', '记录时见': '', '内容': ''}])}",
        "QC409",
        "记录时见",
    ),
    "no case key": (
        lambda: f"病程={write_csv(Path('n.csv'), [{'住院号码': '1', '记录时间': '', '内容': ''}])}",
        "QC409",
        "住院号码",
    ),
    "empty": (lambda: _text(""), "QC409", "没有列名"),
    "empty lines": (lambda: _text("", "n.jsonl"), "QC409", "没有列名"),
    "empty sheet": (lambda: str(_book({"病程": []})), "QC409", "b.xlsx[病程]"),
    "missing column of a sheet": (
        lambda: str(_book({"病程": [{"住院号": "1", "内容": ""}]})),
        "QC409",
        "b.xlsx[病程]",
    ),
    "ragged": (lambda: _text("住院号,记录时间,内容\n1,2025-01-01\n"), "QC405", "第 2 行"),
    "open quote": (lambda: _text('住院号,记录时间,内容\n1,,"x\n2,,y\n'), "QC405", "引号"),
    "NUL": (lambda: _text("住院号,记录时间,内容\n1,,a\0b\n"), "QC404", "NUL"),
    "not JSON": (lambda: _text('{"住院号": "1"}\n{oops\n', "n.jsonl"), "QC407", "第 2 行"),
    "a name twice": (
        lambda: _text('{"住院号": "1", "记录时间": "", "内容": "", "内容": ""}\n', "n.jsonl"),
        "QC407",
        "内容",
    ),
    "damaged parquet": (lambda: _text("PAR1 no", "n.parquet"), "QC406", "Parquet"),
}


def _text(text: str, name: str = "n.csv") -> str:
    Path(name).write_text(text, "utf-8")
    return f"病程={name}"


def _book(sheets: dict[str, list[dict[str, str]]]) -> Path:
    return write_book(Path("b.xlsx"), {name: rows or [{}] for name, rows in sheets.items()})


@pytest.mark.parametrize("bad", BAD)
def test_bad_tables_are_refused_with_the_place(work: Workspace, bad: str) -> None:
    make, code, named = BAD[bad]
    said = refused(work, cases_file(), make())
    assert code in said
    assert named in said


def test_two_files_for_one_table_are_refused(work: Workspace) -> None:
    write_csv(Path("o.csv"), ORDERS)
    said = refused(work, cases_file(), "医嘱=o.csv", "orders=o.csv")
    assert "QC416" in said


def test_a_folder_without_anything_known_is_refused(work: Workspace) -> None:
    Path("d").mkdir()
    write_csv(Path("d/别的.csv"), CASES)
    said = refused(work, "d")
    assert "QC415" in said
    assert "医嘱" in said
    assert "别的" in said


def test_case_keys_that_fold_to_one_are_refused(work: Workspace) -> None:
    twice = write_csv(Path("c.csv"), [CASES[0], dict(CASES[1]) | {"住院号": "１"}])
    assert "QC412" in refused(work, twice, f"病程={write_csv(Path('n.csv'), NOTES)}")


def test_keys_that_excel_has_rounded_are_refused(work: Workspace) -> None:
    note: dict[str, Any] = dict(NOTES[0]) | {"住院号": 1234567890123456789.0}
    book = write_book(Path("n.xlsx"), {"x": [note]})
    assert "QC414" in refused(work, cases_file(), f"病程={book}")


# The place on disk


def test_the_workspace_is_private_and_gone_at_the_end(tmp_path: Path) -> None:
    stale = tmp_path / ".tables-run-old"
    stale.mkdir()
    other = tmp_path / ".tables-eval-live"
    other.mkdir()
    with workspace(tmp_path, "run") as work:
        assert stat.S_IMODE(work.folder.stat().st_mode) == 0o700
        assert not stale.exists()  # a killed run's
        assert other.exists()  # somebody else's
    assert [path.name for path in tmp_path.iterdir()] == [".tables-eval-live"]
