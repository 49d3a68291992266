"""Merge: members' fields are on the list, have a value for everybody, and no merge field is left over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from newsletters.checks.finding import Code, Finding, Subject
from newsletters.compiled import CompiledEmail, Condition, Slot
from newsletters.documents.document import MEMBER_FIELDS
from newsletters.expressions.list_values import NO_VALUE_PATTERN, NOT_PLAIN_NUMBER, is_no_value, number_of
from newsletters.expressions.trees import fields_as_numbers, holes, surely_present
from newsletters.people import People
from newsletters.tokens import Kind, Token

UNKNOWN_FIELD = Code(
    "merge-unknown-field", "error", "A field that nobody on the list has",
    why="It would be empty in every mail.", fix="Import it, or delete it from the newsletter.",
)  # fmt: skip
EMPTY_FIELD = Code(
    "merge-empty-field", "error", "A field that is empty for some people, and has no default",
    why="Their mail would have a hole where the value should be.",
    fix='Give it a default: {{ member.field | default("…") }}, or put {% if member.field %} around it.',
)  # fmt: skip
LEFT_OVER = Code(
    "merge-left-over", "error", "A merge field that would be sent as text",
    why="Readers would see the code of a merge field, often another tool's.",
    fix="Write it as {{ member.field }}, or delete it.",
)  # fmt: skip
LONG_VALUE = Code(
    "merge-long-value", "hint", "A value that is much longer than the others",
    why="A value of that length breaks a heading or a button, or is not a name at all.",
    fix="Look at it in a preview with --member, and correct it in the list.",
)  # fmt: skip
NO_VALUE = Code(
    "merge-no-value", "hint", "Values that say that there is none, such as NULL, N/A or a dash",
    why="They count as empty, so that nobody is greeted as NULL.",
    fix="Look at the mail of one of these people in a preview with --member, and correct the list.",
)  # fmt: skip
NOT_A_NUMBER = Code(
    "merge-not-a-number", "warning", "Values that are compared with a number, and are none",
    why="For these people the comparison never holds, so they get the else part.",
    fix="Correct them in the list: 1700, £1,700 and 1.700,50 are numbers, and 42 years is not.",
)  # fmt: skip
NO_LIST = Code(
    "merge-no-list", "hint", "A field without a default, and no list was named",
    why="A field that is empty leaves a hole in somebody's mail.",
    fix="Check again with --list LIST, or give it a default.",
)  # fmt: skip


def _tag(opens: str, closes: str) -> str:
    """Return the pattern of a tag on one line that holds no other: so each sign is read once, closed or not."""
    return rf"{opens}(?:(?!{opens}|{closes}).)*+{closes}"


# Ours, Mailchimp's (whose asterisks Markdown takes for emphasis), Mailgun's, Dotdigital's, Campaign Monitor's;
# MailPoet's; Salesforce's AMPscript.
_LEFT_OVER = re.compile(
    "|".join((
        _tag(r"\{\{", r"\}\}"), _tag(r"\{%", r"%\}"), _tag("%%=", "=%%"), _tag(r"%%\[", r"\]%%"), _tag(r"\$\{", r"\}"),
        r"\|[A-Z][A-Z0-9_:]+\|", r"%recipient\.\w+%", "@(?:FIRST|LAST|FULL)_?NAME@", r"%%[\w .:-]+%%", r"\$[A-Z]{3,}\$",
        r"\[(?:firstname|lastname|fullname|email)(?:,[^\[\]\n]*)?\]",
        r"\[(?:subscriber|user|newsletter|date):[^\[\]\n]+\]",
    ))
)  # fmt: skip
# In words only, as CSS and addresses have such signs too: single and spaced braces, Salesforce's and MailerLite's;
# Constant Contact's and Mailjet's; ActiveCampaign's; Infusionsoft's; Word's own and others' angle brackets; and
# what is left of a tag that was opened in another way.
_LEFT_OVER_IN_WORDS = re.compile(
    "|".join((
        _tag(r"\{ ?[{%] ", r"[}%] ?\}"), _tag("<%", "%>"),
        r"\{[ #/^!$]?[A-Za-z_][^{}\n]{0,80}\}", r"\[\[[^\[\]\n]{1,80}\]\]", r"(?<![\d%])%[A-Za-z][\w.-]{2,40}%",
        r"~[A-Z]\w+\.\w+~", r"«(?:(?:\w*+ )*+[^\W_]*+_\w*+|(?i:first|last|full)? ?(?i:name))»", "##[A-Z][A-Z_]+##",
        "<<[A-Za-z_ ]+>>", r"\}\}", r"%\}",
        r"\[(?i:first[ _]?name|last[ _]?name|full[ _]?name|[fl]name|email)(?:[ ,:|][^\[\]\n]*)?\]",
    ))
)  # fmt: skip
_IN_ADDRESSES = re.compile(r"\{[A-Za-z_][\w. |]*\}|\[\[\w+\]\]|(?<=[=/])%[A-Z]{3,}%")
# This is how an author writes two braces that readers are to see: {{ "{{" }}.
_BRACES = re.compile(r"\{\{\s*(\"[^\"{]*\{\{[^\"]*\"|'[^'{]*\{\{[^']*')\s*\}\}")
_ONE_BREAK = re.compile(r"(?<!\n)\n(?!\n)")
LONGEST_VALUE = 60  # characters
_SHOWN = 20  # characters of a value in a finding
_READ = ("html", "header")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings about members' fields."""
    yield from _left_over(subject)
    people = subject.people
    if people is None:
        for hole, slot in unguarded(subject.email).items():
            message = f"No list was named, so nobody checked who has {_names(sorted(hole))}, which has no default."
            yield NO_LIST.at(f"{slot.file}:{slot.line}", message)
        return
    known = people.fields() | MEMBER_FIELDS
    for field in subject.email.fields:
        if field not in known:
            place = _place(subject.email, field) or subject.document.place("fields")
            yield UNKNOWN_FIELD.at(place, f"Nobody on the list {people.name!r} has the field {field!r}.")
    for hole, slot in unguarded(subject.email).items():
        yield from _empty(people, hole, slot)
    yield from _values(subject, people)
    yield from _long(subject.email, people)


