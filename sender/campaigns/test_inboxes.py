"""Test sets: kept names for the inboxes that tests go to, your own or a testing service's.

They are in the database, so that everybody who writes newsletters here has the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from daisychain.errors import InputError
from daisychain.sheets.open_sheet import open_sheet
from daisychain.suggestions import nearest
from lists.address_files import read_addresses
from lists.addresses import require_address
from sender.tables import Inbox


def all_sets(connection: Connection) -> dict[str, list[str]]:
    """Return the addresses of each set, by its name."""
    rows = connection.execute(select(Inbox.set_name, Inbox.address).order_by(Inbox.set_name, Inbox.address_key))
    found: dict[str, list[str]] = {}
    for name, address in rows:
        found.setdefault(name, []).append(address)
    return found


def add(connection: Connection, name: str, addresses: Iterable[str]) -> int:
    """Add addresses to a set, which may be new; returns how many were not in it. Raises InputError."""
    name = name.strip()
    if not name or "," in name:
        raise InputError("A test set needs a name without commas.", hint="Such as: staff")
    keys = {parsed.key: parsed.written for parsed in map(require_address, addresses)}
    rows = [{"set_name": name, "address_key": key, "address": written} for key, written in keys.items()]
    statement = insert(Inbox).values(rows).on_conflict_do_nothing().returning(Inbox.address_key)
    return len(connection.execute(statement).all())


def read_inboxes(path: Path, encoding: str | None = None, sheet: str | None = None) -> tuple[str, ...]:
    """Return the addresses of a CSV or workbook; raises InputError with the line of one that can't be used."""

    def refuse(line: int, reason: str) -> NoReturn:
        raise InputError(f"This address can't be used: {reason}.", file=path, line=line)

    with open_sheet(path, encoding, sheet) as opened:
        return tuple(address.written for address in read_addresses(opened, refuse))


def remove(connection: Connection, name: str, addresses: Sequence[str] = ()) -> int:
    """Remove addresses, or all, from a set; returns how many. Raises InputError for an address not in it."""
    require_set(connection, name)
    statement = delete(Inbox).where(Inbox.set_name == name)
    if not addresses:
        return connection.execute(statement).rowcount
    removed = 0
    for address in addresses:
        key = require_address(address).key
        if not connection.execute(statement.where(Inbox.address_key == key)).rowcount:
            raise InputError(f"{address} is not in the test set {name!r}.")
        removed += 1
    return removed


def require_set(connection: Connection, name: str) -> list[str]:
    """Return the addresses of a set; raises InputError that suggests a similar name."""
    found = connection.execute(select(Inbox.address).where(Inbox.set_name == name).order_by(Inbox.address_key))
    addresses = list(found.scalars())
    if not addresses:
        known = list(connection.execute(select(Inbox.set_name).distinct().order_by(Inbox.set_name)).scalars())
        hint = nearest(name, known) if known else f"Create it: daisychain newsletter test-set add {name} ADDRESS"
        raise InputError(f"There is no test set named {name!r}.", hint=hint)
    return addresses


def gathered(connection: Connection, sets: Iterable[str], others: str) -> list[str]:
    """Collect the addresses of `sets` and `others` (separated by commas), each once; raises InputError."""
    typed = [address for address in others.split(",") if address.strip()]
    wanted = [address for name in sets for address in require_set(connection, name)] + typed
    return list({parsed.key: parsed.written for parsed in map(require_address, wanted)}.values())


def count(connection: Connection, name: str) -> int:
    """Count the addresses of the set `name`."""
    return int(connection.execute(select(func.count()).where(Inbox.set_name == name)).scalar_one())
