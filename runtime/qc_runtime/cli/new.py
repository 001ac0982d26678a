"""``qc new``: a starter rulebook from a few answers and the columns of a data file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text, tr
from qc_runtime.cli.options import safe_name, usage

if TYPE_CHECKING:
    from qc_runtime.starter.checks import Wanted
    from qc_runtime.starter.draft import Plan
    from qc_runtime.starter.sources import Data

Columns = Annotated[
    list[str],
    typer.Option("--same", metavar="A,B", help=tr("这两列应相同，可重复", "two equal columns")),
]
Written = Annotated[
    list[str],
    typer.Option(
        "--written", metavar="A", help=tr("这一列必须写，可重复", "a column to be written")
    ),
]
Within = Annotated[
    list[str],
    typer.Option(
        "--within",
        metavar="A,B,48小时",
        help=tr("B 应在 A 后这段时间内，可重复", "B follows A within this time, such as 48hours"),
    ),
]
Mentions = Annotated[
    list[str],
    typer.Option(
        "--mentions",
        metavar="A,WORD|WORD",
        help=tr("这一列应提到其中一个词，可重复", "a column that names one of these words"),
    ),
]


def new(
    data: Annotated[
        Path | None,
        typer.Option(
            help=tr("数据文件，或每表一个文件的文件夹", "a data file, or a folder of them")
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help=tr("写到哪里；已有的文件不动", "where to; never overwrites"))
    ] = None,
    title: Annotated[str | None, typer.Option(help=tr("规则集名称", "the title"))] = None,
    key: Annotated[str | None, typer.Option(help=tr("区分病例的列", "the key column"))] = None,
    department: Annotated[
        str | None, typer.Option(help=tr("科室列", "the department column"))
    ] = None,
    same: Columns = [],  # noqa: B006 (the command-line library copies it)
    written: Written = [],  # noqa: B006
    within: Within = [],  # noqa: B006
    mentions: Mentions = [],  # noqa: B006
    list_values: Annotated[
        bool,
        typer.Option(
            "--list-values",
            help=tr("把类别的值写进规则集", "write the values of categories into it"),
        ),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help=tr("不提问，用缺省的", "ask nothing"))
    ] = False,
) -> None:
    from qc_runtime.starter.defaults import default_checks, default_department, default_key
    from qc_runtime.starter.draft import Plan, draft
    from qc_runtime.starter.sources import INVENTED, look_at

    asked = tuple(_wanted(same, written, within, mentions))
    found = look_at(data) if data else INVENTED
    stem = data.resolve().stem if data else tr("规则集", "rulebook")
    path = out or Path(f"{safe_name(stem)}.yaml")
    _refuse_existing(path)
    plan = Plan(
        title=title or f"{stem}{tr('质控', ' checks')}",
        id=safe_name(path.stem) or "rulebook",
        key=key or default_key(found),
        department=department or default_department(found),
        wanted=asked,
        data=found,
        list_values=list_values,
    )
    if not yes:
        try:
            plan = _ask(plan, given=(title, key, department))
        except typer.Abort:
            zh = "没有回答完，什么也没有写；不想回答就加 --yes"
            raise QcError(
                usage(zh, "Not all answered, nothing written; --yes asks nothing")
            ) from None
    if not plan.wanted:
        checks = default_checks(found, plan.key, plan.department)
        plan = _with(plan, wanted=checks)
    text = draft(plan)
    _verify(path, text)
    _write(path, text)
    _say_what_next(path, data)


def _wanted(
    same: Sequence[str], written: Sequence[str], within: Sequence[str], mentions: Sequence[str]
) -> list[Wanted]:
    from qc_runtime.starter.checks import Wanted

    found = [Wanted("written", (one.strip(),)) for one in written]
    found += [Wanted("same", _cut(one, 2)) for one in same]
    for one in within:
        start, end, limit = _cut(one, 3)
        found.append(Wanted("within", (start, end), limit))
    for one in mentions:
        column, words = _cut(one, 2)
        found.append(Wanted("mentions", (column,), words))
    return found


def _cut(given: str, parts: int) -> tuple[str, ...]:
    found = tuple(part.strip() for part in given.replace("，", ",").split(","))
    if len(found) != parts or not all(found):
        zh, en = f"“{given}”应有 {parts} 部分，用逗号隔开", f"“{given}” needs {parts} parts"
        raise QcError(usage(zh, en))
    return found


def _with(plan: Plan, **changes: object) -> Plan:
    from dataclasses import replace

    return replace(plan, **changes)  # type: ignore[arg-type]


# Questions


def _ask(plan: Plan, given: Sequence[str | None]) -> Plan:
    """The plan with the user's answers; what was given as an option is not asked."""
    title, key, department = given
    columns = [column.column for column in plan.data.cases.columns]
    typer.echo(tr("病例的列：", "Columns of the cases: ") + "、".join(columns))
    for sheet in plan.data.tables:
        names = "、".join(f"{sheet.name}.{column.column}" for column in sheet.columns)
        typer.echo(tr(f"表 {sheet.name} 的列：", f"Columns of {sheet.name}: ") + names)
    if title is None:
        plan = _with(plan, title=_prompt(tr("规则集的名称", "Title"), plan.title))
    if key is None:
        plan = _with(plan, key=_column(tr("哪一列区分病例", "Key column"), plan.key, columns))
    if department is None:
        text = tr("哪一列是科室（没有写 无）", "Department column (none: -)")
        none = tr("无", "-")
        named = _column(text, plan.department or none, [*columns, none])
        plan = _with(plan, department=None if named == none else named)
    if not plan.wanted:
        plan = _with(plan, wanted=tuple(_ask_checks(plan.data)))
    return plan if plan.list_values else _with(plan, list_values=_ask_values(plan.data))


