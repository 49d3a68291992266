"""Lists: who may be mailed about what, by which sender, and how reading is recorded, with who decided it.

Reading has three modes. `off`: nothing is recorded. `counted`: opens and clicks are counted, and nobody's can be looked
up. `per person`: also who read, of the members who agreed to that; the others are counted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from daisychain.errors import InputError, StateError
from daisychain.slug import slug
from daisychain.suggestions import nearest
from lists import bases
from lists.addresses import AddressError, parse_address, require_address
from lists.tables import FIELD, MailingList

LONGEST_NAME = 60
_NO_LISTS = 'There are no lists yet: daisychain list create NAME --from "Name <address>"'
TRACKING = ("off", "counted", "per person")
OF_ONE_PERSON = ("email", "first_name", "last_name")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SENDER = re.compile(r'(?:"(?P<quoted>[^"]+)"\s*|(?P<plain>[^"<>]*))<(?P<address>[^<>]*)>')


def create_list(
    connection: Connection,
    name: str,
    *,
    sender: str,
    title: str = "",
    reply_to: str = "",
    tracking: str = "counted",
    opens: str = "on",
    clicks: str = "on",
    decided_by: str = "",
    because: str = "",
    dimensions: Sequence[str] = (),
) -> int:
    """Make a list and return its id; `sender` is "Name <address>". Raises InputError, StateError."""
    _require_name(name)
    from_name, from_address = parse_sender(sender)
    decision = _decision(tracking, opens, clicks, decided_by, because)
    statement = upsert(MailingList).on_conflict_do_nothing(index_elements=[MailingList.name]).returning(MailingList.id)
    values = {
        "name": name, "title": title.strip(), "from_name": from_name, "from_address": from_address,
        "reply_to": require_address(reply_to, "reply-to address").written if reply_to else "",
        "dimensions": _dimensions(dimensions), **decision,
    }  # fmt: skip
    list_id = connection.execute(statement.values(values)).scalar()
    if list_id is None:
        raise StateError(f"There is already a list named {name!r}.", hint=f"See `daisychain list show {name}`.")
    return list_id


def edit_list(
    connection: Connection, name: str, *, title: str | None = None, rename: str | None = None,
    sender: str | None = None, same_organisation: bool = False, also_named: Sequence[str] = (),
    dimensions: Sequence[str] = (),
    archive: bool | None = None, archive_indexed: bool | None = None,
) -> str:  # fmt: skip
    """Change a list's title, name, sender, dimensions or archive, and return its name; raises InputError, StateError.

    Campaigns that exist keep the sender and the dimensions that they have. An empty dimension names none.
    `also_named` adds other names of the sending organisation; with `same_organisation`, so do those that it had.
    """
    row = find_list(connection, name)
    values: dict[str, Any] = {} if title is None else {"title": title.strip()}
    if rename is not None and rename != name:
        _require_name(rename)
        if connection.scalar(select(MailingList.id).where(MailingList.name == rename)):
            raise StateError(f"There is already a list named {rename!r}.")
        values["name"] = rename
    if sender is not None:
        values["from_name"], values["from_address"] = parse_sender(sender)
        others = bases.other_collectors(connection, row["id"], [values["from_name"], *row["also_named"]])
        if others and not same_organisation:
            raise _passes_to_nobody_else(others, values["from_name"])
        also_named = [*also_named, *([row["from_name"], *others] if same_organisation else ())]
    if also_named:
        values["also_named"] = list(dict.fromkeys([*row["also_named"], *map(str.strip, filter(None, also_named))]))
    shown = {"archive": archive, "archive_indexed": archive_indexed}
    values |= {column: value for column, value in shown.items() if value is not None}
    if dimensions:
        values["dimensions"] = _dimensions([field for field in dimensions if field])
    if values:
        connection.execute(update(MailingList).where(MailingList.id == row["id"]).values(values))
    return rename or name


def _passes_to_nobody_else(others: Mapping[str, int], sender: str) -> StateError:
    people = ", ".join(f"{number:,} people by {name}" for name, number in others.items())
    return StateError(
        f"Collected: {people}. The basis on which they are mailed does not pass to {sender!r}.",
        hint="Create another list for the new sender. If it is the same organisation under another name, add\n"
        "  --same-organisation.",
    )


def find_list(connection: Connection, name: str) -> RowMapping:
    """The row of the list `name`; raises InputError that names the nearest ones."""
    row = connection.execute(select(MailingList.__table__).where(MailingList.name == name)).mappings().first()
    if row is None:
        known = list_names(connection)
        raise InputError(f"There is no list named {name!r}.", hint=nearest(name, known) if known else _NO_LISTS)
    return row


def list_names(connection: Connection) -> list[str]:
    """Return the names of all lists."""
    return list(connection.scalars(select(MailingList.name).order_by(MailingList.name)))


def parse_sender(text: str) -> tuple[str, str]:
    """The name and the address in "Name <address>"; raises InputError."""
    found = _SENDER.fullmatch(text.strip())
    hint = 'Write it as "Community Makes Us <news@charity.org.uk>", in quotation marks.'
    if found is None:
        raise InputError(f"The sender {text!r} has no clear name and address.", hint=hint)
    name = (found["quoted"] or found["plain"] or "").strip()
    if not name:
        raise InputError(f"The sender {text!r} has no name before the address; readers see it first.", hint=hint)
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise InputError(f"The sender's name {name!r} holds a line break or control character.", hint=hint)
    try:
        return name, parse_address(found["address"]).written
    except AddressError as problem:
        raise InputError(f"The sender's address {found['address']!r} can't be used: {problem}.", hint=hint) from None


def _dimensions(fields: Sequence[str]) -> list[str]:
    for field in fields:
        if field in OF_ONE_PERSON:
            raise InputError(
                f"{field!r} can't be a dimension: it tells who somebody is, and reports count people.",
                hint="Name fields that many people share, such as region or organisation.",
            )
        if not FIELD.fullmatch(field):
            raise InputError(
                f"{field!r} is not how a field is written: small letters, digits and underscores.",
                hint="Write it as newsletters do, without `member.`; `daisychain list show NAME` has them all.",
            )
    return list(dict.fromkeys(fields))


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        better = slug(name)[:LONGEST_NAME].strip("-")
        raise InputError(
            f"A list can't be named {name!r}: small letters a-z, digits and hyphens, up to {LONGEST_NAME}.",
            hint=f"For instance: {better}" if better else "For instance: supporters",
        )


def decide_tracking(
    connection: Connection, name: str, tracking: str, *, decided_by: str, because: str, opens: str = "on",
    clicks: str = "on",
) -> None:  # fmt: skip
    """Change how a list's reading is recorded, from the next freeze on; raises InputError without who and why."""
    row = find_list(connection, name)
    values = _decision(tracking, opens, clicks, decided_by, because)
    if not values["decided_by"]:
        raise InputError("A change of tracking needs who decided it, and why.", hint="Give --decided-by and --because.")
    connection.execute(update(MailingList).where(MailingList.id == row["id"]).values(values))


def _decision(tracking: str, opens: str, clicks: str, decided_by: str, because: str) -> dict[str, Any]:
    """Return the columns for a decision about tracking; raises InputError."""
    mode, decided_by, because = tracking.strip().replace("-", " "), decided_by.strip(), because.strip()
    if mode not in TRACKING:
        raise InputError(
            f"There is no tracking mode {tracking!r}.", hint="Choose off, counted or per-person: see docs/consent.md."
        )
    if bool(decided_by) != bool(because):
        raise InputError("A decision needs both who took it and why.", hint="Give --decided-by and --because together.")
    if mode == "per person" and not decided_by:
        raise InputError(
            "Recording who reads needs a recorded decision: who decided it, and why.",
            hint="UK law (PECR, regulation 6) wants each reader's consent to it. Add --decided-by WHO --because WHY;\n"
            "  members who have not agreed are counted without persons.",
        )
    if mode == "off" or opens == clicks == "off":
        mode = opens = clicks = "off"
    return {
        "tracking": mode, "opens": opens, "clicks": clicks, "decided_by": decided_by, "because": because,
        "decided_at": func.now() if decided_by else None,
    }  # fmt: skip
