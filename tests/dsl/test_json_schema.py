"""The JSON Schema takes every rulebook that is well formed, and refuses misspelt keys."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from qc_dsl.json_schema import Keys, json_schema
from support.qc import qc

ROOT = Path(__file__).parents[2]
BOOKS = [
    *sorted((ROOT / "rulebooks").glob("*.yaml")),
    *sorted((ROOT / "tests" / "cases").glob("[eos]*.yaml")),
    ROOT / "tests/cases/orders/main.yaml",
]
PARTS = [*sorted((ROOT / "rulebooks/surgery").glob("[er]*.yaml"))]
PARTS += [ROOT / "tests/cases/orders/department.yaml"]
BAD = ROOT / "tests" / "cases" / "bad"


class _Loader(yaml.SafeLoader):
    """YAML as editors read it: no dates, and yes and no are texts."""


_KINDS = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag not in _KINDS]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(true|false)$", re.IGNORECASE), list("tTfF")
)


def wrong(path: Path, keys: Keys = "both", part: bool = False) -> list[str]:
    content: Any = yaml.load(path.read_text("utf-8"), _Loader)
    errors = Draft202012Validator(json_schema(keys, part)).iter_errors(content)
    return [f"{list(error.absolute_path)}: {error.message[:200]}" for error in errors]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.name)
def test_every_rulebook_is_valid(path: Path) -> None:
    assert wrong(path) == []
    is_english = path.name.endswith(".en.yaml")
    assert wrong(path, "en" if is_english else "zh") == []
    assert wrong(path, "zh" if is_english else "en") != []


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.name)
def test_every_included_file_is_valid(path: Path) -> None:
    assert wrong(path, part=True) == []
    assert wrong(path) != []


@pytest.mark.parametrize("keys", ["zh", "en", "both"])
def test_it_is_a_schema_of_its_draft(keys: Keys) -> None:
    schema = json_schema(keys)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    named = set(schema["properties"])
    assert ("规则集" in named, "rulebook" in named) == (keys != "en", keys != "zh")


@pytest.mark.parametrize(
    "name",
    [
        "misspelt_key",
        "misspelt_keys_inside",
        "missing_sections",
        "tables_out_of_shape",
        "unknown_key",
        "unknown_type",
    ],
)
def test_bad_shapes_are_refused(name: str) -> None:
    assert wrong(BAD / f"{name}.yaml") != []


def test_a_key_and_its_twin_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(BOOKS[0].read_text("utf-8") + "\nid: twice\n编号: twice\n", "utf-8")
    assert wrong(path) != []


def test_the_command_prints_it() -> None:
    ran = qc("schema", "--lang", "zh", "--part")
    assert json.loads(ran.out) == json_schema("zh", part=True)
