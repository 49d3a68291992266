"""Adoption of a toolkit: which organisations looked at it, took it and shared it, and what is not known.

What organisations do here is known: their private page, what they look at and take. What their own sends did is known
to their own tools only, and no figure here says anything about it.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Connection, Row, func, or_, select

from daisychain.csv_cells import guarded
from daisychain.database import database_now
from lists.organisations import Organisation, organisations_where
from newsletters.documents.document import language_of
from newsletters.packs.dialects.dialect import tool_name
from newsletters.packs.partner_codes import name_key
from newsletters.tables import MadePack
from newsletters.toolkit_store.store import named_toolkit
from partners.tables import HandOut, HandOutMail, PartnerEvent
from sender.tables import Delivery

NOT_KNOWN = (
    "What members' own sends did is not known here: how many people they mailed, and who opened or clicked. "
    "Their own tools know that."
)
_BY_CODE = "A visit counts for an organisation if it came by a link with its code; who came is not recorded."

# Each figure counts organisations: what it is called, and its definition.
DEFINITIONS: Mapping[str, tuple[str, str]] = {
    "handed_out": ("Got it by mail", "Organisations with a contact whose mail of a hand-out of this toolkit the "
                   "provider accepted."),
    "opened": ("Opened their private page", "Organisations whose private page was opened at least once. The page is "
               "for all toolkits. Its link has no password, so anybody may have been there, programs that check the "
               "links of mails included."),
    "looked": ("Looked at an email", "Organisations for which a ready-made email was looked at, by their private link "
               "or their code."),
    "taken": ("Took an email", "Organisations that downloaded, copied or were mailed at least one ready-made email "
              "from a page that they came to by their private link or by a link with their code."),
    "made": ("Had one made by staff", "Organisations in whose name staff made a pack, and that took none of that email "
             "themselves. Whether the pack reached them is not known."),
    "pictures": ("Took pictures", "Organisations that took pictures for social media in their name."),
    "reached": ("Brought visitors", f"Organisations by whose links a page of this toolkit was reached. {_BY_CODE} "
                "Programs that follow links may be among the visits."),
    "signed_up": ("Brought sign-ups", f"Organisations by whose links somebody signed up and confirmed. {_BY_CODE}"),
}  # fmt: skip
# The kinds of events behind them; of these the number of events is shown too.
_EVENTS = ("opened", "looked", "taken", "pictures", "reached", "signed_up")


@dataclass(frozen=True)
class AdoptionFigure:
    """One figure: how many `organisations` of all, and how many `events` they made, if these are counted."""

    name: str
    label: str
    organisations: int
    of: int
    events: int | None
    unknown_events: int | None  # by visitors without a code or a private link
    definition: str

    @property
    def share(self) -> float:
        """Return the share of all organisations; 0 if there is none."""
        return self.organisations / self.of if self.of else 0.0


@dataclass(frozen=True)
class TakenEmail:
    """A ready-made email that an organisation took, or that staff made in its name (`by_staff`)."""

    newsletter: str
    tool: str
    language: str
    at: datetime
    by_staff: bool = False

    @property
    def text(self) -> str:
        """Return it in words: may (Mailchimp, cy, 3 May 2026)."""
        parts = [tool_name(self.tool), self.language, f"{self.at.day} {self.at:%B %Y}"]
        return f"{self.newsletter} ({', '.join(part for part in parts if part)})"


@dataclass(frozen=True)
class OrganisationAdoption:
    """One organisation: how often it did what, when last, and the emails it has."""

    organisation: Organisation
    handed_out: bool
    counts: Mapping[str, int]
    last: Mapping[str, datetime]
    emails: tuple[TakenEmail, ...] = ()

    @property
    def latest(self) -> datetime | None:
        """Return when it last did anything."""
        return max(self.last.values(), default=None)

    def has(self, figure: str) -> bool:
        """Whether this organisation counts in a figure."""
        if figure == "handed_out":
            return self.handed_out
        if figure == "made":
            own = {each.newsletter for each in self.emails if not each.by_staff}
            return any(each.by_staff and each.newsletter not in own for each in self.emails)
        return bool(self.counts.get(figure))


@dataclass(frozen=True)
class ToolkitAdoption:
    """The adoption of one toolkit: its figures, each organisation, and how often each tool and language was taken."""

    toolkit: str
    title: str
    as_of: datetime
    figures: Mapping[str, AdoptionFigure]
    organisations: Sequence[OrganisationAdoption]
    tools: Mapping[str, int] = field(default_factory=dict)
    languages: Mapping[str, int] = field(default_factory=dict)
    not_known: str = NOT_KNOWN


def toolkit_adoption(connection: Connection, toolkit: str) -> ToolkitAdoption:
    """Return the adoption of a toolkit; raises UnknownToolkit."""
    title = named_toolkit(toolkit, connection).title
    counted = _events(connection, toolkit)
    handed_out, emails = _handed_out(connection, toolkit), _emails(connection, toolkit)
    rows = []
    for each in sorted(organisations_where(connection), key=lambda each: name_key(each.name)):
        mine = counted[each.id]
        counts = {kind: mine[kind].events if kind in mine else 0 for kind in _EVENTS}
        last = {kind: row.last for kind, row in mine.items()}
        rows.append(OrganisationAdoption(each, each.id in handed_out, counts, last, tuple(emails.get(each.id, ()))))
    unknown = {kind: row.events for kind, row in counted[None].items()}
    taken = [each for row in rows for each in row.emails if not each.by_staff]
    return ToolkitAdoption(
        toolkit, title, database_now(connection),
        {name: _figure(name, rows, unknown) for name in DEFINITIONS}, rows,
        _most_first(each.tool for each in taken), _most_first(each.language for each in taken),
    )  # fmt: skip


def _figure(name: str, rows: Sequence[OrganisationAdoption], unknown: Mapping[str, int]) -> AdoptionFigure:
    label, definition = DEFINITIONS[name]
    is_of_events = name in _EVENTS
    return AdoptionFigure(
        name, label, sum(row.has(name) for row in rows), len(rows),
        sum(row.counts[name] for row in rows) if is_of_events else None,
        unknown.get(name, 0) if is_of_events else None, definition,
    )  # fmt: skip


def _most_first(values: Iterable[str]) -> dict[str, int]:
    found = Counter(value or "not known" for value in values)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


_Counted = Row[int | None, str, int, datetime]


def _events(connection: Connection, toolkit: str) -> defaultdict[int | None, dict[str, _Counted]]:
    """Return events and the last time by organisation and kind; None is visitors who are not known."""
    of = (PartnerEvent.organisation_id, PartnerEvent.kind)
    # The private page is for all toolkits, so opening it names none.
    ours = or_(PartnerEvent.toolkit == toolkit, (PartnerEvent.kind == "opened") & (PartnerEvent.toolkit == ""))
    counted = select(*of, func.sum(PartnerEvent.times).label("events"), func.max(PartnerEvent.at).label("last"))
    found: defaultdict[int | None, dict[str, _Counted]] = defaultdict(dict)
    for row in connection.execute(counted.where(ours, PartnerEvent.kind.in_(_EVENTS)).group_by(*of)):
        found[row.organisation_id][row.kind] = row
    return found


def _handed_out(connection: Connection, toolkit: str) -> set[int]:
    accepted = (
        select(HandOutMail.organisation_id)
        .join(HandOut, HandOut.id == HandOutMail.hand_out_id)
        .join(Delivery, Delivery.id == HandOutMail.delivery_id)
        .where(HandOut.toolkit == toolkit, HandOut.kind == "hand-out", Delivery.state == "accepted")
    )
    return set(connection.scalars(accepted))


def _emails(connection: Connection, toolkit: str) -> dict[int, list[TakenEmail]]:
    """Return the emails of each organisation, the newest first: taken on a page, or else made by staff."""
    found: defaultdict[int, list[TakenEmail]] = defaultdict(list)
    taken = select(PartnerEvent.__table__).where(PartnerEvent.toolkit == toolkit, PartnerEvent.kind == "taken")
    for row in connection.execute(taken.where(PartnerEvent.organisation_id.is_not(None))):
        name, language = _split(row.newsletter)
        found[row.organisation_id].append(TakenEmail(name, row.tool, row.language or language, row.at))
    known = {(id_, each.newsletter, each.tool) for id_, emails in found.items() for each in emails}
    ids = {name_key(each.name): each.id for each in organisations_where(connection)}
    made = select(MadePack.newsletter, MadePack.dialect, MadePack.partner, MadePack.made_at)
    for row in connection.execute(made.where(MadePack.toolkit == toolkit, MadePack.partner != "")):
        id_, (name, language) = ids.get(name_key(row.partner)), _split(row.newsletter)
        # A pack that was taken on a page is kept as one that was made, too.
        if id_ is not None and (id_, name, row.dialect) not in known:
            found[id_].append(TakenEmail(name, row.dialect, language, row.made_at, by_staff=True))
    return {id_: sorted(emails, key=lambda each: each.at, reverse=True) for id_, emails in found.items()}


def _split(newsletter: str) -> tuple[str, str]:
    """Return a newsletter's name and its language, which a translation has in its name: may.cy."""
    language = language_of(Path(f"{newsletter}.md"))
    return (newsletter.removesuffix(f".{language}"), language) if language else (newsletter, "")


