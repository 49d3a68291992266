"""A sign-up as a stranger typed it: checked, so that no link, tag or line break of it gets into a page or a mail."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from lists.addresses import Address, AddressError, parse_address

LONGEST_NAME, LONGEST_ORGANISATION = 60, 120
TOO_LONG = 1_000  # more of a field is not looked at
# Names in some scripts need the two joiners; other invisible characters hide or reverse what is beside them.
_JOINERS = "\u200c\u200d"
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_LINK = re.compile(r"://|\bwww\.|mailto:", re.IGNORECASE)
_IN_NO_NAME = set("<>{}[]|\\^~`=")
_IN_NO_PERSON = _IN_NO_NAME | set("@/#%*_:;?!$€£+")
_CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class TypedSignUp:
    """The fields of a form as somebody typed them; `errors` has a phrase's name for each that can't be used."""

    address: Address | None
    first_name: str
    last_name: str
    organisation: str
    partner: str
    errors: Mapping[str, str]
    trapped: bool  # a program filled in the field that nobody sees


def read_typed(values: Mapping[str, str], *, for_organisations: bool) -> TypedSignUp:
    """Return what a form has; nothing of it is kept if it has errors."""
    names, errors = read_names(values)
    organisation = _tidy(values.get("organisation", "")) if for_organisations else ""
    if for_organisations and not organisation:
        errors["organisation"] = "error_no_organisation"
    elif not _is_name(organisation, LONGEST_ORGANISATION, _IN_NO_NAME):
        errors["organisation"] = "error_organisation"
    address = None
    try:
        address = parse_address(values.get("email", "")[:TOO_LONG])
    except AddressError:
        errors["email"] = "error_email"
    code = values.get("partner", "")
    partner = code if _CODE.fullmatch(code) else ""
    return TypedSignUp(
        address, **names, organisation=organisation, partner=partner, errors=errors,
        trapped=bool(values.get("homepage")),
    )  # fmt: skip


def read_names(values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return a person's names as a form has them, and a phrase's name for each that can't be used."""
    names = {field: _tidy(values.get(field, "")) for field in ("first_name", "last_name")}
    wrong = [field for field, name in names.items() if not _is_name(name, LONGEST_NAME, _IN_NO_PERSON)]
    return names, dict.fromkeys(wrong, "error_name")


def _tidy(typed: str) -> str:
    return re.sub(" +", " ", unicodedata.normalize("NFC", typed[:TOO_LONG])).strip(" ")


def _is_name(name: str, longest: int, excluded: set[str]) -> bool:
    return (
        len(name) <= longest
        and not _LINK.search(name)
        and not any(
            each in excluded or (unicodedata.category(each) in _INVISIBLE and each not in _JOINERS) for each in name
        )
    )
