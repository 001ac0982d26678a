"""Evidence in words, for workbooks and for ``qc explain``."""

from __future__ import annotations

from qc_compiler.found import Searched, Window
from qc_dsl.lang import Text, tr
from qc_runtime.outcome import Evidence

WHOLE_RECORD = Text("整份病历", "Whole record")  # what a finding of the case itself is about
_BLANK = Text("未填写", "blank")


def evidence_text(one: Evidence) -> str:
    """危急值.接收时间：“09:16”，范围 09:00 至 09:15"""
    return one.field + tr("：", ": ") + _said(one)


def _said(one: Evidence) -> str:
    if one.rows:
        return rows_text(one.rows, one.window)
    quoted = f"“{one.quote}”" if one.quote else str(_BLANK)
    return quoted + (tr("，范围 ", ", window ") + window_text(one.window) if one.window else "")


def window_text(window: Window) -> str:
    """2025-04-10 09:00 至 2025-04-10 15:00"""
    start, end = window.start, window.end
    if start is None or end is None:
        return tr(f"{end} 以前", f"before {end}") if end else tr(f"{start} 以后", f"after {start}")
    return start if start == end else tr(f"{start} 至 {end}", f"{start} to {end}")


def rows_text(rows: Searched, window: Window | None) -> str:
    """共 3 行，符合 0 行；范围 … 内 0 行，之前最近 …，之后最近 …"""
    said = tr(f"共 {rows.total} 行，符合 {rows.met} 行", f"{rows.total} rows, {rows.met} meet it")
    if rows.unknown:
        said += tr(f"，不能确定 {rows.unknown} 行", f", {rows.unknown} unknown")
    return said if window is None else f"{said}{tr('；', '; ')}{inside_text(rows, window)}"


def inside_text(rows: Searched, window: Window) -> str:
    """范围 … 内 0 行，之前最近 …，之后最近 …"""
    span = window_text(window)
    said = tr(f"范围 {span} 内 {rows.inside} 行", f"{rows.inside} in the window {span}")
    if rows.unclear:
        said += tr(f"（另有 {rows.unclear} 行不能确定）", f" ({rows.unclear} more may be)")
    if rows.before:
        said += tr(f"，之前最近 {rows.before}", f", nearest before: {rows.before}")
    if rows.after:
        said += tr(f"，之后最近 {rows.after}", f", nearest after: {rows.after}")
    return said
