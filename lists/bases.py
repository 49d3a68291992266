"""The bases on which people are mailed, and what each of them needs (UK GDPR, article 6; PECR, regulation 22)."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from daisychain.errors import InputError
from daisychain.slug import normal_form
from lists.tables import MailingList, Membership

CHARITY = "soft-opt-in-charity"
BASES = ("unknown", "consent", "soft-opt-in-sale", CHARITY, "legitimate-interest")
CHARITY_SINCE = datetime(2026, 2, 5, tzinfo=UTC)
_LEGAL_FORMS = {"ltd", "limited", "plc", "llp", "cic", "cio"}
# As imports recorded it before they asked which of the two it is.
_UNSPECIFIED = "soft-opt-in"
_CHARITY_HINT = (
    "PECR, regulation 22(3A): only for contacts collected since 5 February 2026, and only for the\n"
    "  charity that collected them."
)


def require_basis(basis: str, source: str) -> None:
    """Raise InputError unless there is such a basis, with a record of it."""
    if basis == _UNSPECIFIED:
        raise InputError(
            "There are two kinds of soft opt-in: soft-opt-in-sale and soft-opt-in-charity.",
            hint="soft-opt-in-sale: they bought something, or asked about it, and this is about similar things.\n"
            "  soft-opt-in-charity: they supported a charity or asked about its work; since 5 February 2026.",
        )
    if basis not in BASES:
        raise InputError(f"There is no basis named {basis!r}.", hint=f"Known: {', '.join(BASES)}.")
    if basis != "unknown" and not source.strip():
        raise InputError(
            f"The basis {basis} needs a source: the record of it.",
            hint='For instance: --source "sign-up form on our site, wording of May 2026"',
        )


def _plain(name: str) -> list[str]:
    whole = normal_form("NFKC", name).casefold().replace("&", " and ")
    # Vowels of Indic scripts are marks, and belong to the word.
    kept = (each if each.isalnum() or unicodedata.category(each)[0] == "M" else " " for each in whole)
    words = "".join(kept).split()
    words = words[1:] if words[:1] == ["the"] else words
    words = words[:-1] if words[-1:] and words[-1] in _LEGAL_FORMS else words
    return words or whole.split()  # a name of nothing but signs is not every other such name


def same_organisation(name: str, known: Iterable[str]) -> bool:
    """Report whether a name is one of those `known`, apart from capitals, punctuation, "the" and a legal form.

    A part is not enough: Age UK and Age UK Bath are two charities, and the law does not let one mail for the other.
    """
    return any(_plain(name) == _plain(each) for each in known)


def names_of_sender(connection: Connection, list_id: int) -> list[str]:
    """Return the names of the organisation that a list is sent by, the present one first."""
    columns = (MailingList.from_name, MailingList.also_named)
    row = connection.execute(select(*columns).where(MailingList.id == list_id)).one()
    return [row.from_name, *row.also_named]


def other_collectors(connection: Connection, list_id: int, names: Collection[str]) -> dict[str, int]:
    """Count the subscribed people of a list by the organisation that collected them, if it has none of these names."""
    these = (Membership.list_id == list_id, Membership.state == "subscribed", Membership.collected_by != "")
    counted = select(Membership.collected_by, func.count()).where(*these).group_by(Membership.collected_by)
    return {name: people for name, people in connection.execute(counted) if not same_organisation(name, names)}


def basis_problem(others: Collection[str]) -> ColumnElement[str | None]:
    """Return why the basis of a membership can't hold, as SQL, NULL if it can; `others` are other organisations."""
    charity, date = Membership.basis == CHARITY, Membership.consented_at
    return case(
        (Membership.basis == "unknown", "unknown"),
        (and_(charity, date.is_(None)), "no date"),
        (and_(charity, date < CHARITY_SINCE), "too early"),
        (and_(charity, Membership.collected_by == ""), "no organisation"),
        (Membership.collected_by.in_(others), "another organisation"),
    )


def require_own_contacts(collected_by: str, names: list[str]) -> None:
    """Raise InputError if another organisation collected what goes into the list of a sender with these `names`."""
    if collected_by and not same_organisation(collected_by, names):
        raise InputError(
            f"The list's sender is {names[0]!r}, but {collected_by!r} collected these contacts: they belong to it, and "
            "their basis does not pass to another organisation.",
            hint=f"If they agreed to mail from {names[0]} itself: --collected-by {names[0]!r}, and say in --source\n"
            "  which words name it. If it is the same organisation under another name: daisychain list edit NAME\n"
            f"  --also-named {collected_by!r}.",
        )


def require_collector(basis: str, collected_by: str, names: list[str], columns: Collection[str]) -> None:
    """Raise InputError if contacts are another organisation's, or a charity's soft opt-in has no date or organisation.

    `columns` has the fields that a file has for each person, which are judged row by row.
    """
    require_own_contacts(collected_by, names)
    if basis != CHARITY:
        return
    if not collected_by and "collected_by" not in columns:
        raise InputError(
            f"The basis {CHARITY} needs the organisation that collected these contacts.",
            hint=f'Name it: --collected-by NAME, or --map "collected_by=HEADING" for a column. {_CHARITY_HINT}',
        )
    if "consented_at" not in columns:
        raise InputError(
            f"The basis {CHARITY} needs the date when each contact was collected, and no column has it.",
            hint=f'Name it: --map "consented_at=HEADING". {_CHARITY_HINT}',
        )
