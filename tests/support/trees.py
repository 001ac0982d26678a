"""Random sentences of the whole language, over the names of `LEXICON`."""

from __future__ import annotations

from hypothesis import strategies as st

from qc_dsl import ast
from qc_dsl.ast import Op
from qc_dsl.lexicon import Lexicon
from qc_dsl.source import Source, Span

NOWHERE = Span(Source("<test>", " "), 0, 1)
LEXICON = Lexicon(
    fields=(
        "主诉", "现病史", "手术记录", "年龄", "入院时间", "出院时间", "主诉时长", "ward",
        "day of stay",
    ),
    terms=("外伤词", "抗菌药物", "抗菌药物.特殊使用级", "scopes"),
    phrases=("老年人", "day case"),
    verdicts=("合格", "缺陷", "not applicable"),
    tables=(
        ("医嘱", ("药品", "内容", "开始时间", "状态")),
        ("病程", ("内容", "记录时间", "标题")),
        ("vital signs", ("taken at", "体温", "内容")),
    ),
    questions=("伤因写清", "stated in full"),
)  # fmt: skip

_letters = st.sampled_from(
    (
        "痔", "且", "或", "须", "缺陷", "存在", "A", "b ", "“", "”", '"', "'", "，", "：", "。",
        "3 天", "(", ")", "、", "#", "扣 2 分", "\\", "\n  ", "{", "医嘱", "within", "&", "😀",
        "=", " ",
    )
)  # fmt: skip
texts = (
    st.lists(_letters, min_size=1, max_size=4).map("".join).filter(lambda text: text.strip())
).filter(lambda text: not ({"“", "”"} & set(text) and '"' in text))
_fields = st.sampled_from(LEXICON.values)
_columns = st.sampled_from((*LEXICON.values, *LEXICON.qualified))


def name(text: str) -> ast.Name:
    return ast.Name(text, span=NOWHERE)


def literal(text: str) -> ast.Literal:
    return ast.Literal(text, "text", span=NOWHERE)


names = _columns.map(name)
literals = texts.map(literal)
terms = st.sampled_from(LEXICON.terms).map(name)
numbers = st.builds(
    ast.Literal,
    st.sampled_from(("0", "1", "-1", "2.5", "60")),
    st.just("number"),
    span=st.just(NOWHERE),
)  # fmt: skip
counts = st.builds(
    ast.Literal, st.sampled_from(("0", "1", "12")), st.just("number"), span=st.just(NOWHERE)
)
_spans = st.sampled_from((1.0, 2.0, 0.5, 48.0, 30.0, 1234567.0, 0.001))
durations = st.builds(
    ast.Amount,
    _spans,
    st.sampled_from(("minute", "hour", "day", "week", "month", "year")),
    span=st.just(NOWHERE),
)
amounts = durations | st.builds(ast.Amount, _spans, st.just("calendar_day"), span=st.just(NOWHERE))
_compared = st.sampled_from((Op.EQ, Op.NE, Op.GT, Op.LT, Op.GE, Op.LE))


@st.composite
def _predicates(draw: st.DrawFn) -> ast.Predicate:
    """Every predicate with every kind of operand that it may have."""
    op = draw(st.sampled_from(Op))
    operands: tuple[ast.Operand, ...] = ()
    join = "any"
    if op in (Op.EQ, Op.CONTAINS):
        operands = tuple(draw(st.lists(literals, min_size=1, max_size=3) | st.tuples(names)))
        if op is Op.CONTAINS and len(operands) > 1:
            join = draw(st.sampled_from(("any", "all")))
    elif op in (Op.IN, Op.NOT_IN, Op.CONTAINS_ANY, Op.CONTAINS_ALL):
        several = st.lists(literals | numbers, min_size=1, max_size=3)
        operands = tuple(draw(several | st.tuples(terms) | st.tuples(names)))
        join = "all" if op is Op.CONTAINS_ALL else "any"
    elif op in (Op.NE, Op.NOT_CONTAINS):
        operands = (draw(literals | names),)
    elif op in (Op.GT, Op.LT, Op.GE, Op.LE):
        operands = (draw(numbers | durations | names),)
    elif op in (Op.BEFORE, Op.AFTER, Op.NOT_BEFORE, Op.NOT_AFTER):
        operands = (draw(literals | names),)
    elif op is Op.MATCHES:
        operands = (draw(literals),)
    elif op in (Op.SIDES_DIFFER, Op.SAME_DAY):
        operands = (draw(names),)
    elif op is Op.TERMS_DIFFER:
        operands = (draw(names), draw(terms))
    elif "MENTIONS" in op.value:
        several = st.lists(literals, min_size=1, max_size=3)
        operands = tuple(
            draw(several | st.tuples(terms) | st.tuples(names) | st.tuples(names, terms))
        )
    return ast.Predicate(draw(names), op, operands, join, span=NOWHERE)  # type: ignore[arg-type]


