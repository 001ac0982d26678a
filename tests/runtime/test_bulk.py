"""Data judged part by part: the same outcomes as in one piece."""

from __future__ import annotations

import csv
import json
import shutil
import stat
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qc_runtime.bulk.whole import check_all, gathered, whole
from support import bulk
from support.bulk import (
    Bulk,
    cases,
    contents,
    home,
    outcomes,
    plainly,
    summary,
    write_dataset,
)
from support.qc import qc
from support.s3 import object_storage

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("home")
__all__ = ["home"]


def test_parts_give_what_one_piece_gives_in_the_same_order(tmp_path: Path) -> None:
    rows = cases(530)
    write_dataset(tmp_path / "data", rows, files=3)
    whole_file = write_dataset(tmp_path / "one", rows) / "000.parquet"
    run = Bulk.of([tmp_path / "data"], tmp_path / "out", 70)
    assert len(run.job.plan.parts) == 8
    run.run()
    plain = plainly(bulk.RULEBOOK, whole_file, tmp_path)
    assert outcomes(tmp_path / "out") == plain
    assert {row["status"] for row in plain} == {"decided", "data_missing", "needs_review"}
    files = sorted((tmp_path / "out" / "outcomes").glob("*.parquet"))
    keys = [key for file in files for key in pq.read_table(file).column("key").to_pylist()]
    assert keys == [row["住院号"] for row in rows]


@pytest.mark.parametrize("as_parquet", [False, True])
def test_cases_with_related_tables_give_what_one_piece_gives(
    tmp_path: Path, as_parquet: bool
) -> None:
    """Rows find their cases although their keys are written otherwise, in parts by their hash."""
    rulebook, tables = ROOT / "rulebooks" / "antibiotic_notes.yaml", ROOT / "examples/antibiotics"
    data = tables / "tables"
    ran = qc("run", rulebook, "--data", data, "--no-model", "--out", "plain")
    assert ran.code == 0, ran.err
    if as_parquet:
        data = _as_datasets(data, tmp_path / "data")
    bulk_ = ["--bulk", "--part-size", 20, "--out", "parts"]
    ran = qc("run", rulebook, "--data", data, "--no-model", *bulk_)
    assert ran.code == 0, ran.err
    lines = Path("plain", "outcomes.jsonl").read_text("utf-8").splitlines()
    plain = sorted(map(json.loads, lines), key=lambda row: row["key"])
    assert outcomes(Path("parts")) == plain
    assert any(row["findings"] for row in plain)
    one, many = summary("plain"), summary("parts")
    for differs in ("data", "started", "finished", *(["tables"] if as_parquet else [])):
        one.pop(differs), many.pop(differs)
    assert many == one


TYPED = """
规则集: 各种类型
编号: typed
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 号}
字段:
  号: {}
  科室: {}
  年龄: {类型: 数字}
  入院: {类型: 时间}
  生日: {类型: 日期}
  手术: {类型: 列表}
表:
  医嘱: {时间: 时间, 列: {时间: 时间, 药品: 文本, 量: 数字, 备注: 文本}}
规则:
  及时: 每条 医嘱：须 时间 在 入院 后 2 天内，否则 缺陷 “{药品} {量} {备注} {时间} {生日}” 扣 1 分
  成年: 须 年龄 大于 17 且 手术 包含 “乙”，否则 缺陷 “{手术} {科室} {年龄}” 扣 2 分
"""


@pytest.mark.parametrize("with_rows", [True, False])
def test_typed_columns_mean_in_parts_what_they_mean_in_one_piece(
    tmp_path: Path, with_rows: bool
) -> None:
    Path("typed.yaml").write_text(TYPED, "utf-8")
    data = tmp_path / "data"
    data.mkdir()
    zone = pa.timestamp("ns", "Asia/Shanghai")
    stamps = [1735891500000000001 + n * 10**13 for n in range(9)]
    typed = {
        "号": pa.array(range(9), pa.int64()),
        "科室": pa.array(["外", None, "内"] * 3).dictionary_encode(),
        "年龄": pa.array([1.5, None, 60.0, float("nan"), 18.0, 17.0, 3.0, 99.0, 0.0]),
        "入院": pa.array(stamps, zone),
        "生日": pa.array([datetime(2000, 1, n + 1).date() for n in range(9)]),
        "手术": pa.array([["甲", "乙"], None, [], ["乙"]] * 2 + [["丙"]]),
    }
    pq.write_table(pa.table(typed), data / "病例.parquet", row_group_size=4)
    orders = {
        "号": pa.array([float(n % 10) for n in range(20)]),
        "时间": pa.array([stamps[n % 9] + n * 3 * 10**13 for n in range(20)], zone),
        "药品": pa.array(["莫西沙星", "头孢"] * 10).dictionary_encode(),
        "量": pa.array([n / 4 for n in range(20)], pa.float32()),
        "备注": pa.array([{"次": n} if n % 3 else None for n in range(20)]),
    }
    pq.write_table(pa.table(orders), data / "医嘱.parquet", row_group_size=7)
    given_ = ["--data", data] if with_rows else ["--data", data / "病例.parquet"]
    run = ["run", "typed.yaml", *given_, "--no-model", "--out"]
    assert qc(*run, "plain").code == 0
    assert qc(*run, "parts", "--bulk", "--part-size", 2).code == 0
    lines = Path("plain", "outcomes.jsonl").read_text("utf-8").splitlines()
    plain = sorted(map(json.loads, lines), key=lambda row: row["key"])
    assert outcomes(Path("parts")) == plain
    assert any(row["findings"] for row in plain)
    one, many = summary("plain"), summary("parts")
    assert many["by_rule_status"] == one["by_rule_status"]
    counts = ("rows", "orphans", "keyless", "unreadable")
    for name, table in one["tables"].items():
        assert {n: many["tables"][name][n] for n in counts} == {n: table[n] for n in counts}


