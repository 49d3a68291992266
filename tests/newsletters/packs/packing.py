"""Packs for tests: a small newsletter and a partner, made as real ones are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from newsletters.compose.blocks import registry
from newsletters.documents.document import parse_document
from newsletters.packs.dialects.dialect import dialects
from newsletters.packs.edition import Choices, Edition, open_edition
from newsletters.packs.material import gather
from newsletters.packs.pack import Pack, make_pack
from newsletters.packs.partner import Partner
from newsletters.toolkit_store.store import shipped_toolkit
from newsletters.toolkits.toolkit import Toolkit, load_files
from tests.newsletters import sample_toolkits

PUBLIC = "https://news.example.org"
TODAY = date(2026, 5, 12)
BODY = """\
::: hero "Come to the fair" image=tent
:::

Dear {{ member.first_name | default("friend") }},

::: copy welcome

::: button "Join us" href="{{ toolkit.links.join }}"

See [the toolkit](/toolkits/spring-fair), or [a map](https://maps.example/fair).
"""
SOCIAL = """\
---
id: post
title: A post
version: 1
approved by: A. Trustee
channels: social, web
length: short
---

Come to the fair! https://fairs.org.uk/join
"""
PARTNER = Partner(
    name="Bees of Bath",
    code="bees",
    reply="hello@bees.example",
    website="https://bees.example/",
    address="2 Hive Lane\nBath BA1 1AA",
    place="partner.yml:1",
)


# Each block of the house, with the pictures that the examples name.
EVERY_BLOCK = "\n\n".join(block.example for block in registry().blocks.values())
SHIPPED = {"toolkit": shipped_toolkit("community-makes-us")}


def kit(**copy: str) -> Toolkit:
    """A toolkit with the copy that `BODY` uses, and a post."""
    return load_files(sample_toolkits.files(**{"welcome": sample_toolkits.BLOCK, "post": SOCIAL, **copy}), "kit")


def edition(
    body: str = BODY, *, front: str = "", toolkit: Toolkit | None = None, folder: Path = Path(), **choices: Any
) -> Edition:
    """The edition of a newsletter with `body`."""
    head = front if "subject:" in front else f"subject: Hello\npreheader: And welcome\n{front}"
    text = f"---\ntoolkit: spring-fair\n{head.rstrip()}\n---\n{body}"
    document = parse_document(text, "may.md", folder)
    return open_edition(document, toolkit or kit(), Choices(PUBLIC, **choices), TODAY)


def packed(dialect: str, body: str = BODY, partner: Partner | None = PARTNER, **options: Any) -> Pack:
    """The pack of a newsletter with `body` in `dialect`."""
    return make_pack(gather(edition(body, **options), partner), dialects()[dialect])


def text(pack: Pack, path: str) -> str:
    """A file of a pack as text."""
    return pack.files[path].decode()


def texts(pack: Pack) -> Mapping[str, str]:
    """Every file of a pack that is text."""
    return {path: content.decode() for path, content in pack.files.items() if path.endswith((".html", ".txt", ".mjml"))}
