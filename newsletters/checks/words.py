"""Words: subject and preheader, and text that nobody should see."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletters.checks.dates import impossible, mismatched
from newsletters.checks.finding import Code, Finding, Subject
from newsletters.checks.readability import misspelt, reading_age, sentences

NO_SUBJECT = Code(
    "words-no-subject", "error", "The subject is missing",
    why="Most people decide by it whether to open the mail.", fix="Add `subject:` to the front matter.", firm=True,
)  # fmt: skip
LONG_SUBJECT = Code(
    "words-long-subject", "warning", "The subject is long",
    why="Phones show about 40 characters, most programs about 60.", fix="Say it in 60, the first words first.",
)  # fmt: skip
SHOUTING = Code(
    "words-shouting", "warning", "The subject is all capitals",
    why="It reads as shouting, and spam filters count it.", fix="Write it as a sentence.",
)  # fmt: skip
NO_PREHEADER = Code(
    "words-no-preheader", "warning", "The preheader is missing",
    why="Inboxes show it after the subject; without one they show the first words of the mail.",
    fix="Add `preheader:` to the front matter, a sentence that goes on from the subject.",
)  # fmt: skip
SAME_PREHEADER = Code(
    "words-same-preheader", "warning", "The preheader repeats the subject",
    why="The inbox would show the same text twice.", fix="Say something that goes on from the subject.",
)  # fmt: skip
LONG_PREHEADER = Code(
    "words-long-preheader", "hint", "The preheader is long",
    why="Inboxes cut it off at about 90 to 120 characters.", fix="Put what matters first.",
)  # fmt: skip
PLACEHOLDER = Code(
    "words-placeholder", "error", "Placeholder text",
    why="Readers would see it.", fix="Replace it.",
)  # fmt: skip
WEEKDAY = Code(
    "words-weekday", "warning", "A date on another day of the week",
    why="People come on the wrong day, or not at all.", fix="Check a calendar, and correct the day or the date.",
)  # fmt: skip
NO_DAY = Code(
    "words-no-day", "error", "A date that no calendar has",
    why="Readers would have to guess the day.", fix="Check a calendar, and correct the date.",
)  # fmt: skip
EMPTY = Code(
    "words-empty", "error", "The newsletter has no text",
    why="Readers would get a header and a footer.", fix="Write something below the front matter.",
)  # fmt: skip
READING_AGE = Code(
    "words-reading-age", "hint", "Long sentences and long words",
    why="Many adults read like an eleven-year-old, and everybody skims newsletters.",
    fix="Cut long sentences in two, and use the shorter word.",
)  # fmt: skip
SPELLING = Code(
    "words-spelling", "hint", "A word with a spelling mistake, or not in British spelling",
    why="It looks careless, and makes readers wonder what else is wrong.", fix="Correct it, unless it is a name.",
)  # fmt: skip

LONGEST_SUBJECT = 60
LONGEST_PREHEADER = 120
# In years; the formula's own error is about one.
HIGHEST_AGE = 15
FEWEST_WORDS = 100  # below that, one long name decides

_PLACEHOLDER = re.compile(
    r"\b(?i:lorem ipsum(?: dolor)?(?: sit amet)?|insert (?:\w+ ){1,3}here|to be confirmed by|placeholder text)\b"
    r"|\b(?:TODO|TBC|TBD|FIXME|XX+)\b|(?<![\w/])\?{3,}|\[(?i:your|insert|add|link|date|name|first name|xx+)\b[^\[\]]*\]"
    r"|\[[A-Z][A-Z0-9 _-]{2,}\]|\[0[0:]+\]|<<[A-Za-z_ ]+>>"
)
# Possessive, so that text after comments, or a comment without an end, is read once.
ONLY_COMMENTS = re.compile(r"(?:\s|<!--.*?-->|\{#.*?#\})*+\Z", re.DOTALL)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings about subject, preheader and text."""
    yield from _subject(subject)
    yield from _preheader(subject)
    yield from _placeholders(subject)
    if ONLY_COMMENTS.match(subject.document.body):
        yield EMPTY.at(subject.document.place(""), "There is nothing below the front matter.")
    for text, key in _parts(subject):
        for words in impossible(text, subject.today):
            yield NO_DAY.at(_place(subject, key, words), f"There is no {words}.")
    if subject.email.language.split("-")[0] == "en":
        yield from _dates(subject)
        yield from _prose(subject)


