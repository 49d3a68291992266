"""Newsletters for tests: a document over a small toolkit, compiled as a real one is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from newsletters.compose.compiler import Compilation, compile_document
from newsletters.documents.document import parse_document
from newsletters.merge.merge import LinkKeys, Merged, MergePlan, References, plan_merge
from newsletters.toolkits.toolkit import load_files
from tests.newsletters import sample_toolkits

SHEET = (
    sample_toolkits.SHEET
    + """\
brand:
  footer:
    organisation: Friends of Fairs
    address: |
      1 Fair Street
      Fairham FA1 1FA
"""
)


def compiled(
    body: str,
    *,
    front: str = "",
    copy: Mapping[str, str] | None = None,
    folder: Path = Path(),
    sheet: str = "",
    files: Mapping[str, bytes] | None = None,
    **options: Any,
) -> Compilation:
    """The document with `body`, and lines of `front` matter besides the usual, as a compilation.

    `sheet` takes the place of the toolkit's usual one, `files` come besides or instead of its others.
    """
    head = front if "subject:" in front else f"subject: Hello\npreheader: And welcome\n{front}"
    text = f"---\ntoolkit: spring-fair\n{head.rstrip()}\n---\n{body}"
    toolkit = load_files({**sample_toolkits.files(sheet or SHEET, **(copy or {})), **(files or {})}, "kit")
    return compile_document(parse_document(text, "may.md", folder), toolkit, **options)


def plan(compilation: Compilation) -> MergePlan:
    """A plan with references that can be told apart."""
    return plan_merge(
        compilation.email,
        References(
            link=lambda link: link.url,
            image=lambda image: f"https://a.example/i/{image.file_name}",
            unsubscribe="https://a.example/u/{key}",
            view="https://a.example/v/{key}",
            preferences="https://a.example/preferences/{key}",
            public="https://a.example",
        ),
    )


def merged(compilation: Compilation, key: str = "KEY", **member: str | None) -> Merged:
    """The mail for a member with these fields."""
    return plan(compilation).render(member, LinkKeys(*[key] * 5))
