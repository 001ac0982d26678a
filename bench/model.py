"""How fast the engine is: against a plain loop, llama-server, and the prompt speed of the build.

One model and the same invented pairs for all of them, who work in turns of a few seconds, so that
the ratios mean something on a busy or slow machine too. llama-server takes part if
QC_LLAMA_SERVER names one; it is asked a part of the pairs, in the order in which the engine
gets all of them.

    QC_LLAMA_SERVER=llama-server python -m bench.model [--model PATH] [--planned 48]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from bench import server
from bench.prompts import LONGEST, PLANNED, RULES, RULES_FOR_JSON, mixed_pairs, requests
from bench.server import Asked, Server
from bench.turns import Stepwise, in_turns, records_per_second

from qc_runtime.backend import Reply, Request
from qc_runtime.llama import LlamaBackend, LlamaSettings
from qc_runtime.llama.native import native
from qc_runtime.models import locate

_LOOPS = 6  # records of the plain loop
_PROMPTS = 6  # long prompts


class Loop(Stepwise):
    """What one writes without an engine: one chat completion after another, JSON out."""

    def __init__(self, path: Path, users: Sequence[str]) -> None:
        native()  # the same waiting of threads as the engine has, whichever runs first
        import llama_cpp

        cores = LlamaSettings().threads()
        self._llama = llama_cpp.Llama(
            str(path), n_ctx=2048, n_threads=cores, n_threads_batch=cores, verbose=False
        )
        self.written = 0
        self._complete(users[0], 1)  # llama-cpp-python itself keeps the common system prompt
        super().__init__(len(users), self._work(users))

    def _work(self, users: Sequence[str]) -> Iterator[None]:
        for user in users:
            self.written += self._complete(user, LONGEST + 32)
            yield

    def _complete(self, user: str, tokens: int) -> int:
        """One verdict with its reason; returns how many tokens were written."""
        completion: Any = self._llama.create_chat_completion(
            [{"role": "system", "content": RULES_FOR_JSON}, {"role": "user", "content": user}],
            response_format={"type": "json_object"},
            max_tokens=tokens,
            temperature=0.0,
        )
        return int(completion["usage"]["completion_tokens"])

    def close(self) -> None:
        self._llama.close()


class LongPrompt(Stepwise):
    """One long prompt through plain ``llama_decode``, 512 tokens at a time, again and again."""

    def __init__(self, path: Path, times: int, tokens: int = 1024) -> None:
        from qc_runtime.llama.model import Context, Model

        settings = LlamaSettings(n_ctx=2048, n_seq=1)
        self._model = Model(path, settings)
        fastest = settings.for_machine(gpu=self._model.gpu, writes=False)
        self._context = Context(self._model, settings, fastest)
        self._batch = self._context.batch()
        self._tokens = (self._model.tokenize(RULES, special=False) * 8)[:tokens]
        self._decode(0, 32)  # the weights are in memory from here on
        super().__init__(times, self._work(times))

    def _work(self, times: int) -> Iterator[None]:
        size = self._context.n_batch
        for _ in range(times):
            self._context.clear()
            for start in range(0, len(self._tokens), size):
                self._decode(start, start + size)
            yield

    def _decode(self, start: int, end: int) -> None:
        self._batch.clear()
        rows = self._batch.add(self._tokens[start:end], start, 0)
        self._batch.want(rows[-1])
        if self._context.decode(self._batch) != 0:
            raise RuntimeError(self._context.last_error())
        self._context.logits(rows[-1])

    @property
    def tokens_per_second(self) -> float:
        return self.done * len(self._tokens) / self.seconds

    def close(self) -> None:
        self._context.close()
        self._model.close()


class Engine(Stepwise):
    """The engine, after two requests that leave it the shared prefix, as a run does."""

    def __init__(
        self, path: Path, users: Sequence[str], *, explain: bool, second_look: bool = True
    ) -> None:
        self._backend = LlamaBackend(path, settings=LlamaSettings(second_look=second_look))
        list(self._answers(requests(["", "无"], explain=explain)))
        self._before = self._backend.counters.prompt_tokens, self._generated
        super().__init__(len(users), self._answers(requests(users, explain=explain)))

    def _answers(self, asked: Sequence[Request]) -> Iterator[Reply]:
        for _, reply in self._backend.answer(asked):
            if reply.error:
                raise RuntimeError(str(reply.error))
            yield reply

    @property
    def _generated(self) -> int:
        return self._backend.counters.generated_tokens

    @property
    def written(self) -> int:
        return self._generated - self._before[1]

    @property
    def tokens_per_second(self) -> float:
        """Of those computed beside the shared prompt."""
        read = self._backend.counters.prompt_tokens - self._before[0]
        return (read + self.written) / self.seconds

    def close(self) -> None:
        self._backend.close()


def measure(path: Path, planned: int = PLANNED) -> Iterator[tuple[str, float]]:
    """All figures and the ratios between them, by name. Takes most of an hour on two cores."""
    with ExitStack() as stack:
        binary = server.binary()
        servers = [
            stack.enter_context(closing(Server(binary, path, slots)))
            for slots in (server.SLOTS if binary else ())
        ]
        yield from verdicts(path, planned // 2, servers).items()
        yield from reasons(path, planned, servers).items()


def verdicts(path: Path, planned: int, servers: Sequence[Server]) -> dict[str, float]:
    """Verdicts only: prompt speed, the engine without and with second looks, loop, servers."""
    users = mixed_pairs(planned)
    with ExitStack() as stack:
        prompt = stack.enter_context(closing(LongPrompt(path, _PROMPTS)))
        loop = stack.enter_context(closing(Loop(path, users[:_LOOPS])))
        once, again = (
            stack.enter_context(closing(Engine(path, users, explain=False, second_look=look)))
            for look in (False, True)
        )
        asked = _asked(servers, users[: len(users) // 3], explain=False)
        in_turns([prompt, loop, once, again, *asked])
        found = {
            "prompt_tokens_per_second": prompt.tokens_per_second,
            "verdict_records_per_second": records_per_second(again),
            "verdict_tokens_per_second": again.tokens_per_second,
            "verdict_over_loop": records_per_second(again) / records_per_second(loop),
            "verdict_over_prompt_speed": again.tokens_per_second / prompt.tokens_per_second,
        }
        if asked:
            found["verdict_once_over_server"] = _over_best(once, asked)
            found["verdict_over_server"] = _over_best(again, asked)
        return found | _rates(asked, "verdict")


def reasons(path: Path, planned: int, servers: Sequence[Server]) -> dict[str, float]:
    """A verdict with its reason for all: the engine, loop, servers."""
    users = mixed_pairs(planned)
    with ExitStack() as stack:
        loop = stack.enter_context(closing(Loop(path, users[:_LOOPS])))
        engine = stack.enter_context(closing(Engine(path, users, explain=True)))
        asked = _asked(servers, users[: len(users) // 6], explain=True)
        in_turns([loop, engine, *asked])
        found = {
            "loop_records_per_second": records_per_second(loop),
            "loop_tokens_written_per_record": loop.written / loop.done,
            "explained_records_per_second": records_per_second(engine),
            "explained_tokens_per_second": engine.tokens_per_second,
            "explained_tokens_written_per_record": engine.written / engine.done,
            "explained_over_loop": records_per_second(engine) / records_per_second(loop),
        }
        if asked:
            found["explained_over_server"] = _over_best(engine, asked)
        return found | _rates(asked, "explained")


def _asked(servers: Sequence[Server], users: Sequence[str], *, explain: bool) -> list[Asked]:
    """The first of the pairs that the engine gets, in the same order."""
    few = {1: len(users) // 4}  # one slot is slow and soon at its pace
    return [Asked(one, users[: few.get(one.slots, len(users))], explain=explain) for one in servers]


def _over_best(engine: Engine, asked: Sequence[Asked]) -> float:
    return records_per_second(engine) / max(map(records_per_second, asked))


def _rates(asked: Sequence[Asked], name: str) -> dict[str, float]:
    found = {f"{name}_by_server_{one.server.slots}": records_per_second(one) for one in asked}
    if name == "explained" and asked:
        found["server_tokens_written_per_record"] = asked[-1].written / asked[-1].total
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--planned", type=int, default=PLANNED, help="12 records each")
    arguments = parser.parse_args()
    for name, value in measure(locate(arguments.model), arguments.planned):
        print(f"{name:36} {value:8.3f}", flush=True)


if __name__ == "__main__":
    main()
