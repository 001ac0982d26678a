"""Who and where, as it stands in Chinese medical records: names, numbers, addresses.

Patterns find what has a shape (a mobile number) or a label before it (``联系人：``). They do not
find a name without any mark, a place told in other words, or a rare disease that one person in
the county has. All are searched in a copy of the text of the same length in which full-width
digits, letters and signs are plain ones, and in which what was found already is blotted out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qc_runtime.privacy import words

BLOT = "\0"  # stands for what was found already, so that nothing is found over it

_WIDE = {code + 0xFEE0: code for code in range(0x21, 0x7F)} | {0x3000: 0x20}
_WIDE |= dict.fromkeys(map(ord, "－—–−‐"), ord("-"))

_SURNAME = f"(?:{words.COMPOUND}|[{words.SURNAMES}])"
_HAN = r"[\u3400-\u9fff]"
_GAP = r"[ \t]{0,4}"
_COLON = rf"{_GAP}[:=]{_GAP}"
_RELATED = r"(?:\([^()\n]{1,8}\))?"  # 联系人（儿子）：
_AFTER_NAME = rf"(?=$|[^\u3400-\u9fffA-Za-z·]|{words.AFTER_NAME})"

_SUFFIXES = "省|市|(?:维吾尔|壮族|回族)?自治区|特别行政区"
# 通路, 入路, 病区, 术区 and the like are no places to live
_ROAD, _DISTRICT = "(?<![通尿入后前径思套短气])路", "(?<![病院术诊科护洁染分叶])区"
_LEVELS = (
    f"自治州|地区|盟|市|新区|开发区|{_DISTRICT}|自治县|县|旗|镇|乡|街道|社区|村|屯|大道|大街|{_ROAD}|街|巷|弄|胡同"
    "|小区|花园|公寓"
)
_NOT_PLACE = "[医诊术疗病因至转就来腹胸肺心脑骨血脉，]"
_STEP = rf"(?:(?!{_NOT_PLACE})[\u3400-\u9fffA-Za-z0-9]){{1,8}}?(?:{_LEVELS})"
_HOUSE = (
    r"(?:[A-Za-z0-9一二三四五六七八九十百-]{1,6}"
    r"(?:号楼|号院|号|栋|幢|座|弄|单元|室|组|队|层|楼)(?:之[一二三四五六七八九十0-9])?){0,5}"
)
_HOUSE_MUST = _HOUSE.replace("{0,5}", "{1,5}")


@dataclass(frozen=True)
class Found:
    """Something that points at a person: where it stands, and what kind of thing it is."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class _Pattern:
    kind: str
    expression: re.Pattern[str]
    fits: Callable[[str], bool] = bool


def plain(text: str) -> str:
    """The text with full-width digits, letters and signs as plain ones, one for one."""
    return text.translate(_WIDE)


def _number(label: str, value: str) -> re.Pattern[str]:
    """A value after a label, with or without a colon, 为 or No. between."""
    between = rf"{_GAP}(?:\([^()\n]{{1,8}}\))?{_GAP}(?:[:=]|为|是|No\.?|NO\.?|#)?{_GAP}"
    return re.compile(rf"(?:{label}){between}({value})")


def _is_date(digits: str) -> bool:
    return 1 <= int(digits[:2]) <= 12 and 1 <= int(digits[2:]) <= 31


def _is_somebody(name: str) -> bool:
    """After a label: 患方签名：本人 names nobody, and says what a check may have to know."""
    return name not in words.ROLES and BLOT not in name


def _is_person(name: str) -> bool:
    return (
        name not in words.ROLES | words.NO_NAMES
        and name[:2] not in words.NO_NAMES
        and BLOT not in name
    )


_ID15 = re.compile(r"(?<![0-9A-Za-z])(\d{15})(?![0-9A-Za-z])")
_LABELLED_NAME = re.compile(
    rf"(?:{words.PERSONS}){_RELATED}{_COLON}"
    rf"({_HAN}{{1,8}}(?:·{_HAN}{{1,8}})+|{_SURNAME}{_HAN}{{1,3}}?{_AFTER_NAME}|{_SURNAME}{_HAN}{{2}}"
    rf"|{_SURNAME}{_HAN}?(?!{_HAN}))"
)
# After a label that means nothing but a name any characters up to a boundary are one
_SURELY_NAMED = re.compile(
    rf"(?:姓名|名字|签名|签字|联系人|[Nn]ame){_RELATED}{_COLON}"
    rf"({_HAN}{{2,4}}?{_AFTER_NAME}|[A-Z][A-Za-z'-]+(?: [A-Z][A-Za-z'-]+){{0,3}})"
)

