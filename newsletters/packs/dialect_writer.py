"""Dialect writer: a compiled email in the dialect of one tool, with merge tags for its slots and whole links."""

from __future__ import annotations

import html as htmllib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from daisychain.errors import InputError
from daisychain.urls import absolute_url
from newsletters.compiled import CompiledEmail, Condition, Image, Link, Slot, Tree
from newsletters.compose.compose import phrases
from newsletters.compose.isolates import BY_ITSELF, END
from newsletters.compose.mjml_rules import MARK
from newsletters.expressions.trees import VALUES
from newsletters.merge.branching import branches
from newsletters.merge.link_removal import EMPTY_PARAGRAPH, links_to, without_links
from newsletters.packs.dialects.dialect import Dialect
from newsletters.packs.partner_links import Marking
from newsletters.tokens import Kind, Token

# Stands for the partner's postal address in a compiled email, which each dialect writes its own way.
ADDRESS = "daisychainpostaladdress"
# Used in packs without branding if the tool has no tag for it; the organisation that sends them replaces it.
YOUR_ORGANISATION = "YOUR ORGANISATION"
_NAMED = re.compile(rf"(<strong>)[^<]*(</strong>\s*<br\s*/?>\s*)(?={ADDRESS})")
_SENDER = re.compile(rf"(?:{_NAMED.pattern}|(?<=\n-- \n)(?:[^\n]+\n)+?)(?={ADDRESS})")
_ADDRESS_LINE = re.compile(rf"{ADDRESS}(?:\s*<br\s*/?>|\n)?")
_YOURS = re.compile(r"\bYOUR\s+ORGANISATION\b")

_HREF = re.compile(r'(\bhref=")([^"]*)(")')
_MOST_COUNTED = 6  # a number of a list that depends on five conditions is written in 32 ways


@dataclass(frozen=True)
class Written:
    """A newsletter in one dialect; `asked` are the tool's own names of the fields that it uses."""

    subject: str
    preheader: str
    html: str
    text: str
    asked: tuple[str, ...]
    defaults: Mapping[str, str]


@dataclass(frozen=True)
class Wording:
    """The way to write a pack's links and pictures, and the lines of its postal address.

    With `otherwise`, the `else` part stands for a condition that the tool can't express.
    """

    link: Callable[[Link], str]
    image: Callable[[Image], str]
    public: str
    address: str
    otherwise: bool = False


def write(email: CompiledEmail, dialect: Dialect, wording: Wording) -> Written:
    """Return `email` in `dialect`; raises InputError with the author's place for what the tool can't do."""
    writer = _DialectWriter(email, dialect, wording)
    html = writer.furnished_html(email.html)
    subject, preheader = _lines(email, dialect, wording, writer)
    written = Written(
        subject=subject,
        preheader=preheader,
        html=writer.addressed(writer.part(html, _escape), _escape),
        text=writer.addressed(writer.part(writer.furnished_text(email.text), _plain, text=True), _plain),
        asked=tuple(sorted(writer.asked)),
        defaults=writer.defaults,
    )
    _require(written, dialect)
    return written


def write_lines(email: CompiledEmail, dialect: Dialect, wording: Wording) -> tuple[str, str]:
    """Return the subject and preheader of `email` in `dialect`; raises InputError for what the tool can't do."""
    for line in (email.subject, email.preheader):
        _refuse_signs(email.mint.strip(line), "subjects and preheaders", dialect)
    return _lines(email, dialect, wording, _DialectWriter(email, dialect, wording))


def _lines(email: CompiledEmail, dialect: Dialect, wording: Wording, whole: _DialectWriter) -> tuple[str, str]:
    """Return subject and preheader; the fields in them are asked for by the `whole` if the tool fills them in."""
    writer = _DialectWriter(email, dialect.in_subjects, wording) if dialect.plain_subject else whole
    return writer.part(email.subject, _plain), writer.part(email.preheader, _plain)


