"""Random conditions, rulebooks and records, drawn so that they often touch each other."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from qc_compiler import ir
from qc_compiler.lower import Lowering
from qc_compiler.program import Arm, Kind, Level, Program, Question, Verdict
from qc_compiler.resolve import Scope
from qc_compiler.simplify import simplify
from qc_compiler.terms import Terms
from qc_compiler.values import Field, FieldType, Raw
from qc_dsl import ast
from qc_dsl.ast import Op
from qc_dsl.fold import fold
from qc_dsl.lexicon import Lexicon
from qc_dsl.source import Source, Span

NOWHERE = Span(Source("<test>", " "), 0, 1)

FIELDS = (
    Field("编号", FieldType.TEXT, ("编号",)),
    Field("甲文", FieldType.TEXT, ("甲文",)),
    Field("乙文", FieldType.TEXT, ("乙文",)),
    Field("类", FieldType.CATEGORY, ("类",), values=("左", "A", "痔切除术")),
    Field("列", FieldType.LIST, ("列",), separator="+"),
    Field("另列", FieldType.LIST, ("另列",), separator=";"),
    Field("数", FieldType.NUMBER, ("数",)),
    Field("另数", FieldType.NUMBER, ("另数",)),
    Field("日", FieldType.DATE, ("日",)),
    Field("另日", FieldType.DATE, ("另日",)),
    Field("时", FieldType.DATETIME, ("时",)),
    Field("另时", FieldType.DATETIME, ("另时",)),
)
TERMS = {"手术词": Terms.of(("左=右侧", "宫腔镜", "痔切除术=痔", "切除"))}
_LEFT = ast.Literal("左", "text", span=NOWHERE)
PHRASES: dict[str, ast.Condition] = {
    "是左侧": ast.Predicate(ast.Name("甲文", span=NOWHERE), Op.CONTAINS, (_LEFT,), span=NOWHERE)
}
SCOPE = Scope({field.name: field for field in FIELDS}, TERMS, PHRASES)
VERDICTS = ("匹配", "不匹配", "不适用")
LEXICON = Lexicon(tuple(SCOPE.fields), tuple(TERMS), tuple(PHRASES), VERDICTS)

_TEXTUAL = ("甲文", "乙文", "类", "列", "另列")
_NUMBERS = ("数", "另数")
_TIMES = ("日", "另日", "时", "另时")
_FRAGMENTS = (
    "痔", "切除术", "宫腔镜", "A", "Ａ", "a", "，", ",", "“", "”", "'", "😀", "左", "右", "双侧",
    "é", "é", "%", "_", "\\", "--", "检查", "１", "1", "。", "「", "（", "C T", "\u200b",
)  # fmt: skip
_DAYS = ("2025-01-03", "2025/1/4", "2025年1月5日")
_TIMES_OF_DAY = ("2025-01-03 00:00", "2025-01-03 08:30", "2025-01-04 23:59:59", "2025-01-05 00:00")

words = st.lists(st.sampled_from(_FRAGMENTS), min_size=1, max_size=3).map("".join)
texts = words.filter(fold)
numbers = st.sampled_from(("0", "1", "-1", "2.5", "60", "0.1", "1000000"))
moments = st.sampled_from(_DAYS + _TIMES_OF_DAY)


def name(text: str) -> ast.Name:
    return ast.Name(text, span=NOWHERE)


def _literal(text: str) -> ast.Operand:
    return ast.Literal(text, "text", span=NOWHERE)


def _number(text: str) -> ast.Operand:
    return ast.Literal(text, "number", span=NOWHERE)


def _predicate(subject: str, op: Op, operands: tuple[ast.Operand, ...], join: str = "any"):
    return ast.Predicate(name(subject), op, operands, join, span=NOWHERE)  # type: ignore[arg-type]


@st.composite
def _about_text(draw: st.DrawFn) -> ast.Predicate:
    subject = draw(st.sampled_from(_TEXTUAL))
    op = draw(st.sampled_from((Op.EQ, Op.NE, Op.IN, Op.NOT_IN, Op.CONTAINS, Op.NOT_CONTAINS,
                               Op.CONTAINS_ANY, Op.CONTAINS_ALL)))  # fmt: skip
    if op in (Op.IN, Op.NOT_IN, Op.CONTAINS_ANY) and draw(st.booleans()):
        return _predicate(subject, op, (name("手术词"),))
    if op in (Op.EQ, Op.NE, Op.CONTAINS, Op.NOT_CONTAINS) and draw(st.booleans()):
        return _predicate(subject, op, (name(draw(st.sampled_from(_TEXTUAL))),))
    declared = SCOPE.fields[subject].values
    value = st.sampled_from(declared) if declared and op in _EXACT else texts
    many = 1 if op in (Op.NE, Op.NOT_CONTAINS) else 3
    values = draw(st.lists(value, min_size=1, max_size=many))
    join = "all" if op is Op.CONTAINS_ALL else "any"
    if op is Op.CONTAINS and len(values) > 1:
        join = draw(st.sampled_from(("any", "all")))
    return _predicate(subject, op, tuple(map(_literal, values)), join)


_EXACT = (Op.EQ, Op.NE, Op.IN, Op.NOT_IN)
_PATTERNS = ("左|右", "^痔", "切除术$", r"\d", "A.*术", r"[^左]", "(?i)a", "检查,")
_about_pattern = st.builds(
    lambda s, p: _predicate(s, Op.MATCHES, (_literal(p),)),
    st.sampled_from(_TEXTUAL),
    st.sampled_from(_PATTERNS),
)
_about_sides = st.builds(
    lambda a, b: _predicate(a, Op.SIDES_DIFFER, (name(b),)),
    st.sampled_from(_TEXTUAL),
    st.sampled_from(_TEXTUAL),
)
_about_terms = st.builds(
    lambda a, b: _predicate(a, Op.TERMS_DIFFER, (name(b), name("手术词"))),
    st.sampled_from(_TEXTUAL),
    st.sampled_from(_TEXTUAL),
)
_about_blank = st.builds(
    lambda s, op: _predicate(s, op, ()),
    st.sampled_from([field.name for field in FIELDS]),
    st.sampled_from((Op.IS_BLANK, Op.NOT_BLANK)),
)
_about_number = st.builds(
    lambda s, op, right: _predicate(s, op, (right,)),
    st.sampled_from(_NUMBERS),
    st.sampled_from((Op.EQ, Op.NE, Op.GT, Op.LT, Op.GE, Op.LE)),
    st.one_of(numbers.map(_number), st.sampled_from(_NUMBERS).map(name)),
)
_about_time = st.builds(
    lambda s, op, right: _predicate(s, op, (right,)),
    st.sampled_from(_TIMES),
    st.sampled_from((Op.EQ, Op.NE, Op.BEFORE, Op.AFTER, Op.NOT_BEFORE, Op.NOT_AFTER)),
    st.one_of(moments.map(_literal), st.sampled_from(_TIMES).map(name)),
)
predicates = st.one_of(
    _about_text(),
    _about_pattern,
    _about_sides,
    _about_terms,
    _about_blank,
    _about_number,
    _about_time,
)


def _compound(children: st.SearchStrategy[ast.Condition]) -> st.SearchStrategy[ast.Condition]:
    several = st.lists(children, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        children.map(lambda item: ast.Not(item, span=NOWHERE)),
        several.map(lambda items: ast.And(items, span=NOWHERE)),
        several.map(lambda items: ast.Or(items, span=NOWHERE)),
    )


conditions: st.SearchStrategy[ast.Condition] = st.recursive(
    st.one_of(predicates, st.just(ast.Phrase(name("是左侧"), span=NOWHERE))),
    _compound,
    max_leaves=5,
)
_verdict_names = st.sampled_from(VERDICTS).map(name)
sentences: st.SearchStrategy[ast.Sentence] = st.one_of(
    st.builds(ast.Gate, conditions, _verdict_names, span=st.just(NOWHERE)),
    st.builds(
        ast.Equivalence,
        st.none() | conditions,
        conditions,
        _verdict_names,
        st.none() | _verdict_names,
        span=st.just(NOWHERE),
    ),
)


def lower(condition: ast.Condition) -> ir.Expr:
    """The expression of a drawn condition, which is well typed by construction."""
    lowering = Lowering(SCOPE)
    expr = lowering.lower(condition)
    assert not lowering.errors, lowering.errors
    return expr


expressions = conditions.map(lower)

_cells: dict[FieldType, st.SearchStrategy[Raw]] = {
    FieldType.TEXT: st.one_of(st.none(), st.sampled_from(("", " ")), words),
    FieldType.CATEGORY: st.one_of(st.none(), st.sampled_from(("左", "Ａ", "痔切除术", "别的"))),
    FieldType.LIST: st.one_of(
        st.none(), st.lists(words, min_size=1, max_size=3).map("+".join),
        st.lists(words, min_size=1, max_size=3).map("；".join),
    ),
    FieldType.NUMBER: st.one_of(st.none(), numbers, st.just("１０"), st.just("很多")),
    FieldType.DATE: st.one_of(st.none(), moments, st.just("不详")),
    FieldType.DATETIME: st.one_of(st.none(), moments),
}  # fmt: skip
rows: st.SearchStrategy[dict[str, Raw]] = st.fixed_dictionaries(
    {field.name: _cells[field.type] for field in FIELDS if field.name != "编号"}
)


@st.composite
def tables(draw: st.DrawFn, count: int = 40) -> list[dict[str, Raw]]:
    """Rows put together from a few drawn cells of every field: many rows from little drawing."""
    pools = {f.name: draw(st.lists(_cells[f.type], min_size=2, max_size=6)) for f in FIELDS[1:]}
    pick = Random(draw(st.integers(0, 9)))
    return [{name: pick.choice(pool) for name, pool in pools.items()} for _ in range(count)]


def question(fields: tuple[str, ...] = ("甲文", "列")) -> Question:
    return Question(
        text="是否同一种手术？",
        fields=fields,
        labels=fields,
        criteria=(),
        answers=(("是", 0), ("否", 1)),
        codes=("A", "B"),
        examples=(),
        review_below=0.75,
        decide_at=0.5,
    )


def program(levels: tuple[Level, ...], otherwise: Question | int | None) -> Program:
    kinds = (Kind.PASS, Kind.FAIL, Kind.EXCLUDE)
    return Program(
        title="随机",
        id="random",
        version="1",
        basis="",
        verdicts=tuple(map(Verdict, VERDICTS, kinds)),
        key="编号",
        fields=FIELDS,
        rules=(),
        levels=levels,
        otherwise=otherwise,
        tests=(),
    )


_small = st.recursive(predicates, _compound, max_leaves=3).map(lower)
_arms = st.builds(
    lambda rule, expr, verdict: Arm(rule, simplify(expr), verdict),
    st.integers(0, 9),
    _small,
    st.integers(0, 2),
)
_levels = st.builds(
    Level,
    st.just("rules"),
    st.just(0),
    st.lists(_arms, min_size=1, max_size=3).map(tuple),
)
programs = st.builds(
    program,
    st.lists(_levels, max_size=3).map(tuple),
    st.one_of(st.none(), st.integers(0, 2), st.just(question())),
)