def _prompt(text: str, default: str | None = None) -> str:
    return str(typer.prompt(text, default=default, prompt_suffix=tr("：", ": "))).strip()


def _column(text: str, default: str | None, known: Sequence[str]) -> str:
    """A column's name; asked again until it is one."""
    while (answer := _prompt(text, default)) not in known:
        typer.echo(tr("没有这一列。可以写：", "No such column. There are: ") + "、".join(known))
    return answer


def _ask_checks(data: Data) -> list[Wanted]:
    from qc_runtime.starter.checks import Wanted

    known = [column.column for column in data.cases.columns]
    known += [f"{sheet.name}.{c.column}" for sheet in data.tables for c in sheet.columns]
    found: list[Wanted] = []
    menu = tr(
        "要查什么：1 必须写  2 两列相同  3 时限  4 提到某些词  0 没有了",
        "What to check: 1 written  2 two columns equal  3 time limit  4 words named  0 no more",
    )
    while True:
        answer = _prompt(menu, "0" if found else "1")
        if answer == "0":
            return found
        if answer == "1":
            found.append(Wanted("written", (_column(tr("哪一列", "Column"), None, known),)))
        elif answer == "2":
            found.append(Wanted("same", _two(known)))
        elif answer == "3":
            pair = _two(known)
            limit = _prompt(tr("多久以内", "Within"), tr("48小时", "48 hours"))
            found.append(Wanted("within", pair, limit))
        elif answer == "4":
            column = _column(tr("哪一列", "Column"), None, known)
            found.append(
                Wanted(
                    "mentions", (column,), _prompt(tr("哪些词，用 | 隔开", "Words, parted by |"))
                )
            )


def _two(known: Sequence[str]) -> tuple[str, str]:
    first = _column(tr("第一列（时限的起点）", "First column (where time begins)"), None, known)
    return first, _column(tr("第二列", "Second column"), None, known)


def _ask_values(data: Data) -> bool:
    """Whether the values of what looks like a category may be written into the rulebook."""
    sheets = (data.cases, *data.tables)
    few = [c for sheet in sheets for c in sheet.columns if c.values]
    if not few:
        return False
    listed = "、".join(f"{c.column}（{len(c.values)}）" for c in few)
    return typer.confirm(
        tr(
            f"这些列只有几种短的值：{listed}。把这些值写进规则集吗？里面不能有病人信息",
            f"These columns have a few short values: {listed}. Write the values into the rulebook?",
        ),
        default=False,
    )


# Writing


def _refuse_existing(path: Path) -> None:
    if path.exists():
        message = Text("这个文件已经有了，不覆盖", "The file is there already; it is left alone")
        help_ = Text("请用 --out 写另一个文件名", "Name another with --out")
        place = Text(str(path), str(path))
        raise QcError(Diagnostic("QC611", message, help=help_, place=place))


def _verify(path: Path, text: str) -> None:
    """What is written must pass `qc check`. Raises `QcError`."""
    from qc_compiler.analyse import analyse
    from qc_compiler.pipeline import read_and_compile
    from qc_dsl.source import Source

    rulebook, program = read_and_compile(Source(str(path), text))
    if errors := [d for d in analyse(program, rulebook) if d.severity == "error"]:
        raise QcError(*errors)


def _write(path: Path, text: str) -> None:
    from qc_runtime.report.atomic import unwritable

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        _refuse_existing(path)
    except OSError as error:
        raise QcError(unwritable(path, error)) from None


def _say_what_next(path: Path, data: Path | None) -> None:
    typer.echo(tr(f"→ {path}。请打开看过、改好，然后：", f"→ {path}. Read it, mend it, then:"))
    typer.echo(f"  qc check {path}")
    typer.echo(f"  qc test {path} --no-model")
    if data is not None:
        typer.echo(f"  qc run {path} --data {data} --no-model")