def refuse_collisions(email: CompiledEmail, dialect: Dialect, address: str = "") -> None:
    """Raise InputError if the content, or the postal `address`, has text that the tool would take for its own tag."""
    page, text = (
        email.mint.strip(rewritten(content, dialect, part, leave_out=dialect.must_have))
        for content, part in ((email.html, "page"), (email.text, "text"))
    )
    shown = {
        "subject": email.mint.strip(email.subject),
        "text": text,
        "page": page,
        "links": " ".join(email.mint.strip(link.url) for link in email.links),
        # It comes into page and text last of all, unless the tool has a tag for it.
        "postal address": "" if dialect.address else f"{address}\n{_escape(address)}",
    }
    for where, content in shown.items():
        _refuse_signs(content, where, dialect)


def _refuse_signs(content: str, where: str, dialect: Dialect) -> None:
    for never in dialect.never:
        if found := never.pattern.search(content):
            raise InputError(
                f"{dialect.name} would read {found[0]!r} in the {where} as its own: {never.why}",
                hint="Write it otherwise where it comes from: the newsletter, a copy block or the partner's own words.",
            )


def rewritten(content: str, dialect: Dialect, part: str, leave_out: Sequence[str] = ()) -> str:
    """Return `content` (the `page` or the `text`) rewritten for the tool, without the words to `leave_out`."""
    for each in dialect.rewrite:
        if each.part == part:
            by = each.by
            for words in leave_out:
                by = by.replace(words, "")
            content = each.pattern.sub(by, content)
    return content


def _require(written: Written, dialect: Dialect) -> None:
    if dialect.largest and (size := len(written.html.encode())) > dialect.largest:
        raise InputError(
            f"The page has {size:,} bytes, and {dialect.name} takes {dialect.largest:,} at most.",
            hint="Leave some blocks out.",
        )
    for needed in dialect.must_have:
        if needed not in written.html:
            raise InputError(
                f"{dialect.name} refuses a campaign without {needed}, and the layout has no place for it.",
                hint="Use a layout whose footer has an address and an unsubscribe link.",
            )


def _direction(text: str) -> str:
    """Return the direction of the first letter in `text`."""
    kinds = map(unicodedata.bidirectional, text)
    return "rtl" if next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L" else "ltr"


def _plain(text: str) -> str:
    return text


def _escape(text: str) -> str:
    return htmllib.escape(text)