def _as_datasets(folder: Path, made: Path) -> Path:
    """Every table as a folder of several Parquet files, the orders' case keys in full width."""
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [{k: v or None for k, v in row.items()} for row in csv.DictReader(file)]
        if path.stem == "医嘱":
            rows = [row | {"住院号": wide(row["住院号"])} for row in rows]
        write_dataset(made / path.stem, rows, files=3, group=7)
    return made


def wide(text: str | None) -> str | None:
    return text and "".join(chr(ord(ch) + 0xFEE0) if "!" <= ch <= "~" else ch for ch in text)


def test_a_folder_of_parquet_is_judged_in_parts_without_being_told(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", cases(50))
    ran = qc("run", bulk.RULEBOOK, "--data", data, "--no-model", "--part-size", 20, "--out", "o")
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in Path("o").iterdir()) == [
        "answers.sqlite", "findings.xlsx", "outcomes", "plan.json", "summary.json",
    ]  # fmt: skip
    assert len(list(Path("o", "outcomes").glob("part-*.parquet"))) == 3
    assert "合计" in ran.out
    files = [path for path in Path("o").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert summary("o")["records"] == 50


def test_a_plain_file_is_not_and_can_be_asked_to(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data", cases(30))
    shutil.move(tmp_path / "data" / "000.parquet", "one.parquet")
    run = ["run", bulk.RULEBOOK, "--data", "one.parquet", "--no-model", "--out"]
    assert qc(*run, "a").code == 0
    assert Path("a", "outcomes.jsonl").exists()
    assert qc(*run, "b", "--bulk").code == 0
    assert Path("b", "outcomes").is_dir()


def test_csv_can_be_judged_in_parts_in_its_order(tmp_path: Path) -> None:
    lines = [f"P{number},外科,甲{number % 9},乙" for number in range(45)]
    text = "住院号,科室,术前术式,手术记录\n" + "\n".join(lines) + "\n"
    Path("data.csv").write_bytes(text.encode("gb18030"))
    run = Bulk.of(["data.csv"], tmp_path / "out", 20)
    reports = run.run()
    assert [report.rows for report in reports] == [20, 20, 5]
    first = pq.read_table(tmp_path / "out" / "outcomes" / "part-00001.parquet")
    assert first.column("key").to_pylist() == [f"P{number}" for number in range(20)]
    assert outcomes(tmp_path / "out") == plainly(bulk.RULEBOOK, Path("data.csv"), tmp_path)


def test_blank_rows_are_no_records_and_are_accounted_for(tmp_path: Path) -> None:
    blank = dict.fromkeys(cases(1)[0])
    rows = [*cases(10), *[blank] * 10, *cases(5, 10)]
    run = Bulk.of([write_dataset(tmp_path / "data", rows)], tmp_path / "out", 10)
    reports = run.run()
    assert [report.blank for report in reports] == [0, 10, 0]
    about, _ = gathered([run.job.out])
    check_all(about, reports)
    assert whole(about, reports).summary["records"] == 15


# Object storage


def test_records_come_from_and_outcomes_go_to_object_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    data = write_dataset(tmp_path / "data", cases(150), files=2)
    run = ["run", bulk.RULEBOOK, "--no-model", "--part-size", 40]
    assert qc(*run, "--data", data, "--out", "here").code == 0
    with object_storage() as storage:
        for path in data.iterdir():
            storage.objects[f"病例/{path.name}"] = path.read_bytes()
        out = storage.address("结果/一月")
        again = [*run, "--data", storage.address("病例"), "--out", out]
        assert qc(*again).code == 0
        kept = {name.rpartition("/")[2]: one for name, one in storage.objects.items()}
        for name, content in contents(Path("here")).items():
            assert kept[name] == content
        one, two = summary("here"), json.loads(kept["summary.json"])
        assert two["by_status"] == one["by_status"]
        assert two["data"] == "s3://data/病例"  # no options, no credentials
        before = len(storage.asked)
        assert qc(*again).code == 0  # all is there: nothing is judged or written but the summary
        written = [one for one in storage.asked[before:] if one.startswith(("PUT", "POST"))]
        assert not [one for one in written if "part-" in one]
    assert not list(tmp_path.glob("s3:*"))  # no folder of that name
