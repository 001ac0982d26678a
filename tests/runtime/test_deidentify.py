"""De-identification: what points at a person is gone, and every answer finds its way back."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qc_dsl.errors import QcError
from qc_runtime.backend import (
    ANSWER,
    QUOTE,
    REASON,
    THOUGHT,
    Choice,
    Line,
    Quote,
    Reply,
    Request,
    Step,
    Thought,
)
from qc_runtime.privacy.deidentify import SECRET_NAME, DeidentifiedBackend, Mask, Masked, secret_in
from qc_runtime.privacy.identifiers import find, plain
from qc_runtime.scripted import ScriptedBackend

SECRET = b"s" * 32
NOTE = """姓名：张三  性别：男  年龄：45岁  病案号：00123456
患者张三，男，45岁，因“腹痛3天”于2024年3月5日10:30入院。
身份证号：110101197903074530，联系电话：13812345678，家属李小红电话 010-65123456
现住址：浙江省杭州市西湖区文三路100号3幢2单元501室
2024-03-06 王建国主任医师查房：一般情况可，平卧，血压120/80mmHg，WBC 12.5×10^9/L。
患者于3月7日行手术，术者：陈志强，一助：刘伟，麻醉医师：欧阳锋
张三今日出院。医师签名：王建国/赵敏    二〇二四年三月九日"""


def hide(text: str) -> str:
    return Mask([text], SECRET).hide(text).text


# -- what is found ----------


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("姓名：张三", "张三"),
        ("姓名:张三性别：男", "张三"),
        ("患者姓名： 买买提·吐尔逊 ", "买买提·吐尔逊"),
        ("联系人（儿子）：欧阳小锋，关系：父子", "欧阳小锋"),
        ("家属签字：李小红 2024年1月1日", "李小红"),
        ("医师签名：王建国/赵敏", "赵敏"),
        ("患者李小明，女，3岁", "李小明"),
        ("李小明，男，58岁，", "李小明"),
        ("患者王某某因腹痛入院", "王某某"),
        ("2024-03-06 王建国主任医师查房", "王建国"),
        ("请陈志强医师会诊", "陈志强"),
        ("主治医师王建国查房示", "王建国"),
        ("Name: Li Ming, M", "Li Ming"),
        ("电话13812345678。", "13812345678"),
        ("手机 １３８１２３４５６７８", "１３８１２３４５６７８"),
        ("+86 138 1234 5678", "138 1234 5678"),
        ("家里010-65123456转", "010-65123456"),
        ("（0571）87654321", "87654321"),
        ("联系方式：6512345", "6512345"),
        ("110101197903074530", "110101197903074530"),
        ("证11010119790307453x号", "11010119790307453x"),
        ("110101790307453", "110101790307453"),
        ("身份证号码为11010119790307453", "11010119790307453"),
        ("护照号：E12345678", "E12345678"),
        ("病案号：00123456", "00123456"),
        ("住院号 ZY-202403", "ZY-202403"),
        ("门诊号为 998877", "998877"),
        ("住址：幸福里12号", "幸福里12号"),
        ("家住江苏省南京市鼓楼区中山北路30号", "中山北路30号"),
        ("来自台州市椒江区，", "台州市椒江区"),
        ("在文三路100号附近摔倒", "文三路100号"),
        ("籍贯：山东", "山东"),
        ("邮箱 zs_1@a-b.com.cn", "zs_1@a-b.com.cn"),
        ("微信：zhangsan99", "zhangsan99"),
    ],
)
def test_what_points_at_a_person_is_gone(text: str, gone: str) -> None:
    assert gone not in hide(text)


@pytest.mark.parametrize(
    "text",
    [
        "患者高热3天，方便时复查，患者于昨日和家属沟通。",
        "患者：高热3天；家属：同意手术方案。",
        "血压120/80mmHg，心率80次/分，体温36.5℃，WBC 12.5×10^9/L，Hb 110g/L",
        "留置静脉通路1组，后入路2号切口，术区3号引流管，病区5层",
        "经X线检查，何时何地受凉不详，平卧位，全麻成功，水肿2+",
        "行左侧腹股沟疝修补术，出血20ml，输液1000ml，标本送病理。",
        "上级医师查房后同意目前诊断，经治医师已告知。",
        "全科医生建议，门诊医师意见：住院治疗。",
        "给予0.9%氯化钠注射液100ml，每日2次，共3天。",
        "单位：mmol/L，参考值：3.5-5.5",
        "患方签名：本人；家属签字：未签；联系人：配偶",
    ],
)
def test_ordinary_findings_stay_as_they_are(text: str) -> None:
    assert hide(text) == text


def test_a_whole_note_keeps_its_sense() -> None:
    hidden = hide(NOTE)
    assert not re.search(
        "张三|李小红|王建国|赵敏|陈志强|刘伟|欧阳锋|0012|1381|6512|1101|文三路", hidden
    )
    assert hidden.count("【姓名1】") == 3  # the same person by the same mark
    assert "血压120/80mmHg，WBC 12.5×10^9/L" in hidden
    assert hidden.count("\n") == NOTE.count("\n")


# -- dates ----------


def test_dates_move_by_the_same_whole_weeks_and_keep_their_form() -> None:
    text = "2024-03-05、2024/3/12、2024年3月19日、20240326、24-04-02、二〇二四年四月九日、4月16日"
    moved = re.findall(r"\d+", hide(text).replace("二〇二三年", "2023年"))
    hidden = Mask([text], SECRET)
    assert hidden.days % 7 == 0
    assert -364 <= hidden.days <= -35
    shown = hidden.hide(text).text
    first, second = re.search(r"(\d{4})-(\d\d)-(\d\d)、(\d{4})/(\d+)/(\d+)、", shown), moved
    assert first is not None
    assert second
    a, b = date(*map(int, first.groups()[:3])), date(*map(int, first.groups()[3:]))
    assert (a - date(2024, 3, 5)).days == hidden.days
    assert (b - a).days == 7
    for form in (
        r"\d{4}年\d{1,2}月\d{1,2}日、\d{8}、\d\d-\d\d-\d\d、",
        r"[〇一二三四五六七八九]{4}年.{1,2}月",
    ):
        assert re.search(form, shown)
    for was in ("2024-03-05", "20240326", "24-04-02", "四月九日", "4月16日"):
        assert was not in shown


@given(
    st.dates(date(1930, 1, 1), date(2049, 12, 31)),
    st.sampled_from(["{:%Y-%m-%d}", "{:%Y/%m/%d}", "{:%Y%m%d}", "{0.year}年{0.month}月{0.day}日"]),
)
def test_any_date_comes_back(day: date, form: str) -> None:
    text = f"于{form.format(day)} 10:30手术"
    mask = Mask([text], SECRET)
    hidden = mask.hide(text).text
    assert hidden != text
    assert mask.restored(hidden) == text


def test_a_date_told_without_its_year_comes_back_over_a_leap_day() -> None:
    text = "于2024年3月5日入院，3月7日手术"
    mask = Mask([text], SECRET)
    first, second = re.findall(r"\d+月\d+日", mask.hide(text).text)
    assert mask.restored(f"{first}入院后，{second}手术") == "3月5日入院后，3月7日手术"


def test_the_offset_is_the_records_own_and_the_secrets() -> None:
    one = ["病案号：1001，2024-03-05入院", "病案号：1001，2024-04-05出院"]
    assert Mask(one[:1], SECRET).days == Mask(one[1:], SECRET).days
    numbers = {Mask([f"病案号：{n}，2024-03-05入院"], SECRET).days for n in range(1000, 1030)}
    secrets = {Mask(one[:1], bytes([n]) * 32).days for n in range(30)}
    assert len(numbers) > 10
    assert len(secrets) > 10


@pytest.mark.parametrize(
    "text", ["120/80", "12.5", "1-2周", "3.5-5.5", "2024", "13/45", "99-99-99"]
)
def test_what_is_no_date_does_not_move(text: str) -> None:
    assert hide(f"值{text}。") == f"值{text}。"


# -- properties ----------

SURNAME = st.sampled_from(["张", "王", "欧阳", "李", "于", "高", "司马"])
GIVEN = st.text(st.sampled_from("小明建国伟丽华强敏芳"), min_size=1, max_size=2)
NAME = st.builds(str.__add__, SURNAME, GIVEN)
DIGITS = st.integers(0, 10**8 - 1).map("{:08d}".format)
PIECE = st.one_of(
    NAME.map("姓名：{}，".format),
    NAME.map("患者{}，男，".format),
    NAME.map("医师签名：{}\n".format),
    NAME.map("\n{}主任医师查房：".format),
    DIGITS.map("电话138{}".format),
    DIGITS.map("010-{}".format),
    DIGITS.map("病案号：{}\n".format),
    DIGITS.map("1101011979{}".format),
    DIGITS,
    st.dates(date(1990, 1, 1), date(2030, 1, 1)).map(str),
    st.dates(date(1990, 1, 1), date(2030, 1, 1)).map("{:%Y%m%d}".format),
    st.sampled_from(
        [
            "杭州市西湖区文三路100号",
            "腹痛3天，",
            "2024年3月",
            " ",
            "\n",
            "【姓名1】",
            "12-05 08:00",
            "３月５日",
        ]
    ),
    st.text(st.sampled_from("的于某张X号路市省0129-/:：，年月日[]【】姓名电话"), max_size=6),
)
RECORD = st.lists(PIECE, max_size=12).map("".join)


@settings(max_examples=120, deadline=None)
@given(RECORD)
def test_nothing_that_the_patterns_find_is_left(text: str) -> None:
    hidden = hide(text)
    assert [hidden[one.start : one.end] for one in find(hidden)] == []


@settings(max_examples=120, deadline=None)
@given(RECORD)
def test_lines_stay_and_the_length_is_sane(text: str) -> None:
    hidden = hide(text)
    assert hidden.count("\n") == text.count("\n")
    assert len(hidden) <= 6 * len(text) + 10


@settings(max_examples=120, deadline=None)
@given(RECORD, st.data())
def test_every_quotation_is_the_records_own_words(text: str, data: st.DataObject) -> None:
    hidden = Mask([text], SECRET).hide(text)
    start = data.draw(st.integers(0, max(0, len(hidden.text) - 1)))
    quote = hidden.text[start : start + data.draw(st.integers(1, 20))]
    back = hidden.original_of(quote)
    if quote:
        assert back
        assert back in text
        assert back.count("\n") == quote.count("\n")


@settings(max_examples=100, deadline=None)
@given(RECORD)
def test_the_whole_text_comes_back(text: str) -> None:
    hidden = Mask([text], SECRET).hide(text)
    assert not hidden.text or hidden.original_of(hidden.text) == text


def test_only_exact_quotations_come_back() -> None:
    hidden = Mask([NOTE], SECRET).hide(NOTE)
    assert hidden.original_of("患者【姓名1】，男") == "患者张三，男"
    assert hidden.original_of("姓名1】，男") == "张三，男"
    assert hidden.original_of("患者李四，男") is None
    assert hidden.original_of("") is None


# -- a back end behind it ----------

STEPS = (
    Step(THOUGHT, Thought(50)),
    Step(ANSWER, Choice(("A", "B")), ("答案：",)),
    Step(QUOTE, Quote(f"张三\n{NOTE}")),
    Step(REASON, Line()),
)
REQUEST = Request("例子：患者张三，男", f"姓名：张三\n现病史：{NOTE}", STEPS, 0.9)


def behind(script: Callable[[Request], Reply]) -> tuple[ScriptedBackend, Reply]:
    inner = ScriptedBackend(script)
    [(_, reply)] = DeidentifiedBackend(inner, SECRET).answer([REQUEST])
    return inner, reply


def test_nothing_that_is_sent_names_the_patient_and_the_answer_does() -> None:
    def script(request: Request) -> Reply:
        cited = next(s.slot for s in request.steps if isinstance(s.slot, Quote))
        when = re.search(r"\d{4}年\d+月\d+日", cited.source)
        assert when is not None
        start = cited.source.index("患者【姓名1】，男")
        values = {ANSWER: (0.1, 0.9), QUOTE: cited.source[start : start + 30]}
        reason = f"【姓名1】于{when[0]}入院，姓名1已出院。"
        return Reply({**values, REASON: reason, THOUGHT: "【姓名99】？"})

    inner, reply = behind(script)
    assert not re.search("张三|王建国|13812345678|2024年3月5日", repr(inner.asked))
    assert inner.asked[0].sure_at == 0.9
    assert reply.probabilities == (0.1, 0.9)
    assert (reply.text(QUOTE) or "").startswith("患者张三，男，45岁，因“腹痛3天”于2024年3月5")
    assert (reply.text(QUOTE) or "") in NOTE
    assert reply.text(REASON) == "张三于2024年3月5日入院，张三已出院。"
    assert reply.text(THOUGHT) == "【姓名99】？"


def test_the_source_is_hidden_as_the_text_is_that_shows_it() -> None:
    masked = Masked.of(REQUEST, SECRET)
    source = masked.sources[QUOTE].text
    assert source.split("\n", 1)[1] in masked.request.user
    assert plain(source).startswith("【姓名1】")


def test_many_requests_each_get_their_own_answer() -> None:
    asked = [
        Request("系统", f"姓名：张三，病案号：{n:06}", (Step(REASON, Line()),)) for n in range(600)
    ]
    inner = ScriptedBackend(lambda request: Reply({REASON: request.user}))
    replies = dict(DeidentifiedBackend(inner, SECRET).answer(asked))
    assert [replies[n].text(REASON) for n in range(600)] == [one.user for one in asked]


def test_the_identity_says_that_it_was_de_identified() -> None:
    inner = ScriptedBackend(lambda request: "A")
    assert DeidentifiedBackend(inner, SECRET).identity != inner.identity


def test_the_secret_is_made_once_and_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    first = secret_in(folder)
    assert secret_in(folder) == first
    assert len(first) == 32
    assert secret_in(tmp_path / "other") != first
    assert stat.S_IMODE((folder / SECRET_NAME).stat().st_mode) == 0o600
    assert os.listdir(folder) == [SECRET_NAME]


def test_a_damaged_secret_is_said(tmp_path: Path) -> None:
    (tmp_path / SECRET_NAME).write_text("zz")
    with pytest.raises(QcError) as caught:
        secret_in(tmp_path)
    assert caught.value.diagnostics[0].code == "QC603"
