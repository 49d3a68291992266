"""The bases on which people are mailed, and what each of them needs (UK GDPR, article 6; PECR, regulation 22)."""

from __future__ import annotations

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


def require_collector(basis: str, collected_by: str, sender: str, *, dated: bool) -> None:
    """Raise InputError if a charity's soft opt-in has no dates, nobody who collected, or another sender.

    Nothing but names tells organisations apart here, so one name must contain the other.
    """
    if basis != CHARITY:
        return
    if not collected_by:
        raise InputError(
            f"The basis {CHARITY} needs the organisation that collected these contacts: --collected-by NAME.",
            hint=_CHARITY_HINT,
        )
    collector, named = (" ".join(name.casefold().split()) for name in (collected_by, sender))
    if collector not in named and named not in collector:
        raise InputError(
            f"The list's sender is {sender!r}, but {collected_by!r} collected these contacts: this soft opt-in does "
            "not pass to another organisation.",
            hint=f"Import them into a list from {collected_by}. If it is the same organisation, write its name as the\n"
            "  sender has it.",
        )
    if not dated:
        raise InputError(
            f"The basis {CHARITY} needs the date when each contact was collected, and no column has it.",
            hint=f'Name it: --map "consented_at=HEADING". {_CHARITY_HINT}',
        )
