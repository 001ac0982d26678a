"""The shape of a rulebook file: which keys, what kind of value, in both languages."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from qc_dsl.rulebook import Section


def _both(zh: str, en: str) -> Any:
    return AliasChoices(zh, en)


def as_list(value: object) -> object:
    """One text may stand where a list of texts is meant."""
    return [value] if isinstance(value, str) else value


Words = Annotated[list[str], BeforeValidator(as_list)]
Share = Annotated[float, Field(ge=0, le=1)]

TYPES = {
    "文本": "text", "数字": "number", "日期": "date", "时间": "datetime", "类别": "category",
    "列表": "list", "时长": "duration",
}  # fmt: skip


def as_type(value: object) -> object:
    """A type by either name; whatever is no type is an error of kind ``value_error``."""
    if isinstance(value, str):
        value = TYPES.get(value, value)
        if value not in TYPES.values():
            raise ValueError("type")
    return value


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VerdictsShape(_Shape):
    passed: str = Field(validation_alias=_both("通过", "pass"))
    failed: str = Field(validation_alias=_both("不通过", "fail"))
    excluded: str | None = Field(None, validation_alias=_both("排除", "exclude"))


class CaseShape(_Shape):
    key: str = Field(validation_alias=_both("主键", "key"))
    department: str | None = Field(None, validation_alias=_both("科室", "department"))


class FieldShape(_Shape):
    type: Annotated[str | None, BeforeValidator(as_type)] = Field(
        None, validation_alias=_both("类型", "type")
    )
    columns: Words = Field(default_factory=list, validation_alias=_both("列", "columns"))
    separator: str | None = Field(None, validation_alias=_both("分隔", "separator"))
    label: str | None = Field(None, validation_alias=_both("标签", "label"))
    values: Words = Field(default_factory=list, validation_alias=_both("值", "values"))
    source: str | None = Field(None, validation_alias=_both("取自", "from"))
    headings: Words = Field(
        default_factory=list, validation_alias=AliasChoices("标题", "heading", "headings")
    )
    pattern: str | None = Field(None, validation_alias=_both("正则", "pattern"))
    blanks: Words = Field(default_factory=list, validation_alias=_both("空值", "blank"))
    since: str | None = Field(None, validation_alias=_both("从", "since"))
    until: str | None = Field(None, validation_alias=_both("到", "until"))


def as_field(value: object) -> object:
    """A column may be given by its type alone."""
    return {"类型": value} if isinstance(value, str) else value


class TableShape(_Shape):
    key: str | None = Field(None, validation_alias=_both("键", "key"))
    case: str | None = Field(None, validation_alias=_both("病例", "case"))
    time: str | None = Field(None, validation_alias=_both("时间", "time"))
    files: Words = Field(default_factory=list, validation_alias=_both("文件", "files"))
    columns: dict[str, Annotated[FieldShape | None, BeforeValidator(as_field)]] = Field(
        validation_alias=_both("列", "columns")
    )


class TermFileShape(_Shape):
    file: str = Field(validation_alias=_both("文件", "file"))
    name: str | None = Field(None, validation_alias=_both("名称", "name"))
    synonyms: str | None = Field(None, validation_alias=_both("同义词", "synonyms"))
    group: str | None = Field(None, validation_alias=_both("分组", "group"))


class ScoreShape(_Shape):
    total: float = Field(100, ge=0, validation_alias=_both("总分", "total"))
    a: float = Field(90, ge=0, validation_alias=_both("甲级", "a"))
    b: float = Field(75, ge=0, validation_alias=_both("乙级", "b"))


class RuleShape(_Shape):
    sentence: str = Field(validation_alias=_both("句", "sentence"))
    priority: int = Field(0, validation_alias=_both("优先级", "priority"))
    exceptions: dict[str, str] = Field(
        default_factory=dict, validation_alias=_both("除外", "exceptions")
    )


class ExampleShape(_Shape):
    model_config = ConfigDict(extra="allow", frozen=True)
    answer: str = Field(validation_alias=_both("答", "answer"))


class AskShape(_Shape):
    ask: str | None = Field(None, validation_alias=_both("问", "ask"))
    show: Words = Field(default_factory=list, validation_alias=_both("看", "show"))
    criteria: Words = Field(default_factory=list, validation_alias=_both("准则", "criteria"))
    answers: dict[str, str] = Field(default_factory=dict, validation_alias=_both("答", "answers"))
    examples: list[ExampleShape] = Field(
        default_factory=list, validation_alias=_both("例", "examples")
    )
    review_below: Share = Field(0.75, validation_alias=_both("复核线", "review_below"))
    decide_at: Share = Field(0.5, validation_alias=_both("判定线", "decide_at"))


class OtherwiseShape(AskShape):
    verdict: str | None = Field(None, validation_alias=_both("结论", "verdict"))


class QuestionShape(AskShape):
    ask: str = Field(validation_alias=_both("问", "ask"))


class TestShape(_Shape):
    model_config = ConfigDict(extra="allow", frozen=True)
    expected: str = Field(validation_alias=_both("应为", "expect"))
    rules: Words = Field(default_factory=list, validation_alias=_both("依", "by"))
    findings: Annotated[list[str] | None, BeforeValidator(as_list)] = Field(
        None, validation_alias=_both("缺陷", "findings")
    )
    answers: dict[str, str] = Field(default_factory=dict, validation_alias=_both("回答", "answers"))
    mark: str | None = Field(None, validation_alias=_both("状态", "mark"))


class CasesShape(_Shape):
    """A file of tests, beside a rulebook."""

    tests: list[TestShape] = Field(validation_alias=_both("测试", "tests"))


Rules = dict[str, str | RuleShape]


class PartShape(_Shape):
    """What a file may hold that a rulebook includes."""

    include: Words = Field(default_factory=list, validation_alias=_both("引用", "include"))
    fields: dict[str, FieldShape | None] = Field(
        default_factory=dict, validation_alias=_both("字段", "fields")
    )
    tables: dict[str, TableShape] = Field(
        default_factory=dict, validation_alias=_both("表", "tables")
    )
    terms: dict[str, Words | TermFileShape] = Field(
        default_factory=dict, validation_alias=_both("词表", "terms")
    )
    phrases: dict[str, str] = Field(default_factory=dict, validation_alias=_both("说法", "phrases"))
    questions: dict[str, QuestionShape] = Field(
        default_factory=dict, validation_alias=_both("问题", "questions")
    )
    applicability: str | Rules = Field(
        default_factory=dict, validation_alias=_both("适用", "applicability")
    )
    exceptions: Rules = Field(default_factory=dict, validation_alias=_both("例外", "exceptions"))
    rules: Rules = Field(default_factory=dict, validation_alias=_both("规则", "rules"))


class RulebookShape(PartShape):
    title: str = Field(validation_alias=_both("规则集", "rulebook"))
    id: str | None = Field(None, validation_alias=_both("编号", "id"))
    version: str = Field("", validation_alias=_both("版本", "version"))
    basis: str = Field("", validation_alias=_both("依据", "source"))
    verdicts: VerdictsShape = Field(validation_alias=_both("结论", "verdicts"))
    case: CaseShape = Field(validation_alias=_both("病例", "case"))
    score: ScoreShape | None = Field(None, validation_alias=_both("评分", "score"))
    otherwise: str | OtherwiseShape | None = Field(
        None, validation_alias=_both("其余", "otherwise")
    )
    tests: list[TestShape] = Field(default_factory=list, validation_alias=_both("测试", "tests"))
    test_files: Words = Field(
        default_factory=list, validation_alias=_both("测试文件", "test_files")
    )


SECTIONS: dict[Section, tuple[str, str]] = {
    "applicability": ("适用", "applicability"),
    "exceptions": ("例外", "exceptions"),
    "rules": ("规则", "rules"),
}


def verdict_names(shape: RulebookShape) -> tuple[str, ...]:
    """Pass, fail and (where declared) exclude, as the rulebook calls them."""
    given = (shape.verdicts.passed, shape.verdicts.failed, shape.verdicts.excluded)
    return tuple(name for name in given if name)
