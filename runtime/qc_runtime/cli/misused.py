"""A command that is written wrongly, said as every other mistake is: in the user's language.

The command-line library says it in English, and names no near option in its own words.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from qc_dsl.errors import Diagnostic, QcError, did_you_mean
from qc_dsl.lang import Text

UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # what is said of any command


class Commands(TyperGroup):
    """A group of commands: without one it shows its help, and it names those near a wrong one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(2)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            message = Text(f"没有命令 {args[0]}", f"There is no command {args[0]}")
            near = did_you_mean(args[0], self.list_commands(ctx))
            raise QcError(Diagnostic("QC611", message, help=near))
        return super().resolve_command(ctx, args)


def diagnosed(error: Exception) -> Diagnostic:
    """What is wrong with the command, and how it is written."""
    found: Any = error
    message, help_ = _said(found)
    return Diagnostic("QC611", message, help=help_ or _how(found.ctx))


def _said(found: Any) -> tuple[Text, Text | None]:
    said = found.message.removeprefix("Value error, ").rstrip(".")
    param = getattr(found, "param", None)
    if hasattr(found, "possibilities"):
        name = found.option_name
        return Text(f"没有选项 {name}", f"There is no option {name}"), _near(name, found.ctx)
    if param is not None and hasattr(found, "param_type"):
        name = _name(param)
        return Text(f"缺少 {name}", f"{name} is missing"), _written(param, found.ctx)
    if param is not None:
        name = _name(param)
        message = Text(f"{name} 的值不对", f"The value of {name} is wrong: {said}")
        return message, _written(param, found.ctx)
    if option := getattr(found, "option_name", None):
        zh = "后面要写值" if "requires" in said else "不带值"
        return Text(f"选项 {option} {zh}", said), None
    return Text("命令里有多余的或写错的部分", said), None


def _near(name: str, ctx: Any) -> Text | None:
    known = [option for param in ctx.command.params for option in param.opts] if ctx else []
    return did_you_mean(name, [option for option in known if option.startswith("-")])


def _name(param: Any) -> str:
    return str(param.get_error_hint()).strip("'")


def _written(param: Any, ctx: Any) -> Text:
    """How it is written, and what for: as in the help, which is in the user's language."""
    how, what = param.get_help_record(ctx)
    return Text(f"写作 {how}：{what}", f"Write {how}: {what}")


def _how(ctx: Any) -> Text:
    path = ctx.command_path if ctx else "qc"
    return Text(f"{path} --help 列出怎样写", f"{path} --help shows how it is written")