def unguarded(email: CompiledEmail) -> dict[frozenset[str], Slot]:
    """Return the sets of fields that leave a hole if all of a set are empty, each with its first slot."""
    slots = {slot.index: slot for slot in email.slots}
    found: dict[frozenset[str], Slot] = {}
    for part in (email.subject, email.html, email.text):
        for slot, present in _slots_in(email, part, frozenset()):
            for hole in holes(slots[slot].expression, present):
                if hole:
                    found.setdefault(hole, slots[slot])
    return found


def _slots_in(email: CompiledEmail, text: str, present: frozenset[str]) -> Iterator[tuple[int, frozenset[str]]]:
    """Yield the slots of `text`, each with the fields that can't be empty when it is shown."""
    held = [present]
    for piece in email.mint.split(text):
        match piece:
            case Token(kind=Kind.BEGIN):
                held.append(held[-1] | surely_present(email.conditions[piece.index].test))
            case Token(kind=Kind.OTHERWISE):
                held[-1] = held[-2]
            case Token(kind=Kind.END):
                held.pop()
            case Token(kind=Kind.SLOT):
                yield piece.index, held[-1]
            case Token(kind=Kind.LINK):
                yield from _slots_in(email, email.links[piece.index].url, held[-1])


def _empty(people: People, hole: frozenset[str], slot: Slot) -> Iterator[Finding]:
    fields = sorted(hole)
    # If one of several fields is enough, at most the people who lack the best-filled one lack all.
    empty, count = min(people.empty(each) + sum(no_values(people, each).values()) for each in fields), people.count()
    if empty:
        yield EMPTY_FIELD.at(
            f"{slot.file}:{slot.line}",
            f"{_names(fields)} is empty for {'up to ' if len(fields) > 1 else ''}{empty:,} of {count:,} people on the "
            "list, and has no default.",
            fix=f'Write {{{{ member.{fields[0]} | default("…") }}}}, or put {{% if member.{fields[0]} %}} around it.',
        )


