"""Partner codes: the short word in a partner's links and folders, which stays its own as long as there are packs."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from daisychain.slug import normal_form, slug, spelled
from newsletters.tables import MadePack, PackPartner

LONGEST = 40  # characters
CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_SIGNS = range(6, 33)  # of the hash that tells two similar names apart

Row = Mapping[str, str]
Claim = Callable[[Sequence[Row]], Sequence[tuple[str, str]]]
"""Gives each partner, as a row of a sheet has it, its code; or else the reason why it can't have one."""


@lru_cache(maxsize=10_000)
def name_key(name: str) -> str:
    """Return `name` so that two ways to write the same name are equal: in capitals, composed, with invisible marks."""
    plain = normal_form("NFKC", name).casefold()
    return " ".join("".join(sign for sign in plain if unicodedata.category(sign) != "Cf").split())


def assign_codes(partners: Sequence[Row], known: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Return a code and no problem, or no code and the problem, for each of `partners`.

    `known` has the name of its partner for each code that was given before, the latest last.
    """
    owners = dict(known or {})
    answers = [("", "")] * len(partners)
    # A code that somebody wrote down comes before one that is made from a name, on whatever line it is.
    for place, partner in enumerate(partners):
        if partner.get("name") and CODE.fullmatch(code := partner.get("code", "")):
            owner = owners.pop(code, partner["name"])
            mine = name_key(owner) in _names(partner)
            owners[code] = partner["name"] if mine else owner
            answers[place] = (code, "") if mine else ("", _TAKEN.format(code=code, owner=owner))
    own = {name_key(name): code for code, name in owners.items()}
    for place, partner in enumerate(partners):
        if partner.get("name") and not partner.get("code"):
            code = next((own[name] for name in _names(partner) if name in own), "")
            code = code or new_code(partner["name"], owners)
            owners[code] = partner["name"]
            own[name_key(partner["name"])] = code
            answers[place] = (code, "")
    return answers


_TAKEN = (
    "The code {code!r} belongs to {owner}. Choose another; or, if this is the same organisation under a new name, "
    "write its former name in a column 'formerly'."
)


def claim_codes(
    connection: Connection, partners: Sequence[Row], notes: Iterable[str] = (), known: dict[str, str] | None = None
) -> list[tuple[str, str]]:
    """Assign codes, and keep them with the `notes` (names of columns) of each partner.

    `known` are the codes so far, if the caller has locked and read them (`known_codes`); the new ones are added to it.
    """
    notes = tuple(notes)
    if known is None:
        # Two people who make packs at the same time wait for each other here, or both would give the same code.
        connection.execute(text("LOCK TABLE pack_partners IN SHARE ROW EXCLUSIVE MODE"))
        known = known_codes(connection)
    answers = assign_codes(partners, known)
    for partner, (code, _) in zip(partners, answers, strict=True):
        if code and known.get(code, partner["name"]) != partner["name"]:  # its packs go on under its new name
            renamed = update(MadePack).where(MadePack.partner == known[code])
            connection.execute(renamed.values(partner=partner["name"]))
    rows = {
        code: {
            "code": code, "name": partner["name"], "reply": partner.get("reply", ""),
            "notes": {name: partner.get(name, "") for name in notes},
        }
        for partner, (code, _) in zip(partners, answers, strict=True) if code
    }  # fmt: skip
    for partner, (code, _) in zip(partners, answers, strict=True):
        if code:
            known.pop(code, None)  # the latest is the last
            known[code] = partner["name"]
    if rows:
        added = insert(PackPartner)
        # A file that has no such columns, such as one partner's own, leaves what is known.
        reply = func.coalesce(func.nullif(added.excluded.reply, ""), PackPartner.reply)
        again = {
            "name": added.excluded.name, "reply": reply, "given_at": func.now(),
            "notes": PackPartner.notes.concat(added.excluded.notes),
        }  # fmt: skip
        connection.execute(added.on_conflict_do_update(index_elements=["code"], set_=again), list(rows.values()))
    return answers


def code_for_visitor(connection: Connection, name: str) -> str:
    """Return the code for a name that anybody may have typed: its own if it has one. Nothing is kept.

    A code opens nothing: it is in every public link of that organisation.
    """
    return assign_codes([{"name": name}], known_codes(connection))[0][0]


def new_code(name: str, taken: Iterable[str] = ()) -> str:
    """Return a code made from `name`, with a piece of its hash if it is taken or not the whole name."""
    plain, used = slug(name), set(taken)
    lost = any(sign.isalnum() and not sign.isascii() for sign in spelled(name))
    if plain and not lost and len(plain) <= LONGEST and plain not in used:
        return plain
    signs = hashlib.sha256(name_key(name).encode()).hexdigest()
    codes = (f"{(plain or 'partner')[: LONGEST - 1 - size].strip('-')}-{signs[:size]}" for size in _SIGNS)
    return next(code for code in codes if code not in used)


def _names(partner: Row) -> list[str]:
    return [name_key(name) for name in (partner.get("name", ""), partner.get("formerly", "")) if name]


def known_codes(connection: Connection) -> dict[str, str]:
    """Return the name for each code; packs made before codes were kept come first."""
    made = select(MadePack.partner).where(MadePack.partner != "").group_by(MadePack.partner)
    known: dict[str, str] = {}
    for name in connection.scalars(made.order_by(func.min(MadePack.made_at), MadePack.partner)):
        if code := slug(name, as_before=True)[:LONGEST].strip("-"):
            known.setdefault(code, name)
    given = select(PackPartner.code, PackPartner.name).order_by(PackPartner.given_at, PackPartner.code)
    for row in connection.execute(given):
        known.pop(row.code, None)
        known[row.code] = row.name
    return known
