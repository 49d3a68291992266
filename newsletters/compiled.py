"""Define the compiled email, the immutable result of compiling a newsletter, and its JSON.

Subject, HTML and text hold tokens (see `tokens`); each token stands for one of the rows defined here. The database
keeps the JSON of everything that was sent, so its keys and trees never change their meaning.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from newsletters.tokens import STILL, Mint

# A small tree of lists, strings and numbers that JSON can carry; `newsletters.expressions.trees` reads it.
Tree = Any

Context = Literal["html", "attribute", "url", "url_part", "text", "header"]


@dataclass(frozen=True)
class Slot:
    """A place for one value of a member: an expression, and the context it is escaped for.

    The context `url` is a whole URL, `url_part` a piece of one; both occur only in links. `file` and `line` are the
    author's.
    """

    index: int
    expression: Tree
    context: Context
    fields: tuple[str, ...]
    line: int = 0
    file: str = ""


@dataclass(frozen=True)
class Condition:
    """A part shown only to some members, and the test that decides."""

    index: int
    test: Tree
    fields: tuple[str, ...]
    line: int = 0
    file: str = ""


@dataclass(frozen=True)
class Link:
    """A link in the HTML; `url` may hold slot tokens, `text` is what readers see of it."""

    index: int
    url: str
    text: str
    tracked: bool


@dataclass(frozen=True)
class Image:
    """An image by the SHA-256 of its bytes (hex), with its natural size in pixels."""

    index: int
    hash: str
    media_type: str
    name: str
    width: int
    height: int
    alt: str

    @property
    def file_name(self) -> str:
        """Return a name that is unique to the content, with the extension of its type."""
        ending = {"image/jpeg": "jpg", "image/svg+xml": "svg"}.get(self.media_type, self.media_type.rpartition("/")[2])
        return f"{self.hash}.{ending}"


@dataclass(frozen=True)
class CopyUse:
    """A copy block that the newsletter used, as it was when compiled."""

    id: str
    version: str
    approved_by: str
    title: str = ""
    expires: str = ""  # ISO date; empty: never


@dataclass(frozen=True)
class CompiledEmail:
    """One newsletter × brand × language, ready to be merged with any number of members.

    `from_address` is "Name <address>", `reply_to` only an address; if empty, the list's own is used.
    `hash` (SHA-256, hex) covers everything but the random part of the tokens and the places in the source.
    """

    nonce: str
    subject: str
    preheader: str
    html: str
    text: str
    slots: tuple[Slot, ...] = ()
    conditions: tuple[Condition, ...] = ()
    links: tuple[Link, ...] = ()
    images: tuple[Image, ...] = ()
    fields: tuple[str, ...] = ()
    language: str = "en"
    direction: str = "ltr"
    title: str = ""
    toolkit: str = ""
    layout: str = ""
    copy_blocks: tuple[CopyUse, ...] = ()
    from_address: str = ""
    reply_to: str = ""
    # What pages show of the brand (page_look.py); emails that were compiled before it was kept have none.
    look: Mapping[str, str] = field(default_factory=dict, compare=False)
    hash: str = field(default="", compare=False)

    @property
    def mint(self) -> Mint:
        """Return the mint that made this email's tokens."""
        return Mint(self.nonce)

    def hashed(self) -> CompiledEmail:
        """Return the same email with its hash."""
        content = asdict(self)
        # The look repeats what the HTML shows, and older emails have none.
        del content["hash"], content["look"]
        for row in content["slots"] + content["conditions"]:
            # The place in the source is for errors; the same newsletter in another folder has the same hash.
            del row["file"], row["line"]
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        still = canonical.replace(self.mint.mark, Mint(STILL).mark).replace(
            f'"nonce":"{self.nonce}"', f'"nonce":"{STILL}"'
        )
        return replace(self, hash=hashlib.sha256(still.encode()).hexdigest())

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts and lists, as the database keeps them."""
        content: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> CompiledEmail:
        """Return the email that `to_json` wrote."""
        rows: dict[str, Any] = {name: tuple(_row(row, of) for row in content[name]) for name, of in _ROWS.items()}
        plain = {item.name: content[item.name] for item in fields(cls) if item.name in content.keys() - rows.keys()}
        return cls(**{**plain, **rows, "fields": tuple(content["fields"])})


_ROWS: dict[str, type] = {
    "slots": Slot, "conditions": Condition, "links": Link, "images": Image, "copy_blocks": CopyUse,
}  # fmt: skip


def _row(row: Mapping[str, Any], of: type) -> Any:
    values = dict(row)
    if "fields" in values:
        values["fields"] = tuple(values["fields"])
    return of(**values)