def no_values(people: People, field: str) -> Mapping[str, int]:
    """Count the people by each value of `field` that says that there is none."""
    return people.values(field, NO_VALUE_PATTERN)


def _values(subject: Subject, people: People) -> Iterator[Finding]:
    """Yield findings about values that count as empty, and about those that are no numbers and should be."""
    email, count = subject.email, people.count()
    trees = [slot.expression for slot in email.slots] + [row.test for row in email.conditions]
    numbers = set().union(*map(fields_as_numbers, trees))
    for field in email.fields:
        place = _place(email, field) or subject.document.file
        if found := no_values(people, field):
            yield NO_VALUE.at(place, f"{_shown_values(field, found)} for {sum(found.values()):,} of {count:,} people.")
        rest = people.values(field, NOT_PLAIN_NUMBER) if field in numbers else {}
        wrong = {each: rest[each] for each in rest if not (number_of(each) or is_no_value(each))}
        if wrong:
            words = (
                f"{_shown_values(field, wrong)}, which is no number, for {sum(wrong.values()):,} of {count:,} people."
            )
            yield NOT_A_NUMBER.at(place, words)


def _shown_values(field: str, found: Mapping[str, int]) -> str:
    shown = [repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…") for value in list(found)[:3]]
    return f"{field!r} is {' or '.join(shown)}{' and so on' if len(found) > len(shown) else ''}"


def _long(email: CompiledEmail, people: People) -> Iterator[Finding]:
    """Yield a finding for each shown field with a value too long for most layouts."""
    shown = {slot.fields[0]: slot for slot in reversed(email.slots) if len(slot.fields) == 1 and slot.context in _READ}
    for field in sorted(shown):
        longest = people.longest(field)
        if len(longest) > LONGEST_VALUE:
            slot = shown[field]
            yield LONG_VALUE.at(
                f"{slot.file}:{slot.line}",
                f"The longest {field!r} on the list has {len(longest)} characters, and begins {longest[:20]!r}.",
            )


def _left_over(subject: Subject) -> Iterator[Finding]:
    email = subject.email
    meant = _BRACES.search(subject.document.body)
    seen: set[str] = set()
    words = (
        (email.subject, "subject"), (email.preheader, "preheader"), (email.from_address, "from"), (email.text, ""),
    )  # fmt: skip
    links = "\n".join(unquote(subject.plain(link.url)) for link in email.links)
    everywhere = ((part, key, _LEFT_OVER) for part, key in (*words, (email.html, "")))
    # A tag may be on two lines of the text.
    in_words = ((_ONE_BREAK.sub(" ", subject.plain(part)), key, _LEFT_OVER_IN_WORDS) for part, key in words)
    in_links = ((links, "", pattern) for pattern in (_LEFT_OVER, _IN_ADDRESSES))
    for part, key, pattern in (*everywhere, *in_words, *in_links):
        for found in pattern.findall(part):
            if not (meant and found[0] in "{}") and not any(found in other for other in seen):
                seen.add(found)
                place = subject.document.place(key) if key else subject.place_of(found)
                yield LEFT_OVER.at(place, f"{found!r} would be sent as text.")


def _place(email: CompiledEmail, field: str) -> str:
    rows: tuple[Slot | Condition, ...] = (*email.slots, *email.conditions)
    for row in rows:
        if field in row.fields:
            return f"{row.file}:{row.line}"
    return ""


def _names(fields: Iterable[str]) -> str:
    return ", ".join(repr(field) for field in fields)
