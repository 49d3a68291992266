"""The editor's view of a text that is being written, saved or not: pieces, errors, findings, and the mail itself.

Two calls, each for one language: `look_at` after a change, and `show` for a frame. They compile once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from sqlalchemy import Connection

from daisychain.errors import InputError
from newsletters.checks import Finding, Subject, families, with_mistakes
from newsletters.compose.compiler import Compilation
from newsletters.compose.languages import speakers
from newsletters.compose.mjml import mark_number, marked_html
from newsletters.merge.merge import References, plan_merge
from newsletters.people import People
from newsletters.pieces.outline import SourcePiece, cut, piece_at
from newsletters.preview.live_compile import live_compile
from newsletters.preview.preview import INERT
from newsletters.stored.manuscripts import StoredManuscript
from newsletters.toolkits.images import image_path, keep_images
from newsletters.toolkits.toolkit import current_day

# A newsletter has some 5 kB. More than this is not compiled while somebody types.
MAX_LIVE_BYTES = 40_000
MAX_PIECES = 300
CHECK_SECONDS = 2.0

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src {}; sandbox; frame-ancestors 'self'"
_DARK = re.compile(r"\(prefers-color-scheme:\s*dark\)")
_SCHEMES = re.compile(r"(color-schemes?: )light dark")
_TAG = re.compile(r"<!--(.*?)-->|<[A-Za-z][^<>]*>", re.DOTALL)


@dataclass(frozen=True)
class PlacedFinding:
    """A finding with its piece, by position, and its line; None if it is about the whole mail or a toolkit's copy."""

    finding: Finding
    piece: int | None
    line: int | None


@dataclass(frozen=True)
class EditorView:
    """A text in pieces, with what is `to_fix` (a send is blocked) and `to_look_at`, in reading order.

    `unfinished` if not all checks were made, as they took too long.
    """

    pieces: Sequence[SourcePiece]
    to_fix: Sequence[PlacedFinding]
    to_look_at: Sequence[PlacedFinding]
    compiles: bool
    unfinished: bool = False

    def errors_of(self, piece: int) -> list[Finding]:
        """Return the compiler's errors in a piece, which is best shown as source then."""
        return [each.finding for each in self.to_fix if each.piece == piece and each.finding.code == "compile-error"]


@dataclass(frozen=True)
class ShownMail:
    """A mail as one person gets it: `html` has an id `p3` where the piece 3 begins; `policy` is its page's CSP."""

    subject: str
    preheader: str
    html: str
    text: str
    policy: str


def look_at(
    connection: Connection, manuscript: StoredManuscript, language: str = "", people: People | None = None,
    *, who: str = "",
) -> EditorView:  # fmt: skip
    """Return the view of one language's text; raises InputError only for a text that is too large to be looked at.

    Both calls raise Busy while this process has other texts to compile, or has compiled too much for `who`.
    """
    pieces = _pieces(manuscript, language)
    made = live_compile(connection, manuscript, language, people, who)
    people = people and _readers(manuscript, language, people)
    checked, unfinished = _checked(made.compilation, people) if made.compilation else ([], False)
    found = with_mistakes(checked, made.mistakes)
    placed = [_placed(finding, pieces, manuscript.file_of(language)) for finding in found]
    return EditorView(
        pieces,
        [each for each in placed if each.finding.severity == "error"],
        [each for each in placed if each.finding.severity != "error"],
        compiles=made.compilation is not None and not made.mistakes.found,
        unfinished=unfinished,
    )


def show(
    connection: Connection,
    manuscript: StoredManuscript,
    language: str = "",
    *,
    member: Mapping[str, Any] | None = None,
    people: People | None = None,
    dark: bool = False,
    images: bool = True,
    public_url: str = "",
    who: str = "",
) -> ShownMail | None:
    """Return the mail for `member`, or without anybody's values, less what has errors; None if nothing can be made.

    Its pictures, which are stored, have paths of this host; other addresses begin with `public_url`. Raises InputError.
    """
    pieces = _pieces(manuscript, language)
    compilation = live_compile(connection, manuscript, language, people, who).compilation
    if compilation is None:
        return None
    keep_images(connection, compilation.images)
    email = replace(compilation.email, html=_anchored(compilation, pieces, manuscript.file_of(language)))
    # On this host, whatever its name is in the address of whoever looks.
    folder = re.sub(r"^\w+://[^/]*", "", public_url)
    references = References(
        link=lambda link: link.url, image=lambda image: folder + image_path(image.hash, image.media_type),
        unsubscribe=INERT, view=INERT, preferences=INERT, public=public_url,
    )  # fmt: skip
    mail = plan_merge(email, references).render(member or {})
    line = plan_merge(replace(email, subject=email.preheader, html="", text=""), references).render(member or {})
    html = _DARK.sub("all" if dark else "not all", mail.html)
    html = _SCHEMES.sub(rf"\g<1>{'dark' if dark else 'light'}", html)
    return ShownMail(mail.subject, line.subject, html, mail.text, mail_policy(images=images))