class _DialectWriter:
    def __init__(self, email: CompiledEmail, dialect: Dialect, wording: Wording) -> None:
        self._email = email
        self._mint = email.mint
        self._dialect = dialect
        self._wording = wording
        self._slots = {slot.index: slot for slot in email.slots}
        self._conditions = {row.index: row for row in email.conditions}
        self._links = {link.index: link for link in email.links}
        self._images = {image.index: image for image in email.images}
        self._leave = phrases(email.language).get("reply_to_leave", "")
        self.asked: set[str] = set()
        self.defaults: dict[str, str] = {}

    def furnished_html(self, html: str) -> str:
        """Return `html` with the footer's links as the dialect has them: a link, an element, words or nothing."""
        dialect = self._dialect
        # A word to our own provider, which no other tool understands.
        html = rewritten(html, dialect, "page").replace(' clicktracking="off"', "")
        if dialect.reply_to_leave:
            html = links_to(self._mint.write(Kind.UNSUBSCRIBE)).sub(lambda match: _escape(self._leave), html)
        for kind, link, element in (
            (Kind.UNSUBSCRIBE, dialect.unsubscribe, dialect.unsubscribe_element),
            (Kind.VIEW, dialect.view, dialect.view_element),
            (Kind.PREFERENCES, "", ""),  # the page is about our lists, and its key of our readers
        ):
            found = links_to(self._mint.write(kind))
            if element:
                html = found.sub(lambda match, e=element: e.replace("{words}", match[1]), html)  # type: ignore[misc]
            elif not link:
                html = without_links(html, self._mint.write(kind))
        return html

    def furnished_text(self, text: str) -> str:
        """Return `text` with the lines of those links as the dialect has them."""
        dialect = self._dialect
        leave, view = self._mint.write(Kind.UNSUBSCRIBE), self._mint.write(Kind.VIEW)
        leaves, views = dialect.unsubscribe or dialect.unsubscribe_text, dialect.view or dialect.view_text
        ours = self._mint.write(Kind.PREFERENCES)
        lines = []
        for line in rewritten(text, dialect, "text").split("\n"):
            if dialect.reply_to_leave and leave in line:
                lines.append(self._leave)
            elif not (ours in line or (leave in line and not leaves) or (view in line and not views)):
                lines.append(line)
        return "\n".join(lines)

    def addressed(self, text: str, escape: Callable[[str], str]) -> str:
        """Return `text` with the postal address as the dialect has it, else as the partner gave it."""
        between = ", " if escape is _escape else "\n"
        lines = [self._dialect.address] if self._dialect.address else [*map(escape, self._wording.address.splitlines())]
        if self._email.direction == "rtl":
            begin, end = ('<span dir="auto">', "</span>") if escape is _escape else (BY_ITSELF, END)
            lines = [f"{begin}{line}{end}" for line in lines]
            if len(lines) > 1 and escape is _escape:  # or its lines would stand in the mail's order
                lines = [f'<span dir="{_direction(self._wording.address)}">{between.join(lines)}</span>']
        if self._dialect.organisation in self._dialect.must_have:
            text = _NAMED.sub(lambda match: f"{match[1]}{self._dialect.organisation}{match[2]}", text)
        if self._dialect.names_sender:
            text = _SENDER.sub("", text)
            text = text if self._dialect.address else EMPTY_PARAGRAPH.sub("", _ADDRESS_LINE.sub("", text))
        text = text.replace(ADDRESS, between.join(lines))
        return _YOURS.sub(lambda match: self._dialect.organisation or match[0], text)

    def part(self, content: str, escape: Callable[[str], str], *, text: bool = False) -> str:
        return self._pieces(list(self._mint.split(content)), escape, text)

    def _pieces(self, items: Sequence[str | Token], escape: Callable[[str], str], text: bool) -> str:
        written: list[str] = []
        position = 0
        while position < len(items):
            item = items[position]
            if isinstance(item, Token) and item.kind is Kind.BEGIN:
                then, otherwise, position = branches(list(items), position)
                yes, no = (partial(self._pieces, branch, escape, text) for branch in (then, otherwise))
                written.append(self._condition(self._conditions[item.index], yes, no))
            else:
                written.append(item if isinstance(item, str) else self._token(item, escape, text))
            position += 1
        return "".join(written)

    def _token(self, token: Token, escape: Callable[[str], str], text: bool) -> str:
        dialect, wording = self._dialect, self._wording
        match token.kind:
            case Kind.SLOT:
                return self._slot(self._slots[token.index], escape)
            case Kind.LINK:
                return escape(wording.link(self._links[token.index]))
            case Kind.IMAGE:
                return escape(wording.image(self._images[token.index]))
            case Kind.UNSUBSCRIBE:
                return (dialect.unsubscribe_text if text else "") or dialect.unsubscribe
            case Kind.VIEW:
                return (dialect.view_text if text else "") or dialect.view
            case Kind.PUBLIC:
                return wording.public
        raise ValueError(f"{token.text} has no place in a pack")

    def _slot(self, slot: Slot, escape: Callable[[str], str]) -> str:
        if slot.context.startswith("url"):
            self._cant("put a person's field into a link", slot, "Take the field out of the link's address.")
        written = self._words(slot.expression, slot, escape)
        if slot.context == "attribute" and '"' in written:
            self._cant("put a field there", slot, "Take the field out of the alt text or title.")
        return written

    def _words(self, tree: Tree, at: Slot | Condition, escape: Callable[[str], str]) -> str:
        kind, *rest = tree
        if kind == "const":
            return escape(str(rest[0]))
        if kind in VALUES:
            return self._field(rest[0], at)
        if kind == "default" and rest[0][0] in VALUES:
            return self._with_default(rest[0][1], rest[1], at, escape)
        if kind == "or" and len(rest) == 2 and rest[0][0] in VALUES and rest[1][0] == "const":
            return self._with_default(rest[0][1], str(rest[1][1]), at, escape)
        if kind == "concat":
            return "".join(self._words(part, at, escape) for part in rest)
        if kind == "count" and len(rest) <= _MOST_COUNTED:
            start, *tests = rest
            more = [["const", start]] if not tests else [["count", start + each, *tests[1:]] for each in (1, 0)]
            return self._words(["if", tests[0], *more] if tests else more[0], at, escape)
        if kind == "if":
            yes, no = (partial(self._words, part, at, escape) for part in rest[1:])
            return self._condition(Condition(0, rest[0], (), at.line, at.file), yes, no)
        return self._cant(
            "work out this expression",
            at,
            'Use a plain field with other words: {{ member.first_name | default("friend") }}.',
        )

    def _field(self, name: str, at: Slot | Condition) -> str:
        theirs = self._dialect.field_name(name)
        if not self._dialect.tag or theirs is None:
            self._cant(
                f"fill in the field {name!r}", at, f'Give other words: {{{{ member.{name} | default("friend") }}}}.'
            )
        return self._tag(theirs)

    def _tag(self, theirs: str) -> str:
        self.asked.add(theirs)
        return self._dialect.tags.get(theirs) or self._dialect.tag.replace("{name}", theirs)

    def _with_default(self, name: str, default: str, at: Slot | Condition, escape: Callable[[str], str]) -> str:
        dialect = self._dialect
        theirs = dialect.field_name(name)
        if not dialect.tag or theirs is None:
            return escape(default)
        if not dialect.with_default:
            self.defaults[theirs] = default
            return self._tag(theirs) if dialect.default_in_tool else escape(default)
        self.asked.add(theirs)
        return dialect.with_default.replace("{name}", theirs).replace("{default}", escape(self._quotable(default, at)))

    def _quotable(self, default: str, at: Slot | Condition) -> str:
        """Return `default` so that it can't end its own tag: with typographic quotes, and no signs of the dialect."""
        default = default.replace("'", "’")
        delimiters = set(re.sub(r"\{name\}|\{default\}|[A-Za-z0-9_.,:\s-]", "", self._dialect.with_default))
        if wrong := delimiters & set(default):
            self._cant(f"hold {min(wrong)!r} in the words {default!r}", at, "Choose words without that sign.")
        return default

    def _condition(self, row: Condition, yes: Callable[[], str], no: Callable[[], str]) -> str:
        """Return the part shown if the condition holds, and the part shown if not; a part is written only if used."""
        test, dialect, otherwise = row.test, self._dialect, no
        if test[0] == "not":
            test, yes, no = test[1], no, yes
        if test[0] not in VALUES:
            if self._wording.otherwise:
                return otherwise()
            self._cant("show a part to some people by this test", row, _ONE_TEST)
        name = dialect.field_name(test[1])
        if not dialect.tag and (there := no()):
            return there  # nobody has the field there, and the author has said what to show then
        if dialect.condition is None or name is None:
            if self._wording.otherwise:
                return no()
            self._cant("show a part to some people only", row, _ONE_TEXT)
        self.asked.add(name)
        begin, middle, end = (
            mark.replace("{name}", name)
            for mark in (dialect.condition.begin, dialect.condition.otherwise, dialect.condition.end)
        )
        second = no() if middle else ""
        return begin + yes() + (middle + second if second else "") + end

    def _cant(self, what: str, at: Slot | Condition, hint: str) -> NoReturn:
        raise InputError(f"{self._dialect.name} can't {what}.", file=at.file or None, line=at.line or None, hint=hint)


_ONE_TEST = (
    "Test only whether a field has a value, as in {% if member.first_name %}, or write one text for everybody. "
    "--else shows the else part to all."
)

_ONE_TEXT = (
    "Write one text for everybody in the newsletter that partners get, leave this tool out, "
    "or show the else part to all with --else."
)


def source(mjml: str, email: CompiledEmail, dialect: Dialect, wording: Wording, mark: Marking) -> str:
    """Return the MJML of `email` in `dialect`; its links, which it has whole, are marked and on the public URL."""

    def address(match: re.Match[str]) -> str:
        url = absolute_url(htmllib.unescape(match[2]), wording.public)
        return match[1] + htmllib.escape(mark.marked(url)) + match[3]

    writer = _DialectWriter(email, dialect, wording)
    linked = _HREF.sub(address, writer.furnished_html(MARK.sub("", mjml)))
    return writer.addressed(writer.part(linked, _escape), _escape)
