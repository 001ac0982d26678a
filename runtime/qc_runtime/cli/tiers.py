"""Options of tiers and de-identification, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qc_dsl.errors import QcError
from qc_dsl.lang import tr
from qc_runtime.cli.options import Command, usage, with_options

if TYPE_CHECKING:
    from qc_runtime.backend import Backend
    from qc_runtime.judging.tiers import Tiers

Make = Callable[[], "Backend"]
Watch = Callable[[Make | None], Make | None]
_HEAVY_SECONDS = 600.0  # a large model that thinks takes its time


class Think(StrEnum):
    """Who thinks before answering: nobody, those models that can, every model; or always."""

    OFF = "off"
    AUTO = "auto"
    UNSURE = "unsure"
    ALL = "all"


@dataclass(frozen=True)
class TierOptions:
    """The options as given."""

    think: Think = Think.OFF
    think_budget: int = 512
    think_share: float = 0.2
    heavy: str | None = None
    heavy_model: str | None = None
    heavy_share: float = 0.05
    deidentify: bool | None = None

    def check(self, *, no_model: bool, endpoint: str | None) -> None:
        """QC611 for options that do not go together, QC51x for an address not to be used."""
        if bool(self.heavy) != bool(self.heavy_model):
            zh = "--heavy 与 --heavy-model 要一起用"
            raise QcError(usage(zh, "--heavy and --heavy-model go together"))
        if no_model and (self.heavy or self.think is not Think.OFF):
            zh, en = (
                "--no-model 不能与 --think、--heavy 同用",
                "--no-model excludes --think, --heavy",
            )
            raise QcError(usage(zh, en))
        if self.deidentify and not (self.heavy or endpoint):
            zh = "--deidentify 用于发往 --endpoint 或 --heavy 的病历；本机的模型用不到"
            raise QcError(usage(zh, "--deidentify is for --endpoint and --heavy"))
        for url in filter(None, (endpoint, self.heavy)):
            from qc_runtime.endpoint.http import check_address

            check_address(url)

    def routine(self, connect: Make | None, endpoint: str | None, folder: Path) -> Make | None:
        """The routine model's back end; de-identified where it is a service and that was asked."""
        if connect is None or not (endpoint and self.deidentify):
            return connect
        made = connect
        return lambda: _deidentified(made(), folder)

    def tiers(self, folder: Path, other_key: bool, watching: Watch) -> Tiers:
        """Who is asked after the routine model. ``other_key``: the usual key is another's."""
        from qc_runtime.judging.tiers import HEAVY, ROUTINE, THINKING, Tier, Tiers

        routine, better = Tier(ROUTINE), []
        if self.think is Think.ALL:
            routine = Tier(THINKING, thought=self.think_budget)
        elif self.think is not Think.OFF:
            only_thinkers = self.think is Think.AUTO
            better.append(
                Tier(THINKING, self.think_share, thought=self.think_budget, thinkers=only_thinkers)
            )
        if self.heavy:
            heavy = watching(lambda: self._heavy(folder, other_key))
            better.append(Tier(HEAVY, self.heavy_share, heavy, model=self.heavy_model))
        return Tiers(routine, tuple(better))

    def _heavy(self, folder: Path, other_key: bool) -> Backend:
        from qc_runtime.endpoint.backend import EndpointBackend
        from qc_runtime.endpoint.http import HEAVY_KEY_NAMES

        assert self.heavy is not None
        assert self.heavy_model is not None
        keys = HEAVY_KEY_NAMES[:1] if other_key else HEAVY_KEY_NAMES
        backend = EndpointBackend(
            self.heavy, self.heavy_model, timeout=_HEAVY_SECONDS, key_names=keys
        )
        return backend if self.deidentify is False else _deidentified(backend, folder)


def _deidentified(backend: Backend, folder: Path) -> Backend:
    from qc_runtime.privacy.deidentify import DeidentifiedBackend, secret_in

    return DeidentifiedBackend(backend, secret_in(folder))


NO_TIERS = TierOptions()
_OPTIONS: dict[str, tuple[object, object]] = {
    "think": (
        Annotated[
            Think,
            typer.Option(
                help=tr(
                    "答前思考：auto 没有把握的、会思考的模型；unsure 没有把握的；all 全部",
                    "think first: auto: unsure answers of models that can; unsure: those; all",
                )
            ),
        ],
        Think.OFF,
    ),
    "think_budget": (
        Annotated[int, typer.Option(min=1, help=tr("最多想多少词元", "most tokens of a thought"))],
        512,
    ),
    "think_share": (
        Annotated[
            float,
            typer.Option(
                min=0.0, max=1.0, help=tr("最多多少比例的问题思考", "most that may think")
            ),
        ],
        0.2,
    ),
    "heavy": (
        Annotated[
            str | None,
            typer.Option(
                metavar="URL", help=tr("大模型的接口，只问没有把握的", "a better model's service")
            ),
        ],
        None,
    ),
    "heavy_model": (
        Annotated[
            str | None, typer.Option(metavar="NAME", help=tr("那里的模型名", "its name there"))
        ],
        None,
    ),
    "heavy_share": (
        Annotated[
            float,
            typer.Option(
                min=0.0, max=1.0, help=tr("最多多少比例的问题问它", "most that may be put to it")
            ),
        ],
        0.05,
    ),
    "deidentify": (
        Annotated[
            bool | None,
            typer.Option(
                "--deidentify/--no-deidentify",
                help=tr(
                    "发出前去标识化：缺省只用于 --heavy",
                    "de-identify what is sent: by default for --heavy only",
                ),
            ),
        ],
        None,
    ),
}


def with_tiers(command: Command) -> Command:
    """Give a command these options; it gets them together as ``better``."""

    @wraps(command)
    def called(**given: Any) -> None:
        options = TierOptions(**{name: given.pop(name) for name in _OPTIONS})
        command(better=options, **given)

    return with_options(called, command, "better", _OPTIONS)