_measures = st.one_of(
    st.builds(
        ast.Measured,
        st.sampled_from(("length", "items")),
        names,
        st.none(),
        _compared,
        numbers,
        span=st.just(NOWHERE),
    ),
    st.builds(
        ast.Measured, st.just("gap"), names, names, _compared, durations, span=st.just(NOWHERE)
    ),
    st.builds(
        ast.Measured,
        st.just("rows"),
        st.sampled_from(LEXICON.table_names).map(name),
        st.none(),
        _compared,
        numbers,
        span=st.just(NOWHERE),
    ),
)
_windows = st.builds(
    ast.Within,
    names,
    names | literals,
    st.sampled_from(("after", "before", "around")),
    amounts,
    span=st.just(NOWHERE),
)
_pairs = st.tuples(names, names)
_many = st.lists(names, min_size=1, max_size=3).map(tuple)
_asks = st.one_of(
    st.builds(
        ast.Ask,
        st.sampled_from(("same_procedure", "related")),
        _pairs,
        st.none(),
        st.booleans(),
        span=st.just(NOWHERE),
    ),
    st.builds(
        ast.Ask,
        st.just("contradict"),
        st.lists(names, min_size=2, max_size=4).map(tuple),
        st.none() | literals,
        st.booleans(),
        span=st.just(NOWHERE),
    ),
    st.builds(
        ast.Ask,
        st.sampled_from(("reflects", "conforms")),
        _many,
        literals,
        st.booleans(),
        span=st.just(NOWHERE),
    ),
    st.builds(ast.Ask, st.just("judge"), st.just(()) | _many, literals, span=st.just(NOWHERE)),
)
_phrases = st.builds(
    ast.Phrase, st.sampled_from(LEXICON.conditions).map(name), span=st.just(NOWHERE)
)
_leaves = st.one_of(_predicates(), _measures, _windows, _asks, _phrases)


def _rows(children: st.SearchStrategy[ast.Condition]) -> st.SearchStrategy[ast.Condition]:
    table = st.sampled_from(LEXICON.table_names).map(name)
    at = st.just(NOWHERE)
    none, one = st.none(), st.just(1)
    some, flag = st.none() | children, st.booleans()
    plain = st.sampled_from(("exists", "not_exists"))
    counted = st.sampled_from(("at_least", "at_most", "exactly"))
    every, picked = st.sampled_from(("all", "all_or_none")), st.sampled_from(("latest", "first"))
    number = st.integers(1, 9)
    return st.one_of(
        st.builds(ast.Quantified, plain, table, one, flag, none, some, span=at),
        st.builds(ast.Quantified, counted, table, number, flag, none, some, span=at),
        st.builds(ast.Quantified, every, table, one, flag, none, children, span=at),
        st.builds(ast.Quantified, picked, table, one, flag, some, children, span=at),
    )


def _compound(children: st.SearchStrategy[ast.Condition]) -> st.SearchStrategy[ast.Condition]:
    several = st.lists(children, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        children.map(lambda item: ast.Not(item, span=NOWHERE)),
        several.map(lambda items: ast.And(items, span=NOWHERE)),
        several.map(lambda items: ast.Or(items, span=NOWHERE)),
        _rows(children),
    )


conditions: st.SearchStrategy[ast.Condition] = st.recursive(_leaves, _compound, max_leaves=6)
_verdicts = st.sampled_from(LEXICON.verdicts).map(name)
_messages = st.lists(
    st.sampled_from(("没有写", "{主诉}", "{医嘱.药品}", "{ 本条.内容 }", "，", "扣", "“x”", " ")),
    min_size=1,
    max_size=3,
).map(lambda parts: literal("缺" + "".join(parts)))
_points = st.sampled_from((0.0, 1.0, 2.0, 0.5, 10.0))
obligations: st.SearchStrategy[ast.Obligation] = st.builds(
    ast.Obligation,
    st.none() | st.sampled_from(LEXICON.table_names).map(name),
    st.none() | conditions,
    conditions,
    _messages,
    _points,
    span=st.just(NOWHERE),
)
sentences: st.SearchStrategy[ast.Sentence] = st.one_of(
    obligations,
    st.builds(ast.Gate, conditions, _verdicts, span=st.just(NOWHERE)),
    st.builds(
        ast.Equivalence,
        st.none() | conditions,
        conditions,
        _verdicts,
        st.none() | _verdicts,
        span=st.just(NOWHERE),
    ),
)