def adoption_json(found: ToolkitAdoption) -> dict[str, Any]:
    """Return the adoption for scripts: figures with their definitions, and what each organisation did."""
    return {
        "toolkit": found.toolkit, "title": found.title, "as_of": found.as_of, "not_known": found.not_known,
        "figures": {name: vars(each) for name, each in found.figures.items()},
        "tools": dict(found.tools), "languages": dict(found.languages),
        "organisations": [
            {"organisation": row.organisation.name, "code": row.organisation.code, "handed_out": row.handed_out,
             "times": dict(row.counts), "last_active": row.latest, "emails": [vars(each) for each in row.emails]}
            for row in found.organisations
        ],
    }  # fmt: skip


def write_adoption(found: ToolkitAdoption, out: TextIO) -> None:
    """Write a line for each organisation as CSV, without contacts."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["organisation", "code", "handed_out", *_EVENTS, "emails", "made_by_staff", "last_active"])
    for row in found.organisations:
        emails = "; ".join(each.text for each in row.emails if not each.by_staff)
        made = "; ".join(each.text for each in row.emails if each.by_staff)
        counts = [str(row.counts[kind]) for kind in _EVENTS]
        last = row.latest.isoformat() if row.latest else ""
        cells = [row.organisation.name, row.organisation.code, str(row.handed_out).lower(), *counts, emails, made, last]
        writer.writerow(guarded(cells))
