"""Mistakes planted in rulebooks are found, nothing else is, and witnesses hit what they show."""

from __future__ import annotations

import pytest

from planted import KINDS, faults, planted


@pytest.mark.parametrize("seed", [2, 3])
def test_every_planted_mistake_is_found_and_none_is_invented(seed: int) -> None:
    found = list(planted(24, seed))
    assert {one.kind for one in found} == {kind.__name__ for kind in KINDS}
    assert {one.text: list(faults(one)) for one in found} == {one.text: [] for one in found}
