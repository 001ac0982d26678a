"""The command line. Importing it is light: every command imports what it needs when it runs."""

from __future__ import annotations

import sys
from importlib import metadata

import typer

from qc_dsl.errors import QcError, render
from qc_dsl.lang import tr
from qc_runtime.cli import cases, check, compile_, eval_, explain, model, run

app = typer.Typer(
    name="qc",
    help=tr("病历质控规则集：检查、运行、评估", "Rulebooks that judge medical records"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run", help=tr("用规则集判断一份数据", "Judge a data file by a rulebook"))(run.run)
app.command("check", help=tr("检查规则集有无错误", "Check rulebooks for mistakes"))(check.check)
app.command("test", help=tr("运行规则集自带的测试", "Run a rulebook's own tests"))(cases.run_tests)
app.command(
    "eval", help=tr("与标注比较，计算准确率", "Compare with labels: accuracy and disagreements")
)(eval_.evaluate)
app.command("explain", help=tr("逐句说明一个病例的判断", "Explain one record, clause by clause"))(
    explain.explain
)
app.command(
    "compile", help=tr("查看编译的每个阶段", "Show what a rulebook compiles to, stage by stage")
)(compile_.compile_)
app.add_typer(model.app, name="model", help=tr("管理语言模型文件", "Manage model files"))


@app.command("version", help=tr("显示版本", "Show the versions"))
def version() -> None:
    typer.echo(f"qc {metadata.version('qc-rulebook')} (Python {sys.version.split()[0]})")
    for name in ("llama-cpp-python", "duckdb", "lark"):
        try:
            typer.echo(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            typer.echo(f"{name} " + tr("未安装", "not installed"))


def main() -> None:
    """Run a command. A user's mistake is shown as such and ends with exit code 2."""
    try:
        app()
    except QcError as error:
        for diagnostic in error.diagnostics:
            typer.echo(render(diagnostic), err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo(tr("已停止", "Stopped"), err=True)
        sys.exit(130)
    except SystemExit as done:
        # The command-line library ends a run whose reader went away with 1, which to us means
        # “errors were found”: say what a shell says of a closed pipe instead.
        if type(sys.stdout).__name__ == "PacifyFlushWrapper":
            sys.exit(141)
        raise done