def _subject(subject: Subject) -> Iterator[Finding]:
    place, line = subject.document.place("subject"), subject.email.subject
    if not line:
        yield NO_SUBJECT.at(place, "The subject is missing.")
    elif (length := _length(subject, line)) > LONGEST_SUBJECT:
        yield LONG_SUBJECT.at(place, f"The subject is {length} characters long.")
    words = subject.plain(line)
    if words.upper() == words and words.lower() != words and len(words.split()) > 1:
        yield SHOUTING.at(place, "The subject is all capitals.")


def _preheader(subject: Subject) -> Iterator[Finding]:
    place, line = subject.document.place("preheader"), subject.email.preheader
    if not line:
        yield NO_PREHEADER.at(place, "The preheader is missing.")
    elif _bare(subject.plain(line)) == _bare(subject.plain(subject.email.subject)):
        yield SAME_PREHEADER.at(place, "The preheader repeats the subject.")
    elif (length := _length(subject, line)) > LONGEST_PREHEADER:
        yield LONG_PREHEADER.at(place, f"The preheader is {length} characters long.")


def _placeholders(subject: Subject) -> Iterator[Finding]:
    seen: set[str] = set()
    for text, key in _parts(subject):
        for match in _PLACEHOLDER.finditer(text):
            words = " ".join(match[0].split())
            if words not in seen:
                seen.add(words)
                for place in [subject.document.place(key)] if key else subject.places_of(words):
                    yield PLACEHOLDER.at(place, f"{words!r} looks like placeholder text.")


def _dates(subject: Subject) -> Iterator[Finding]:
    for text, key in _parts(subject):
        for found in mismatched(text, subject.today):
            worked_out = "" if found.year_given else f" in {found.day.year}"
            yield WEEKDAY.at(
                _place(subject, key, found.words),
                f"{found.words!r} is a {found.day:%A}{worked_out}.",
                fix=f"{found.nearest:%A %-d %B}, or {found.day:%A %-d %B}? Correct the day or the date.",
            )


def _prose(subject: Subject) -> Iterator[Finding]:
    prose = sentences(subject.plain(subject.email.text))
    if sum(len(sentence) for sentence in prose) >= FEWEST_WORDS and (age := reading_age(prose)) > HIGHEST_AGE:
        yield READING_AGE.at(subject.document.file, f"The text is for readers of {age:.0f} and over.")
    known = " ".join([subject.toolkit.title, subject.toolkit.coalition, subject.toolkit.campaign, subject.brand.name])
    known += " ".join([subject.brand.footer.organisation, subject.brand.footer.address])
    parts = [(_PLACEHOLDER.sub("", text), key) for text, key in _parts(subject)]
    for wrong, right in misspelt("\n\n".join(text for text, _ in parts), known):
        key = next(key for text, key in parts if wrong in text)
        fix = f"Write {' or '.join(map(repr, right))}, unless it is a name." if right else ""
        yield SPELLING.at(_place(subject, key, wrong), f"{wrong!r} is a spelling mistake.", fix=fix)


def _parts(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield subject, preheader and text, without tokens, each with its key in the front matter."""
    yield subject.plain(subject.email.subject), "subject"
    yield subject.plain(subject.email.preheader), "preheader"
    yield subject.plain(subject.email.text), ""


def _place(subject: Subject, key: str, words: str) -> str:
    return subject.document.place(key) if key else subject.place_of(words)


def _bare(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()


def _length(subject: Subject, text: str) -> int:
    # Every condition's words count once, each value as much as a first name.
    values = len(subject.email.mint.pattern("S").findall(text))
    return len(subject.plain(text)) + 6 * values