def mail_policy(*, images: bool = True) -> str:
    """Return the policy of a page that is a mail: no script, and no pictures but our own."""
    return _POLICY.format("'self'" if images else "'none'")


def _checked(compilation: Compilation, people: People | None) -> tuple[list[Finding], bool]:
    """Return the findings of all checks, or of those that begin within the time; the second value: were some left?"""
    subject, until = Subject(compilation, people, current_day()), monotonic() + CHECK_SECONDS
    found: list[Finding] = []
    for family in families():
        if monotonic() > until:
            return found, True
        found += family.check(subject) if hasattr(family, "check") else ()
    return found, False


def _pieces(manuscript: StoredManuscript, language: str) -> tuple[SourcePiece, ...]:
    text = manuscript.contents.texts.get(language)
    if text is None:
        raise InputError(f"There is no text in {language!r}.")
    size = len(text.encode(errors="replace"))
    pieces = cut(text) if size <= MAX_LIVE_BYTES else ()
    if not size or size > MAX_LIVE_BYTES or len(pieces) > MAX_PIECES:
        raise InputError(
            "This text is empty or too large to be looked at while it is written.",
            hint=f"At most {MAX_LIVE_BYTES:,} bytes and {MAX_PIECES} pieces; it is saved nevertheless.",
        )
    return pieces


def _readers(manuscript: StoredManuscript, language: str, people: People) -> People:
    """Return the people who get this language, as a campaign would give it to them."""
    others = [each for each in manuscript.contents.texts if each]
    with suppress(InputError):
        first = manuscript.document("")
        codes = [first.language, *others]
        return (
            speakers(people, language or first.language, codes, first.fallback or first.language) if others else people
        )
    return people


def _placed(finding: Finding, pieces: Sequence[SourcePiece], file: str) -> PlacedFinding:
    place, _, number = finding.place.rpartition(":")
    line = int(number) if place == file and number.isdigit() else None
    return PlacedFinding(finding, piece_at(pieces, line) if line else None, line)


def _anchored(compilation: Compilation, pieces: Sequence[SourcePiece], file: str) -> str:
    """Return the email's HTML with an id at the first tag of each piece that shows something."""
    html = compilation.email.html
    marked, tags = [], 0
    for found in _TAG.finditer(marked_html(compilation.mjml, compilation.css)):
        number = mark_number(found[1], None) if found[1] is not None else None
        marked += [(tags, number)] if number is not None else []
        tags += found[1] is None
    starts = [found.end() for found in _TAG.finditer(html) if found[1] is None]
    if len(starts) != tags:
        return html
    at: dict[int, int] = {}
    for piece, number in zip(_pieces_of(compilation, pieces, file, marked), (each for each, _ in marked), strict=True):
        if piece is not None and number < len(starts):
            at.setdefault(piece, number)
    for piece, number in sorted(at.items(), key=lambda item: -item[1]):
        end = starts[number] - (2 if html[starts[number] - 2] == "/" else 1)
        html = f'{html[:end].rstrip()} id="p{piece}"{html[end:]}'
    return html


def _pieces_of(
    compilation: Compilation, pieces: Sequence[SourcePiece], file: str, marked: Sequence[tuple[int, int]]
) -> Iterator[int | None]:
    """Yield the piece of each mark; a mark in a toolkit's file is of the next piece that takes copy from there."""
    language, toolkit, current = compilation.document.language, compilation.toolkit, 0
    for _, number in marked:
        place, line = compilation.places[number]
        if place == file:
            found = piece_at(pieces, line)
        else:
            names = {name for name, block in toolkit.copy.items() if block.file == place}
            found = next(
                (at for at in range(current, len(pieces)) if pieces[at].kind == "copy"
                 and names & {pieces[at].name, f"{pieces[at].name}.{language}"}), None,
            )  # fmt: skip
        current = found if found is not None else current
        yield found
