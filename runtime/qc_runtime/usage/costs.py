"""What a way of running costs: a small model that a hospital fills with its own figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text

Range = tuple[float, float]  # from, to
_FIGURES = """\
# 成本模型：改成本单位的数字，用 qc usage --cost 文件 / Put your own figures here
currency: 元
life_months: 60            # 设备按几个月摊销 / months over which the deployment is written off
# manual_per_record: 2.0   # 人工核查一例多少钱；写了才算回本 / a person's cost a record
# records_per_month: 20000 # 不写则按用量记录推算 / else from the usage log
options:
  - name: 32B · 单卡
    deploy: 220000
    power_per_month: 280
  - name: 671B · 16–32 卡
    deploy: [3500000, 7000000]
    power_per_month: [4480, 8960]
"""


@dataclass(frozen=True)
class Option:
    """One way of running: what it costs once, and every month."""

    name: str
    deploy: Range
    power_per_month: Range


@dataclass(frozen=True)
class Costs:
    """``manual_per_record`` is what a person's check of one record costs; see `_FIGURES`."""

    currency: str
    life_months: float
    options: tuple[Option, ...]
    manual_per_record: float | None = None
    records_per_month: float | None = None


@dataclass(frozen=True)
class Cost:
    """An option at a number of records a month. ``break_even`` is in months."""

    name: str
    per_month: Range
    per_thousand: Range
    break_even: Range | None = None


def cost_of(option: Option, costs: Costs, records_per_month: float) -> Cost:
    """Deployment written off over its life, plus power.

    Break-even: the months until the work that people no longer do has paid the deployment;
    `None` without a figure for that work, or where it never does.
    """
    monthly = _each(lambda n: option.deploy[n] / costs.life_months + option.power_per_month[n])
    return Cost(
        option.name,
        monthly,
        _each(lambda n: monthly[n] / records_per_month * 1000),
        _break_even(option, costs, records_per_month),
    )


def _break_even(option: Option, costs: Costs, records_per_month: float) -> Range | None:
    saved = (costs.manual_per_record or 0.0) * records_per_month
    if saved <= max(option.power_per_month):
        return None
    return _each(lambda n: option.deploy[n] / (saved - option.power_per_month[n]))


def _each(of: Callable[[int], float]) -> Range:
    return of(0), of(1)


def read_costs(path: Path | None) -> Costs:
    """The figures of a YAML file, or the built-in ones. QC631 when it is not such a file."""
    import yaml

    if path is None:
        return _checked(yaml.safe_load(_FIGURES))
    try:
        return _checked(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        raise _wrong(path, _same(error.strerror or str(error))) from error
    except UnicodeDecodeError as error:
        raise _wrong(path, Text("不是 UTF-8", "it is not UTF-8")) from error
    except yaml.YAMLError as error:
        raise _wrong(path, _same(str(error).split("\n")[0])) from error
    except ValueError as error:  # pydantic's too
        raise _wrong(path, _first(error)) from error


_KINDS = {"missing": "缺少", "extra_forbidden": "没有这一项"}


def _first(error: ValueError) -> Text:
    """Where and what the first mistake is, without the value."""
    found: list[dict[str, Any]] = getattr(error, "errors", list)()
    if not found:
        return _same(str(error))
    where = ".".join(map(str, found[0]["loc"]))
    zh = _KINDS.get(found[0]["type"], "值不对")
    return Text(f"{where} {zh}".strip(), f"{where}: {found[0]['msg']}")


def _same(text: str) -> Text:
    return Text(text, text)


def _checked(said: object) -> Costs:
    from qc_runtime.usage.cost_file import CostFile

    read = CostFile.model_validate(said)
    options = tuple(Option(one.name, one.deploy, one.power_per_month) for one in read.options)
    return Costs(
        read.currency, read.life_months, options, read.manual_per_record, read.records_per_month
    )


def _wrong(path: Path, why: Text) -> QcError:
    return QcError(
        Diagnostic(
            "QC631",
            Text(f"成本文件不能用：{why.zh}", f"The cost file cannot be used: {why.en}"),
            place=Text(str(path), str(path)),
            help=Text(
                "写法见 docs/operations.md：currency、life_months、options（name、deploy、"
                "power_per_month；数或 [从, 到]）",
                "See docs/operations.md: currency, life_months, options (name, deploy, "
                "power_per_month; a number or [from, to])",
            ),
        )
    )
