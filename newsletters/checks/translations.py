"""Translations: differences between languages, outdated copy, and who gets which language.

Each translation is compared with the first document: not its words, but everything that languages must share.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from newsletters.checks.finding import Code, Finding, Subject
from newsletters.compiled import Link
from newsletters.compose.languages import Languages
from newsletters.people import People

LINKS = Code(
    "translations-links", "warning", "A language with more or fewer links than the first",
    why="Some readers miss a link, and reports can't add up a link's clicks over the languages.",
    fix="Give each language the same links in the same order.",
)  # fmt: skip
ADDRESSES = Code(
    "translations-addresses", "hint", "A link that leads to another place than in the first language",
    why="It may be a page in the reader's language, or a typing mistake.", fix="Check that it is right.",
)  # fmt: skip
IMAGES = Code(
    "translations-images", "warning", "A language with more or fewer pictures than the first",
    why="Some readers miss what a picture shows.",
    fix="Use pictures in the same places, with their alt texts translated.",
)  # fmt: skip
FIELDS = Code(
    "translations-fields", "warning", "A language that does not use the same fields or conditions of members",
    why="Some readers are addressed differently, or see parts that are not for them.",
    fix="Write the same {{ member… }} and {% if %} in each language; values such as a town's name are not translated.",
)  # fmt: skip
BLOCKS = Code(
    "translations-blocks", "warning", "A language without the same blocks as the first",
    why="A story, a date or a button was left out, or added later.",
    fix="Use the same blocks in each language, or write `shorter: yes` into the translation's front matter.",
)  # fmt: skip
NUMBERS = Code(
    "translations-numbers", "warning", "A number that only one language has",
    why="Most numbers are dates, times, prices and telephone numbers, and a wrong one misleads people.",
    fix="Compare the two lines; it is right if one language writes the number as a word.",
)  # fmt: skip
COPY = Code(
    "translations-copy", "warning", "A copy block that is not translated into this language",
    why="It is sent in the toolkit's own language, inside a mail in another one.",
    fix="Ask for a translation, named after its language: welcome.cy beside welcome.",
)  # fmt: skip
OUTDATED = Code(
    "translations-outdated", "warning", "A copy block's translation of an older version",
    why="The original has changed since, and these readers would get its old text.",
    fix="Have the translation updated, and give it the version of the original.",
)  # fmt: skip
SUBJECT = Code(
    "translations-subject", "warning", "The same subject in two languages",
    why="It was probably not translated, and people decide by it whether to read on.", fix="Translate the subject.",
)  # fmt: skip
FALLBACK = Code(
    "translations-fallback", "warning", "Several languages, and no fallback",
    why="People who want another language get the first document's; that should be your decision.",
    fix="Add `fallback: en`, or another of the languages, to the front matter of the first document.",
)  # fmt: skip
UNSERVED = Code(
    "translations-unserved", "hint", "People whose language is not among the newsletter's",
    why="They get the fallback language.", fix="Add a translation, or accept it.",
)  # fmt: skip
UNREAD = Code(
    "translations-unread", "hint", "A language that nobody on the list gets",
    why="Nobody reads it; perhaps the list's languages are missing or written differently.",
    fix="Look at the language column of the list.",
)  # fmt: skip

_BLOCK = re.compile(r"^ {0,3}:{3,}[ \t]*(copy[ \t]+[\w-]+|[A-Za-z][\w-]*)", re.MULTILINE)
_ADDRESS = re.compile(r"https?://\S+|(?<!\S)\S[^\s@]*@\S+")  # as in readability, linear
# 1,000 and 1.000 and 1 000 are the same number in different languages.
_THOUSANDS = re.compile(r"(?<=\d)[,.٬\u00a0\u202f’](?=\d{3}(?!\d))")
_NUMBER = re.compile(r"\d{1,4000}")  # int() takes 4,300
_NOON = 12
_MOST_NAMED = 5


def compare(languages: Languages, people: People | None, today: date) -> Iterator[Finding]:
    """Yield findings about the translations, and about who gets which; none for a single language."""
    if len(languages.compilations) == 1:
        return
    first, *others = (Subject(made, None, today) for made in languages.compilations.values())
    if not first.document.fallback:
        code = languages.fallback
        yield FALLBACK.at(first.document.place("language"), f"People with any other language get it in {code!r}.")
    for other in others:
        for check in (_subject, _links, _images, _fields, _blocks, _numbers, _copy):
            yield from check(first, other)
    if people is not None:
        yield from _readers(languages, people)


def _subject(first: Subject, other: Subject) -> Iterator[Finding]:
    line = other.plain(other.email.subject).strip()
    if line and line == first.plain(first.email.subject).strip():
        yield SUBJECT.at(other.document.place("subject"), f"The subject is {line!r}, as in {_file(first)}.")


def _links(first: Subject, other: Subject) -> Iterator[Finding]:
    ours, theirs = ([each.plain(link.url) for link in each.email.links if _is_web(link)] for each in (first, other))
    if len(ours) == len(theirs):
        for one, two in dict.fromkeys(zip(ours, theirs, strict=True)):
            if one != two:
                yield ADDRESSES.at(other.place_of(two), f"It leads to {two}, and in {_file(first)} to {one}.")
        return
    if _lacks_only(other, len(ours) > len(theirs)):
        return
    place = next((other.place_of(url) for url in theirs if url not in ours), other.document.file)
    yield LINKS.at(place, f"There are {len(theirs)} links here, and {len(ours)}{_apart(first, ours, other, theirs)}")


def _lacks_only(other: Subject, lacks: bool) -> bool:
    """Report whether a translation lacks something, and nothing else differs, and its document says why it may."""
    return lacks and other.document.shorter


def _is_web(link: Link) -> bool:
    return not re.match(r"(?!https?:)[a-z]+:", link.url, re.IGNORECASE)


def _images(first: Subject, other: Subject) -> Iterator[Finding]:
    ours, theirs = ([image.name for image in each.email.images] for each in (first, other))
    if len(ours) != len(theirs) and not _lacks_only(other, len(ours) > len(theirs)):
        words = f"There are {len(theirs)} pictures here, and {len(ours)}{_apart(first, ours, other, theirs)}"
        yield IMAGES.at(other.document.file, words)


def _fields(first: Subject, other: Subject) -> Iterator[Finding]:
    ours, theirs = ([f"member.{name}" for name in each.email.fields] for each in (first, other))
    if ours != theirs and not _lacks_only(other, set(theirs) < set(ours)):
        words = f"It uses {len(theirs)} fields of members, and {len(ours)} are used{_apart(first, ours, other, theirs)}"
        yield FIELDS.at(other.document.file, words)
    ours, theirs = ([json.dumps(row.test) for row in each.email.conditions] for each in (first, other))
    if Counter(ours) != Counter(theirs) and not _lacks_only(other, Counter(theirs) <= Counter(ours)):
        rows = (row for row in other.email.conditions if json.dumps(row.test) not in ours)
        place = next((f"{row.file}:{row.line}" for row in rows), other.document.file)
        yield FIELDS.at(place, f"Of its {len(theirs)} conditions not all match {_file(first)}, which has {len(ours)}.")


def _blocks(first: Subject, other: Subject) -> Iterator[Finding]:
    ours, theirs = (_BLOCK.findall(each.document.body) for each in (first, other))
    if Counter(ours) != Counter(theirs) and not _lacks_only(other, Counter(theirs) <= Counter(ours)):
        added = next(iter(Counter(theirs) - Counter(ours)), "")
        place = other.place_of(f"::: {added}") if added else other.document.file
        yield BLOCKS.at(
            place, f"There are {len(theirs)} blocks here, and {len(ours)}{_apart(first, ours, other, theirs)}"
        )


def _numbers(first: Subject, other: Subject) -> Iterator[Finding]:
    ours, theirs = _numbers_in(first), _numbers_in(other)
    # Half past seven in the evening is 7.30 in one language and 19:30 in another.
    missing = {number for number in ours if number not in theirs and not _by_another_clock(number, ours, theirs)}
    added = {number for number in theirs if number not in ours and not _by_another_clock(number, theirs, ours)}
    if (missing or added) and not _lacks_only(other, not added):
        place = next((other.place_of(theirs[number]) for number in sorted(added)), other.document.file)
        apart = _apart(first, map(str, sorted(missing)), other, map(str, sorted(added)))
        yield NUMBERS.at(place, f"The numbers differ from those{apart}")


def _numbers_in(subject: Subject) -> dict[int, str]:
    """Return the numbers that a reader meets, each as it is written there."""
    email = subject.email
    words = "\n".join(_ADDRESS.sub(" ", subject.plain(part)) for part in (email.subject, email.preheader, email.text))
    return {int(found): found for found in _NUMBER.findall(_THOUSANDS.sub("", words))}


def _by_another_clock(number: int, here: Mapping[int, str], there: Mapping[int, str]) -> bool:
    return any(
        0 <= min(number, other) <= _NOON and other in there and other not in here
        for other in (number - _NOON, number + _NOON)
    )


def _copy(first: Subject, other: Subject) -> Iterator[Finding]:
    used = {use.id for use in first.email.copy_blocks}
    for use in other.email.copy_blocks:
        source, _, _ = use.id.rpartition(".")
        original = other.toolkit.copy.get(source)
        if use.id in used:
            yield COPY.at(other.place_of(f"copy {use.id}"), f"The copy block {use.id!r} is not translated.")
        elif original and _version(use.version) < _version(original.version):
            words = f"{use.id!r} is a translation of version {use.version}, and {source!r} is at {original.version}."
            yield OUTDATED.at(other.place_of(f"copy {source}"), words)


def _readers(languages: Languages, people: People) -> Iterator[Finding]:
    first = languages.first.document
    wanted = {code: count for code, count in people.languages().items() if code}
    given = {code: languages.language_for(code) for code in wanted}
    # Who wants the fallback language is served too.
    unserved = {code: wanted[code] for code, got in given.items() if not _is(code, got)}
    if unserved:
        most = sorted(unserved, key=lambda code: (-unserved[code], code))
        named = ", ".join(f"{unserved[code]:,} {code}" for code in most[:_MOST_NAMED])
        words = f"{sum(unserved.values()):,} of {people.count():,} people want a language that is not here: {named}."
        yield UNSERVED.at(first.place("fallback"), words)
    for language, made in languages.compilations.items():
        if not languages.people_for(people, language).count():
            yield UNREAD.at(
                made.document.file, f"Of {people.count():,} people on {people.name!r} nobody gets {language!r}."
            )


def _is(code: str, language: str) -> bool:
    return f"{code.lower().replace('_', '-')}-".startswith(f"{language.lower()}-")


def _version(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d{1,9}", text)]


def _apart(first: Subject, ours: Iterable[str], other: Subject, theirs: Iterable[str]) -> str:
    """Return how two languages differ, as the end of a sentence about the first."""
    ours, theirs = Counter(ours), Counter(theirs)
    only = [
        f"only {_file(subject)} has {', '.join(list(apart)[:_MOST_NAMED])}"
        for subject, apart in ((first, ours - theirs), (other, theirs - ours))
        if apart
    ]
    return f" in {_file(first)}: {'; '.join(only)}."


def _file(subject: Subject) -> str:
    return Path(subject.document.file).name
