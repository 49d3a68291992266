"""The posting plan: when to post what, as rows of a table and as a calendar file (RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from newsletters.toolkit_store.showcase import CopyToPaste, Showcase, in_language
from newsletters.toolkits.timetable import MORNING, WEEKDAYS

_WEEKS = 8  # of a post for each week
_LONGEST_LINE = 75  # bytes, RFC 5545, 3.1


@dataclass(frozen=True)
class Posting:
    """One post and when it is due, in the time of wherever people are; `weekly` if again each week."""

    piece: CopyToPaste
    at: datetime
    weekly: bool = False

    @property
    def shown(self) -> str:
        """The day and time as a table shows them."""
        at = f"{self.at:%H:%M}"
        if self.weekly:
            return f"Each {WEEKDAYS[self.at.weekday()]}, {at}"
        return f"{self.at:%A} {self.at.day} {self.at:%B %Y}, {at}"


def posting_plan(show: Showcase, language: str) -> list[Posting]:
    """Return what is still to be posted: the toolkit's timetable, or else its posts spread over its dates."""
    toolkit, today = show.toolkit, show.today
    pieces = {piece.block.id: piece for piece in show.pieces("social", language)}
    if not toolkit.timetable:
        return _spread(list(pieces.values()), show)
    found = []
    for row in toolkit.timetable:
        piece = pieces.get(in_language(toolkit, row.post, language, today))
        day = row.day or today + timedelta(days=((row.weekday or 0) - today.weekday()) % 7)
        if piece and day >= today:
            found.append(Posting(piece, datetime.combine(day, row.time), weekly=row.day is None))
    return sorted(found, key=lambda each: each.at)


def _spread(pieces: Sequence[CopyToPaste], show: Showcase) -> list[Posting]:
    """Return one posting for each piece, on days as far apart as the campaign's dates allow; none without an end."""
    first = max(show.dates.first or show.today, show.today)
    if not pieces or not show.dates.last or show.dates.last < first:
        return []
    days = (show.dates.last - first).days
    found = []
    for place, piece in enumerate(pieces):
        day = first + timedelta(days=round(place * days / max(1, len(pieces) - 1)))
        last = piece.block.expires
        found.append(Posting(piece, datetime.combine(min(day, last) if last else day, MORNING)))
    return sorted(found, key=lambda each: each.at)


def calendar_file(plan: Sequence[Posting], name: str, page: str, made: datetime) -> bytes:
    """Return the plan as a calendar; `page` is the address of the posts and `made` the time now, in UTC."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Daisychain//Posting plan//EN", f"X-WR-CALNAME:{_text(name)}"]
    for posting in plan:
        lines += _event(posting, page, made)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line)).encode()


def _event(posting: Posting, page: str, made: datetime) -> Iterator[str]:
    block = posting.piece.block
    yield "BEGIN:VEVENT"
    yield f"UID:{block.id}-{posting.at:%Y%m%dT%H%M}@{page.split('/')[2]}"
    yield f"DTSTAMP:{made:%Y%m%dT%H%M%SZ}"
    # Without a time zone: nine o'clock is nine o'clock wherever the supporters are.
    yield f"DTSTART:{posting.at:%Y%m%dT%H%M%S}"
    yield "DURATION:PT15M"
    if posting.weekly:
        last = block.expires
        yield f"RRULE:FREQ=WEEKLY;UNTIL={_end(last)}" if last else f"RRULE:FREQ=WEEKLY;COUNT={_WEEKS}"
    yield f"SUMMARY:{_text(f'Post: {block.title}')}"
    yield "DESCRIPTION:" + _text(f"{posting.piece.text}\n\nPictures: {page}")
    yield f"URL:{page}"
    yield "END:VEVENT"


def _end(last: date) -> str:
    return f"{last:%Y%m%d}T235959"


def _text(value: str) -> str:
    """Return a text with its commas, semicolons, backslashes and line breaks escaped (3.3.11)."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(escaped.splitlines())


def _folded(line: str) -> Iterator[str]:
    """Yield a line in parts of at most 75 bytes, none of which cuts a character in two."""
    part, size = "", 0
    for sign in line:
        if size + len(sign.encode()) > _LONGEST_LINE:
            yield part
            part, size = " ", 1
        part, size = part + sign, size + len(sign.encode())
    yield part