_PATTERNS: tuple[_Pattern, ...] = (
    _Pattern("证件", re.compile(r"(?<![0-9A-Za-z])(\d{17}[0-9Xx])(?![0-9A-Za-z])")),
    _Pattern("证件", _ID15, lambda found: _is_date(found[8:12])),
    _Pattern("证件", re.compile(r"(?<!\d)(\d{6}[ -]\d{8}[ -]\d{3}[0-9Xx])(?![0-9A-Za-z])")),
    _Pattern(
        "证件",
        _number(
            "身份证号码|身份证号|身份证|证件号码|证件号|护照号码|护照号|护照|通行证号?|军官证号?|士兵证号?|居住证号?"
            "|医保卡号|医保号|医保编号|社保卡号|社保号|社会保障号码?|银行卡号|诊疗卡号|就诊卡号|健康卡号|驾驶证号?",
            r"[A-Za-z0-9][A-Za-z0-9-]{4,24}",
        ),
    ),
    _Pattern("邮箱", re.compile(r"([A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")),
    _Pattern("账号", _number("微信号?|QQ号?|qq号?|支付宝账?号?", r"[A-Za-z0-9_-]{5,24}")),
    _Pattern(
        "电话",
        re.compile(r"(?<!\d)((?:\+?86[ -]?)?1[3-9]\d(?:\d{8}|[ -]\d{4}[ -]\d{4}))(?!\d)"),
    ),
    _Pattern(
        "电话",
        re.compile(r"(?<!\d)(\(?0\d{2,3}\)?[ -]?[2-9]\d{6,7}(?:-\d{1,6})?)(?!\d)"),
    ),
    _Pattern("电话", re.compile(r"(?<!\d)(400-?\d{3}-?\d{4})(?!\d)")),
    _Pattern(
        "电话",
        _number(
            "联系电话|联系方式|电话号码|电话|手机号码|手机号|手机|座机|传真|[Tt]el|TEL",
            r"[+\d][\d -]{3,18}\d",
        ),
    ),
    _Pattern(
        "编号",
        _number(
            "病案号码|病案号|病案编号|住院号码|住院号|病历号码|病历号|门诊号|急诊号|登记号|就诊号|患者编号|患者ID|患者Id"
            "|病人ID|病人编号|病人号|ID号|留观号|健康档案号|档案号|流水号|检查号|影像号|病理号|标本号|条码号",
            r"(?=[A-Za-z-]{0,6}\d)[A-Za-z0-9][A-Za-z0-9-]{1,23}",
        ),
    ),
    _Pattern(
        "地址",
        re.compile(
            rf"(?:家庭住址|家庭地址|现住址|现住地址|常住地址|户口地址|户籍地址|户籍地|户籍|住址|地址|籍贯|出生地"
            rf"|工作单位及地址|工作单位){_COLON}([^\s,，。;；:{BLOT}【】]{{2,60}})"
        ),
    ),
    _Pattern(
        "地址", re.compile(rf"((?:{words.PROVINCES})(?:{_SUFFIXES})(?:{_STEP}){{0,7}}{_HOUSE})")
    ),
    _Pattern("地址", re.compile(rf"((?:{words.PROVINCES})(?:{_STEP}){{1,7}}{_HOUSE})")),
    _Pattern(
        "地址",
        re.compile(
            rf"({_HAN}{{2,6}}?(?:市|自治州|地区|县)"
            rf"(?:(?:(?!{_NOT_PLACE}){_HAN}){{1,8}}?(?:新区|开发区|{_DISTRICT}|县|旗|市|镇|乡|街道|{_ROAD}|村))"
            rf"(?:{_STEP}){{0,6}}{_HOUSE})"
        ),
    ),
    _Pattern(
        "地址",
        re.compile(
            rf"({_HAN}{{1,8}}?(?:大道|大街|{_ROAD}|街|巷|弄|胡同|小区|花园|公寓|村|社区)"
            rf"(?:{_STEP}){{0,2}}{_HOUSE_MUST})"
        ),
    ),
    _Pattern("姓名", _SURELY_NAMED, _is_somebody),
    _Pattern("姓名", _LABELLED_NAME, _is_person),
    # 患者张某某，患者张三，男
    _Pattern("姓名", re.compile(rf"({_SURNAME}(?:某{{1,3}}|[Xx×*]{{2,3}}))(?![A-Za-z线光])")),
    _Pattern(
        "姓名",
        re.compile(
            rf"(?:患者|病人|患儿|产妇|家属|亲属|其[父母夫妻子女])[ ]?({_SURNAME}{_HAN}{{1,2}}?)"
            r"(?=[ ]?[,，、(（][ ]?(?:男|女|\d{1,3}岁|系))"
        ),
        _is_person,
    ),
    _Pattern(
        "姓名",
        re.compile(rf"(?<!{_HAN})({_SURNAME}{_HAN}{{1,2}}?)(?=[ ]?[,，][ ]?(?:男|女)[ ]?[,，])"),
        _is_person,
    ),
    _Pattern(
        "姓名",
        re.compile(
            rf"(?:(?<!{_HAN})|(?<=[科请经由随]))({_SURNAME}{_HAN}{{0,2}}?)(?={_GAP}(?:{words.TITLES}))"
        ),
        _is_person,
    ),
    _Pattern(
        "姓名",
        re.compile(
            rf"(?:主任医师|主治医师|住院医师|科主任|护士长|主刀|主刀医师|麻醉医师)({_SURNAME}{_HAN}{{1,2}}?)"
            rf"(?=$|查房|示|指示|指导|会诊|主持|意见|看|签|[^\u3400-\u9fff])"
        ),
        _is_person,
    ),
    # 家属李小红电话 …；医师签名：王建国/赵敏
    _Pattern(
        "姓名",
        re.compile(
            rf"(?:家属|亲属|联系人|其[父母夫妻子女兄弟姐妹]|患者之?[父母夫妻子女])[ ]?"
            rf"({_SURNAME}{_HAN}{{1,2}}?)(?=[ ]?(?:电话|手机|签字|签名|代诉|陪同|代述|\(|{BLOT}))"
        ),
        _is_person,
    ),
    _Pattern(
        "姓名", re.compile(rf"(?<={BLOT}[/、])({_SURNAME}{_HAN}{{1,2}}?){_AFTER_NAME}"), _is_person
    ),
)


def find(text: str) -> Iterator[Found]:
    """Everything in the text that points at a person, in no order, nothing over another.

    ``text`` may hold blots where something was found before.
    """
    text = plain(text)
    for pattern in _PATTERNS:
        for match in list(pattern.expression.finditer(text)):
            start, end = match.span(1)
            if start < end and pattern.fits(match[1]):
                yield Found(start, end, pattern.kind)
                text = text[:start] + BLOT * (end - start) + text[end:]
