"""The command line. Importing it is light: every command imports what it needs when it runs."""

from __future__ import annotations

import gc
import sys

import typer

from qc_dsl.errors import QcError, render
from qc_dsl.lang import tr
from qc_runtime.cli import (
    audit,
    bench,
    cache,
    cases,
    check,
    ci,
    compile_,
    coverage,
    diff,
    doctor,
    eval_,
    explain,
    fmt,
    lsp,
    merge,
    model,
    new,
    rule,
    run,
    schema,
    usage,
)
from qc_runtime.cli.misused import Commands, UsageError, diagnosed

app = typer.Typer(
    name="qc",
    cls=Commands,
    help=tr("病历质控规则集：检查、运行、评估", "Rulebooks that judge medical records"),
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run", help=tr("用规则集判断一份数据", "Judge a data file by a rulebook"))(run.run)
app.command("merge", help=tr("合并分批运行的结果", "Merge the results of shards"))(merge.merge)
app.command("check", help=tr("检查规则集有无错误", "Check rulebooks for mistakes"))(check.check)
app.command("fmt", help=tr("统一规则集的写法", "Put rulebooks in canonical spelling"))(fmt.fmt)
app.command("rule", help=tr("说明一个错误号，附例子", "Explain a diagnostic code, with examples"))(
    rule.rule
)
app.command("schema", help=tr("规则集 YAML 的 JSON Schema", "JSON Schema of a rulebook's YAML"))(
    schema.schema
)
app.command("test", help=tr("运行规则集自带的测试", "Run a rulebook's own tests"))(cases.run_tests)
app.command("coverage", help=tr("测试用到了规则的哪些条件", "Which clauses the tests exercise"))(
    coverage.coverage
)
app.command(
    "diff", help=tr("比较规则集的两个版本：谁的结果会变", "Compare two versions on the same data")
)(diff.diff)
app.command("ci", help=tr("检查、测试、覆盖一起做", "Check, test and coverage in one command"))(
    ci.ci
)
app.command(
    "eval", help=tr("与标注比较，计算准确率", "Compare with labels: accuracy and disagreements")
)(eval_.evaluate)
app.command("explain", help=tr("逐句说明一个病例的判断", "Explain one record, clause by clause"))(
    explain.explain
)
app.command(
    "compile", help=tr("查看编译的每个阶段", "Show what a rulebook compiles to, stage by stage")
)(compile_.compile_)
app.command(
    "doctor", help=tr("检查机器和模型：装得下什么，哪里要改", "Look at the machine and the model")
)(doctor.doctor)
app.command("bench", help=tr("测本机有多快，要跑多久", "Measure this machine"))(bench.bench)
app.command("usage", help=tr("逐小时的用量、节省和成本", "Usage by hour, savings and costs"))(
    usage.usage
)
app.command("new", help=tr("从数据的列写一个规则集的开头", "Write a starter rulebook"))(new.new)
app.command("lsp", help=tr("给编辑器用的语言服务", "The language server for editors"))(lsp.lsp)
app.add_typer(model.app, name="model", help=tr("管理语言模型文件", "Manage model files"))
app.add_typer(cache.app, name="cache", help=tr("管理共用的回答缓存", "Manage the answer cache"))
app.add_typer(audit.app, name="audit", help=tr("核对和查看审计记录", "Check the audit log"))


@app.command("version", help=tr("显示版本", "Show the versions"))
def version() -> None:
    from importlib import metadata

    typer.echo(f"qc {metadata.version('qc-rulebook')} (Python {sys.version.split()[0]})")
    for name in ("llama-cpp-python", "duckdb", "lark"):
        try:
            typer.echo(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            typer.echo(f"{name} " + tr("未安装", "not installed"))


# New objects before garbage is looked for: rulebooks are trees of very many, hardly any of
# them garbage, and looking each 700 takes a tenth of the time of reading a large one.
_OBJECTS = 200_000


def main() -> None:
    """Run a command. A user's mistake is shown as such and ends with exit code 2."""
    gc.set_threshold(_OBJECTS)
    try:
        sys.exit(app(standalone_mode=False))
    except QcError as error:
        for diagnostic in error.diagnostics:
            typer.echo(render(diagnostic), err=True)
        sys.exit(2)
    except UsageError as error:
        typer.echo(render(diagnosed(error)), err=True)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo(tr("已停止", "Stopped"), err=True)
        sys.exit(130)
    except SystemExit as done:
        # The command-line library ends a run whose reader went away with 1, which to us means
        # “errors were found”: say what a shell says of a closed pipe instead.
        if type(sys.stdout).__name__ == "PacifyFlushWrapper":
            sys.exit(141)
        raise done
