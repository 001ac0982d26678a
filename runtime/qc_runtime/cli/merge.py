"""``qc merge``: the results of shards put together."""

from __future__ import annotations

from typing import Annotated

import typer

from qc_dsl.errors import QcError
from qc_dsl.lang import tr
from qc_runtime.cli.options import usage

Folders = Annotated[
    list[str], typer.Argument(metavar="DIR…", help=tr("各份的结果文件夹", "the shards' results"))
]
Out = Annotated[
    str | None,
    typer.Option(metavar="DIR", help=tr("合并到哪里", "where to (default: the only DIR)")),
]


def merge(folders: Folders, out: Out = None) -> None:
    """Merge, or say which parts are missing."""
    from qc_runtime.bulk.places import Place
    from qc_runtime.bulk.plan import forget_work
    from qc_runtime.bulk.running import sweep
    from qc_runtime.bulk.whole import check_all, gathered, put_together, whole
    from qc_runtime.cli.bulk import show

    if out is None and len(folders) > 1:
        raise QcError(usage("请用 --out 给出合并到哪里", "Name with --out where to merge to"))
    place = Place(out or folders[0])
    about, found = gathered([Place(folder) for folder in folders])
    reports = [found[number][1] for number in sorted(found)]
    check_all(about, reports)
    judged = whole(about, reports)
    put_together(found, place)
    about.write(place)
    show(judged, place, "summary.json", sorted(found), workbook=True)
    for folder in folders:
        if (local := Place(folder).local) is not None:
            forget_work(local)
            sweep(Place(folder))
    raise typer.Exit(1 if judged.counts["by_status"]["error"] else 0)
