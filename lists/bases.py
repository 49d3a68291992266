"""The bases on which people are mailed, and what each of them needs (UK GDPR, article 6; PECR, regulation 22)."""

from __future__ import annotations

from collections.abc import Collection

from daisychain.errors import InputError

CHARITY = "soft-opt-in-charity"
BASES = ("unknown", "consent", "soft-opt-in-sale", CHARITY, "legitimate-interest")
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
            f"The basis {basis!r} needs a source: the record of it.",
            hint='For instance: --source "sign-up form on our site, wording of May 2026"',
        )


def same_organisation(one: str, other: str) -> bool:
    """Report whether one name contains the other: nothing but names tells organisations apart here."""
    one, other = (" ".join(name.casefold().split()) for name in (one, other))
    return one in other or other in one


def require_collector(basis: str, collected_by: str, sender: str, columns: Collection[str]) -> None:
    """Raise InputError if a charity's soft opt-in has no dates, nobody who collected, or another sender.

    `columns` has the fields that a file has for each person, which are judged row by row.
    """
    if basis != CHARITY:
        return
    if not collected_by and "collected_by" not in columns:
        raise InputError(
            f"The basis {CHARITY} needs the organisation that collected these contacts: --collected-by NAME.",
            hint=f'Or a column that names it: --map "collected_by=HEADING". {_CHARITY_HINT}',
        )
    if not same_organisation(collected_by, sender):
        raise InputError(
            f"The list's sender is {sender!r}, but {collected_by!r} collected these contacts: this soft opt-in does "
            "not pass to another organisation.",
            hint=f"Import them into a list from {collected_by}. If it is the same organisation, write its name as the\n"
            "  sender has it.",
        )
    if "consented_at" not in columns:
        raise InputError(
            f"The basis {CHARITY} needs the date when each contact was collected, and no column has it.",
            hint=f'Name it: --map "consented_at=HEADING". {_CHARITY_HINT}',
        )
