"""The newsletter without layout: what every block says is on the plain page and in the parts to paste."""

from __future__ import annotations

import re

import pytest

from newsletters.compiled import CompiledEmail
from newsletters.compose.blocks import Block, registry
from tests.newsletters.compiling import compiled

_IMAGE = re.compile(r"(?<==)(?:small-acts|hero)|(?<=::: image )small-acts")
_TOOLKIT = re.compile(r"\{\{ toolkit\.links\.toolkit \}\}")
MARKDOWN = """\
Come to the *fair* with **everybody**, see [a map](https://maps.example/fair).

1. One
   - nested

> He has got as far as the dunnock.

![Our tent](tent)

| town | streets |
|---|---:|
| Hull | 14 |
"""


def simple(body: str, front: str = "") -> CompiledEmail:
    """The plain form of a newsletter with `body`."""
    found = compiled(body, front=front, simple=True).simple
    assert found
    return found


@pytest.mark.parametrize("block", registry().blocks.values(), ids=lambda block: block.name)
def test_every_block_says_the_same_without_layout(block: Block) -> None:
    example = _TOOLKIT.sub("https://a.example/kit", _IMAGE.sub("tent", block.example))
    whole = compiled(example, simple=True)
    assert whole.simple
    assert {link.url for link in whole.email.links} == {link.url for link in whole.simple.links}
    body = whole.email.text.split("\n\n", 1)[1].split("-- \n")[0]
    for word in re.findall(r"[A-Za-z]{3,}", re.sub(r"https?://\S+", "", body)):
        assert word in whole.simple.html
        assert word in whole.simple.text


def test_markdown_keeps_its_lists_quotes_tables_and_pictures() -> None:
    page = simple(MARKDOWN).html
    for tag in ("<em>fair</em>", "<strong>everybody</strong>", "<ol", "<ul", "<blockquote", "<th ", 'alt="Our tent"'):
        assert tag in page
    assert "<style" not in page
    assert "text-align: right" in page


def test_the_plain_page_has_a_headline_even_if_the_newsletter_has_none() -> None:
    assert simple("Hi.").html.count("<h1") == 1
    assert simple("::: hero Fair\n:::\n").html.count("<h1") == 1


def test_what_was_compiled_is_the_same_with_and_without_its_plain_form() -> None:
    assert compiled(MARKDOWN).email.hash == compiled(MARKDOWN, simple=True).email.hash
