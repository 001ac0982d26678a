"""Tiers: who is asked about what a model is unsure of, how often, and never twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from qc_dsl.lang import Text
from qc_runtime.backend import ANSWER, THOUGHT, Choice, Reply, Request, Step, Thought
from qc_runtime.judging.answering import Answering
from qc_runtime.judging.tiers import HEAVY, ROUTINE, THINKING, Tier, Tiers, thinks, with_thought
from qc_runtime.llama.backend import LlamaBackend
from qc_runtime.llama.probe import Probed
from qc_runtime.llama.worker import WorkerBackend
from qc_runtime.outcome import TierUsage, Usage
from qc_runtime.scripted import Script, ScriptedBackend
from qc_runtime.store import AnswerStore

CODES = ("A", "B")
SURE_AT = 0.8


def question(name: str, sure_at: float = SURE_AT) -> Request:
    return Request("系统", name, (Step(ANSWER, Choice(CODES), ("答案：",)),), sure_at)


QUESTIONS = [question(f"第{n}问") for n in range(10)]


def by_number(request: Request) -> tuple[str, float]:
    """The surer the higher the number: 0.55 for the first, 0.60, 0.65 and so on."""
    return "A", 0.55 + 0.05 * int(request.user[1:-1])  # 0 to 4 are under 0.8


class Counting(ScriptedBackend):
    """A scripted back end that counts tokens and seconds, and may have a way of thinking."""

    def __init__(self, script: Script, name: str = "scripted", thinks: bool = False) -> None:
        super().__init__(script, name=name)
        self.thinks = thinks

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        for index, reply in super().answer(requests):
            self.counters.prompt_tokens += 10
            self.counters.seconds += 0.5
            yield index, reply

    @property
    def users(self) -> list[str]:
        return [request.user for request in self.asked]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AnswerStore]:
    with AnswerStore(tmp_path / "answers.sqlite") as made:
        yield made


def run(
    store: AnswerStore, routine: ScriptedBackend, tiers: Tiers, *rounds: Sequence[Request]
) -> tuple[dict[str, Reply], Usage, list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []
    answering = Answering(lambda: routine, store, lambda a, b: told.append((a, b)), tiers)
    replies: dict[str, Reply] = {}
    for requests in rounds or (QUESTIONS,):
        for at, reply in answering.replies(requests, range(len(requests))):
            assert requests[at].user not in replies
            replies[requests[at].user] = reply
    answering.close()
    usage = answering.usage()
    assert usage is not None
    return replies, usage, told


def heavy(backend: ScriptedBackend, share: float = 1.0) -> Tiers:
    return Tiers(better=(Tier(HEAVY, share, lambda: backend),))


def test_only_what_the_model_is_unsure_of_goes_on(store: AnswerStore) -> None:
    routine, better = Counting(by_number), Counting(lambda r: ("B", 0.95), "heavy")
    replies, usage, told = run(store, routine, heavy(better))
    assert len(replies) == 10
    assert better.users == [f"第{n}问" for n in range(5)]
    assert replies["第0问"].probabilities == pytest.approx((0.05, 0.95))
    assert replies["第5问"].probabilities == pytest.approx((0.8, 0.2))
    assert told[-1] == (10, 10)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert usage.tiers == (
        TierUsage(ROUTINE, asked=10, settled=5, prompt_tokens=100, seconds=5.0),
        TierUsage(HEAVY, asked=5, settled=5, prompt_tokens=50, seconds=2.5),
    )
    assert usage.prompt_tokens == 150
    assert routine.closed
    assert better.closed


def test_the_least_sure_go_first_and_never_more_than_the_share(store: AnswerStore) -> None:
    better = Counting(lambda r: ("B", 0.95), "heavy")
    replies, _, _ = run(store, Counting(by_number), heavy(better, 0.2), QUESTIONS[::-1])
    assert better.users == ["第0问", "第1问"]
    assert replies["第2问"].probabilities == pytest.approx((0.65, 0.35))  # for a person


def test_the_share_is_of_the_whole_run_over_its_rounds(store: AnswerStore) -> None:
    better = Counting(lambda r: ("B", 0.95), "heavy")
    run(store, Counting(by_number), heavy(better, 0.25), QUESTIONS[:4], QUESTIONS[4:])
    # a quarter of 4 is the first; a quarter of all 10, rounded up, is 3: two more in round two
    assert better.users == ["第0问", "第4问"]


def test_a_share_is_rounded_up_and_none_is_none(store: AnswerStore) -> None:
    none, one = Counting(lambda r: "B", "none"), Counting(lambda r: "B", "one")
    run(store, Counting(by_number), heavy(none, 0.0))
    run(store, Counting(by_number), heavy(one, 0.05))
    assert (none.calls, one.users) == (0, ["第0问"])


def test_what_is_still_unsure_goes_one_tier_on_and_then_to_a_person(store: AnswerStore) -> None:
    def thinking(request: Request) -> tuple[str, float]:
        thought = isinstance(request.steps[0].slot, Thought)
        return ("B", 0.9 if request.user == "第3问" else 0.7) if thought else by_number(request)

    routine, better = Counting(thinking, thinks=True), Counting(lambda r: ("B", 0.6), "heavy")
    tiers = Tiers(
        better=(Tier(THINKING, 0.4, thought=64, thinkers=True), Tier(HEAVY, 0.2, lambda: better))
    )
    replies, usage, _ = run(store, routine, tiers)
    thought = [r.user for r in routine.asked if isinstance(r.steps[0].slot, Thought)]
    assert thought == ["第0问", "第1问", "第2问", "第3问"]
    assert replies["第3问"].probabilities == pytest.approx((0.1, 0.9))
    assert THOUGHT in replies["第3问"].values
    # 0, 1, 2 stand at 0.7 after thinking, 4 at 0.75 without: the least sure two, in order
    assert better.users == ["第0问", "第1问"]
    assert replies["第0问"].probabilities == pytest.approx((0.4, 0.6))
    assert [(one.name, one.asked, one.settled) for one in usage.tiers] == [
        (ROUTINE, 10, 5),
        (THINKING, 4, 1),
        (HEAVY, 2, 0),
    ]
    assert usage.tiers[1].prompt_tokens == 40  # the same back end, counted apart


def test_a_model_without_a_way_of_thinking_is_not_made_to(store: AnswerStore) -> None:
    plain = Counting(by_number)
    auto = Tiers(better=(Tier(THINKING, 1.0, thought=64, thinkers=True),))
    _, usage, _ = run(store, plain, auto)
    assert plain.calls == 10
    assert usage.tiers[1].asked == 0


def test_whether_a_model_thinks_is_read_from_its_file(
    demo_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not thinks(WorkerBackend(partial(LlamaBackend, demo_model)))
    template = (  # as Qwen3's ends
        "{% for message in messages %}{{ message.content }}{% endfor %}<|im_start|>assistant\n"
        "{% if enable_thinking is defined and enable_thinking is false %}"
        "<think>\n\n</think>\n\n{% endif %}"
    )
    told = Probed(metadata={"tokenizer.chat_template": template})
    monkeypatch.setattr("qc_runtime.llama.probe.probe", lambda path: told)
    assert thinks(WorkerBackend(partial(LlamaBackend, demo_model)))
    assert not thinks(ScriptedBackend({}))


def test_a_model_may_be_told_to_think_about_everything(store: AnswerStore) -> None:
    model = Counting(by_number)
    replies, usage, _ = run(store, model, Tiers(Tier(THINKING, thought=64)))
    assert all(isinstance(request.steps[0].slot, Thought) for request in model.asked)
    assert all(THOUGHT in reply.values for reply in replies.values())
    assert [one.name for one in usage.tiers] == [THINKING]


def test_a_thought_comes_first_once_with_words_in_the_requests_language() -> None:
    asked = with_thought(QUESTIONS[0], 64)
    assert asked.steps[0] == Step(THOUGHT, Thought(64), ("分析：",))
    assert with_thought(asked, 99) == asked
    english = Request("s", "u", (Step(ANSWER, Choice(CODES), ("Answer: ",)),))
    assert with_thought(english, 64).steps[0].leads == ("Analysis: ",)
    assert asked.sure_at == SURE_AT
    assert asked.digest("x") != QUESTIONS[0].digest("x")


def test_where_a_tier_fails_the_answer_before_stands(store: AnswerStore) -> None:
    better = Counting(lambda r: Reply(error=Text("坏了", "broken")), "heavy")
    replies, usage, _ = run(store, Counting(by_number), heavy(better))
    assert all(reply.error is None for reply in replies.values())
    assert replies["第0问"].probabilities == pytest.approx((0.55, 0.45))
    assert (usage.tiers[1].failed, usage.tiers[1].settled) == (5, 0)


def test_an_error_is_no_doubt_and_goes_to_nobody_else(store: AnswerStore) -> None:
    better = Counting(lambda r: "B", "heavy")
    broken = Counting(lambda r: Reply(error=Text("坏了", "broken")))
    replies, usage, _ = run(store, broken, heavy(better))
    assert all(reply.error is not None for reply in replies.values())
    assert better.calls == 0
    assert usage.tiers[0].failed == 10


def test_a_broken_answer_of_a_tier_is_no_answer(store: AnswerStore) -> None:
    better = Counting(lambda r: Reply.of((0.5,)), "heavy")
    replies, usage, _ = run(store, Counting(by_number), heavy(better))
    assert replies["第0问"].probabilities == pytest.approx((0.55, 0.45))
    assert usage.tiers[1].failed == 5


def test_a_run_that_goes_on_asks_no_tier_twice(store: AnswerStore) -> None:
    def tiers(better: ScriptedBackend) -> Tiers:
        return Tiers(better=(Tier(THINKING, 0.3, thought=64), Tier(HEAVY, 0.2, lambda: better)))

    first = Counting(by_number), Counting(lambda r: ("B", 0.6), "heavy")
    replies, _, _ = run(store, first[0], tiers(first[1]))
    again = Counting(by_number), Counting(lambda r: ("B", 0.6), "heavy")
    same, usage, _ = run(store, again[0], tiers(again[1]))
    assert same == replies
    assert (again[0].calls, again[1].calls) == (0, 0)
    assert [one.asked for one in usage.tiers] == [10, 3, 2]
    assert usage.prompt_tokens == 0


class _KilledError(Exception):
    pass


@pytest.mark.parametrize("after", range(1, 17))
def test_a_run_killed_anywhere_ends_as_an_undisturbed_one(tmp_path: Path, after: int) -> None:
    """15 answers in all: 10 quick ones, 3 after thinking, 2 of the heavy tier."""
    left = [after]

    def dying(script: Script) -> Script:
        assert callable(script)

        def said(request: Request) -> object:
            left[0] -= 1
            if left[0] == 0:
                raise _KilledError
            return script(request)

        return said  # type: ignore[return-value]

    def once(store: AnswerStore, routine: ScriptedBackend, better: ScriptedBackend) -> object:
        tiers = Tiers(better=(Tier(THINKING, 0.3, thought=64), Tier(HEAVY, 0.2, lambda: better)))
        return run(store, routine, tiers, QUESTIONS[::2], QUESTIONS[1::2])[0]

    with AnswerStore(tmp_path / "calm.sqlite") as calm:
        expected = once(calm, Counting(by_number), Counting(lambda r: ("B", 0.6), "heavy"))
    with AnswerStore(tmp_path / "killed.sqlite") as killed:
        try:
            once(
                killed,
                Counting(dying(by_number)),
                Counting(dying(lambda r: ("B", 0.6)), "heavy"),
            )
        except _KilledError:
            done = len(killed)
            assert done == after - 1
        else:
            done = 15
            assert after == 16
        routine, better = Counting(by_number), Counting(lambda r: ("B", 0.6), "heavy")
        assert once(killed, routine, better) == expected
        assert routine.calls + better.calls == 15 - done


def test_without_a_bound_nothing_goes_on(store: AnswerStore) -> None:
    better = Counting(lambda r: "B", "heavy")
    run(store, Counting(by_number), heavy(better), [question("第0问", 0.0)])
    assert better.calls == 0


def test_no_better_back_end_is_made_that_is_not_needed(store: AnswerStore) -> None:
    def never() -> ScriptedBackend:
        raise AssertionError("made needlessly")

    run(store, Counting(lambda r: "A"), Tiers(better=(Tier(HEAVY, 1.0, never),)))
