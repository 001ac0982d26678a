"""The scripted back end: what tests of the rest of the runtime stand on."""

from qc_runtime.backend import Reply, Request
from qc_runtime.scripted import ScriptedBackend
from support.asking import asked

REQUEST = asked("系统", "甲", ("A", "B", "C"), explain=("B",))


def answer(backend: ScriptedBackend, *requests: Request) -> list[Reply]:
    return [reply for _, reply in sorted(backend.answer(requests), key=lambda pair: pair[0])]


def test_a_function_decides_by_the_request() -> None:
    backend = ScriptedBackend(lambda request: "A" if request.user == "甲" else "C")
    first, second = answer(backend, REQUEST, asked("系统", "乙", ("A", "B", "C")))
    assert first.probabilities == (1.0, 0.0, 0.0)
    assert second.probabilities == (0.0, 0.0, 1.0)
    assert backend.calls == 2


def test_what_is_left_of_a_probability_goes_to_the_other_codes() -> None:
    [reply] = answer(ScriptedBackend({"甲": ("A", 0.5)}), REQUEST)
    assert reply.probabilities == (0.5, 0.25, 0.25)


def test_only_codes_to_be_explained_are_explained() -> None:
    assert answer(ScriptedBackend({"甲": "B"}), REQUEST)[0].text("reason")
    assert answer(ScriptedBackend({"甲": "A"}), REQUEST)[0].text("reason") is None


def test_what_the_script_lacks_or_gets_wrong_is_an_error_and_no_answer() -> None:
    for script in ({}, {"甲": "Z"}):
        [reply] = answer(ScriptedBackend(script), REQUEST)
        assert reply.error is not None
        assert reply.probabilities == ()


def test_a_whole_reply_passes_through() -> None:
    given = Reply.of((0.1, 0.2, 0.7), "因为")
    assert answer(ScriptedBackend({"甲": given}), REQUEST) == [given]
