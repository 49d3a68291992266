"""Typed values: a partner as somebody types it on a page, by the rules of a partner's YAML file.

Each error has the field that it is about; the partner is made of the values that have none, for the preview.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from daisychain.errors import InputError
from newsletters.compose.own_parts import ChangeableParts
from newsletters.logo_files.logo_file import LogoFile
from newsletters.packs.logos import is_empty
from newsletters.packs.partner import LOCKED, Fail, Partner, locked_keys, partner_of, readable_on
from newsletters.packs.partner_codes import name_key
from newsletters.toolkits.toolkit import Toolkit

FIELDS = ("name", "accent", "intro", "button", "leave out", "address", "charity number", "reply", "website")
NOBODY = "Your organisation"
_LONGEST = {"name": 120, "intro": 2_000, "button": 2_000, "address": 500, "website": 2_000, "leave out": 5_000}
_LONGEST_LINE = 254
_LABELS = {"name": "The name", "accent": "The colour", "intro": "The paragraph", "reply": "The reply address"}
_NO_NAME = "Type your organisation’s name."
_EMPTY_LOGO = "Nothing can be seen in this logo: it is clear or white all over. Choose another file."


@dataclass(frozen=True)
class TypedPartner:
    """A partner of the values that can be used, and what is wrong with the others, by field.

    `readable` is the colour that is taken if the typed one is too faint to read, else empty.
    """

    partner: Partner
    errors: Mapping[str, str]
    readable: str = ""

    @property
    def errors_so_far(self) -> Mapping[str, str]:
        """The errors to show while somebody is still typing: not that a name is missing."""
        return {key: message for key, message in self.errors.items() if message != _NO_NAME}


class _FieldError(InputError):
    def __init__(self, field: str, message: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.field = field


class _AtField(Fail):
    def __init__(self) -> None:
        super().__init__(Path("form"), lambda key: 1)

    def __call__(self, message: str, key: str, hint: str = "") -> NoReturn:
        raise _FieldError(key, message.replace(repr(key), _LABELS.get(key, f"Your {key}")), hint)


def read_typed(
    typed: Mapping[str, str], toolkit: Toolkit, changeable: ChangeableParts, logo: LogoFile | None, code: str = ""
) -> TypedPartner:
    """Return the partner that the values `typed`, by the keys of a partner's file, and its logo make."""
    errors: dict[str, str] = {}
    values = {key: typed.get(key, "").strip().replace("\r\n", "\n") for key in FIELDS}
    for key, value in values.items():
        if len(value) > (most := _LONGEST.get(key, _LONGEST_LINE)):
            errors[key], values[key] = f"At most {most:,} characters, please.", ""
    if not name_key(values["name"]):
        errors.setdefault("name", _NO_NAME)
        values["name"] = NOBODY
    if logo and is_empty(logo.image):
        errors["logo"], logo = _EMPTY_LOGO, None
    _refuse_unknown(values, changeable, errors)
    partner = _partner(values, logo, code, errors)
    for key in locked_keys(partner, toolkit):
        errors[key], values[key] = LOCKED, ""
        partner = _partner(values, logo, code, errors)
    readable = readable_on(partner.accent, toolkit.brand.colours) if partner.accent else ""
    return TypedPartner(partner, errors, readable if readable != partner.accent else "")


def _partner(values: dict[str, str], logo: LogoFile | None, code: str, errors: dict[str, str]) -> Partner:
    while True:
        try:
            return partner_of(values | ({"code": code} if code else {}), None, _AtField(), logo)
        except _FieldError as error:
            errors[error.field] = error.in_one_line
            values[error.field] = NOBODY if error.field == "name" else ""


def _refuse_unknown(values: dict[str, str], changeable: ChangeableParts, errors: dict[str, str]) -> None:
    if values["button"] and not changeable.button:
        errors["button"], values["button"] = "This email has no button.", ""
    titles = values["leave out"].splitlines()
    if gone := [title for title in titles if title not in changeable.stories]:
        errors["leave out"] = f"This email has no story “{gone[0]}” any more."
        values["leave out"] = "\n".join(title for title in titles if title not in gone)
