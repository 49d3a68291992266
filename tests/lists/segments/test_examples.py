"""The ten questions of docs/segments.md and the desk."""

from __future__ import annotations

from pathlib import Path

import pytest

from lists.segments.examples import EXAMPLES
from lists.segments.segment_parser import parse

PAGE = Path(__file__).parents[3] / "docs/segments.md"


@pytest.mark.parametrize(("question", "meaning"), EXAMPLES)
def test_an_example_can_be_read_and_is_in_the_documentation(question: str, meaning: str) -> None:
    assert parse(question)
    assert f"| `{question}` | {meaning} |" in PAGE.read_text(encoding="utf-8")
