"""``qc diff``: what a change of a rulebook does to the records, before any model time is spent."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qc_dsl.errors import QcError
from qc_dsl.lang import Text, tr
from qc_runtime.cli.data import Data as Read
from qc_runtime.cli.data import read_cases, read_tables
from qc_runtime.cli.kept import say
from qc_runtime.cli.options import Connect, Data, Limit, with_model

if TYPE_CHECKING:
    from qc_compiler.difference import Difference
    from qc_runtime.workbench.diffing import Compared
    from qc_runtime.workbench.diffing_codes import Side

_WORDS = {
    "pending": Text("要问模型", "asks the model"),
    "data_missing": Text("资料缺失", "data missing"),
    "needs_review": Text("待人工", "for a person"),
    "exempt": Text("不涉及", "exempt"),
    "met": Text("已满足", "met"),
    "violated": Text("缺陷", "finding"),
    "open": Text("未定", "open"),
    "": Text("没有缺陷", "no finding"),
}
_EXAMPLES = 3  # of each kind of change, those explained
_KEYS = 1000  # of each kind, those in the JSON
Version = Annotated[
    str,
    typer.Argument(
        metavar="RULEBOOK",
        help=tr("规则集文件，或 提交:路径", "a rulebook file, or COMMIT:PATH"),
    ),
]


@with_model
def diff(
    a: Version,
    b: Version,
    data: Data,
    connect: Connect,
    limit: Limit = None,
    as_json: Annotated[bool, typer.Option("--json", help=tr("输出 JSON", "print JSON"))] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help=tr("查这次运行已有的回答", "answers of this run")),
    ] = None,
) -> None:
    from qc_compiler.difference import difference, reads_the_same
    from qc_runtime.offpeak.interactive import interactive
    from qc_runtime.workbench.diffing import compare
    from qc_runtime.workbench.diffing_codes import Side
    from qc_runtime.workbench.versions import compile_version

    old, new = compile_version(a), compile_version(b)
    with interactive(), ExitStack() as stack:
        read: dict[str, Read] = {}
        for name, program in (("new", new), ("old", old)):
            if name == "old" and reads_the_same(old, new):
                read["old"] = read["new"]
                continue
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qc-")))
            given = read_cases(program, data, limit)
            read[name] = stack.enter_context(read_tables(given, folder, name))
        sides = tuple(
            Side(program, read[name].records, read[name].database)
            for name, program in (("old", old), ("new", new))
        )
        if sides[0].records.keys != sides[1].records.keys:
            from qc_runtime.cli.options import usage

            raise QcError(usage("两个版本的主键不同，不能比", "The versions' keys differ"))
        found = compare(*sides)
        changed = difference(old, new)
        answered = _answered(found, connect, out or Path("out") / new.id)
        if as_json:
            content = _content(sides, found, changed, answered)
            typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
            return
        for line in (*_changed(changed), *_outcomes(sides, found), *_asked(found, answered)):
            typer.echo(line)


def _answered(found: Compared, connect: Connect, out: Path) -> int | None:
    """How many questions are answered already, here or in the cache; `None`: no model is named."""
    from qc_runtime.cache import CacheFile, cache_path
    from qc_runtime.store import AnswerStore

    if not found.after or connect is None:
        return None
    identity = _identity(connect)
    if identity is None:
        return None
    digests = {request.digest(identity) for request in found.requests()}
    known: set[str] = set()
    try:
        if cache_path().exists():
            with CacheFile(cache_path()) as cache:
                known |= cache.created(digests).keys()
        if (out / "answers.sqlite").exists():
            with AnswerStore(out / "answers.sqlite") as store:
                known |= store.get_many(digests).keys()
    except QcError as error:  # it only helps to foretell
        for diagnostic in error.diagnostics:
            say(diagnostic)
    return len(known)


def _identity(connect: Callable[[], Any]) -> str | None:
    try:
        backend = connect()
    except QcError:
        return None
    try:
        return str(backend.identity)
    finally:
        backend.close()


def _changed(changed: Difference) -> Iterator[str]:
    if changed.is_empty:
        yield tr("两个版本意思相同", "Both versions mean the same")
        return
    listed = {
        tr("改动的规则", "rules changed"): changed.changed,
        tr("新增的规则", "rules added"): changed.added,
        tr("删去的规则", "rules removed"): changed.removed,
        tr("改动的问题", "questions changed"): changed.questions,
    }
    for head, names in listed.items():
        if names:
            yield f"{head}{tr('：', ': ')}{tr('、', ', ').join(names)}"
    if changed.otherwise:
        yield tr("“其余”有改动", "“otherwise” changed")


def _outcomes(sides: Sequence[Side], found: Compared) -> Iterator[str]:
    """Each kind of change with its records, a few of them explained."""
    total, moved = len(sides[0].records), len(found.changes.records)
    yield tr(f"{total} 例中 {moved} 例的结果有变", f"{moved} of {total} records change")
    for (old, new), numbers in _by_size(found.changes.verdicts):
        yield f"  {_word(old)} → {_word(new)}{tr('：', ': ')}{_records(len(numbers))}"
        for number in numbers[:_EXAMPLES]:
            yield from _example(sides, number, None, None)
    for (rule, old, new), rows in _by_size(found.changes.duties):
        count = _records(len({one.number for one in rows}))
        many = tr(f"，{len(rows)} 行", f", {len(rows)} rows") if len(rows) > 1 else ""
        yield f"  {rule}{tr('：', ': ')}{_word(old)} → {_word(new)}{tr('：', ': ')}{count}{many}"
        for one in rows[:_EXAMPLES]:
            yield from _example(sides, one.number, rule, one.row)


def _by_size(groups: dict[Any, list[Any]]) -> list[tuple[Any, list[Any]]]:
    return sorted(groups.items(), key=lambda item: -len(item[1]))


def _records(count: int) -> str:
    return tr(f"{count} 例", f"{count} record{'s' * (count != 1)}")


def _word(name: str) -> str:
    return str(_WORDS.get(name, name))


def _example(
    sides: Sequence[Side], number: int, rule: str | None, row: int | None
) -> Iterator[str]:
    from qc_runtime.cli.diff_why import why

    yield f"    {sides[0].program.key} {sides[0].records.keys[number]}"
    for line in why(sides, number, rule, row):
        yield f"      {line}"


def _asked(found: Compared, answered: int | None) -> Iterator[str]:
    """How many questions more or fewer, and how many of them cost nothing."""
    after = found.after
    if not found.before and not after:
        yield tr("两个版本都不问模型", "Neither version asks the model")
        return
    said = f"{found.before} → {after}"
    more = after - found.before
    yield tr(
        f"要问模型的问题（相同的只算一次）：{said}（{more:+d}），其中新的 {found.new}",
        f"questions (identical ones once): {said} ({more:+d}), {found.new} new",
    )
    if answered is None:
        yield tr(
            "没有指明模型，不知道哪些已有回答", "No model named: what is answered is not known"
        )
    else:
        yield tr(
            f"已有回答 {answered}，还要问 {after - answered}",
            f"{answered} answered already, {after - answered} to be asked",
        )


def _content(
    sides: Sequence[Side], found: Compared, changed: Difference, answered: int | None
) -> dict[str, Any]:
    keys = sides[0].records.keys
    return {
        "records": len(keys),
        "changed": len(found.changes.records),
        "rules": {
            "changed": changed.changed,
            "added": changed.added,
            "removed": changed.removed,
            "otherwise": changed.otherwise,
            "questions": changed.questions,
        },
        "outcomes": [
            {"from": old, "to": new, "n": len(numbers), "keys": [keys[n] for n in numbers[:_KEYS]]}
            for (old, new), numbers in _by_size(found.changes.verdicts)
        ],
        "obligations": [
            {
                "rule": rule,
                "from": old,
                "to": new,
                "rows": len(rows),
                "keys": list(dict.fromkeys(keys[one.number] for one in rows))[:_KEYS],
            }
            for (rule, old, new), rows in _by_size(found.changes.duties)
        ],
        "questions": {
            "before": found.before,
            "after": found.after,
            "new": found.new,
            "answered": answered,
        },
    }
