"""Overrides: errors of the checks that a person accepts in one campaign, by code and with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select

from daisychain.errors import InputError
from daisychain.suggestions import nearest
from sender.tables import Override

if TYPE_CHECKING:
    from newsletters.checks import Code, Finding


class ChecksFailedError(InputError):
    """Errors of the checks that nobody has accepted."""


@dataclass(frozen=True)
class Overrides:
    """The reasons for accepting errors, by code, and who accepts them; by default there are none."""

    because: Mapping[str, str] = field(default_factory=dict)
    who: str = ""

    def require(self, findings: Sequence[Finding]) -> None:
        """Raise InputError that lists each error that is not overridden, or an override of an error not found."""
        self.refuse_others(findings)
        for code in self.because:
            if code not in {finding.code for finding in findings if finding.severity == "error"}:
                raise InputError(f"The checks found no {code}.", hint=f"Leave --override {code} off.")

    def refuse_others(self, findings: Iterable[Finding]) -> None:
        """Raise InputError that lists each error that is not overridden."""
        errors = [finding for finding in findings if finding.severity == "error"]
        left = [finding for finding in errors if finding.code not in self.because]
        if left:
            lines = "".join(f"\n  {each.code}: {each.place}: {each.message} {each.fix}" for each in left)
            raise ChecksFailedError(f"{len(left)} of the checks failed:{lines}", hint=_ways(left))

    def keep(self, connection: Connection, campaign_id: int, findings: Iterable[Finding]) -> None:
        """Store the overrides with a campaign, in the caller's transaction."""
        found = [finding for finding in findings if finding.code in self.because]
        rows = [
            {
                "campaign_id": campaign_id, "code": code, "because": because, "who": self.who,
                "findings": [{"place": each.place, "message": each.message} for each in found if each.code == code],
            }
            for code, because in self.because.items()
        ]  # fmt: skip
        if rows:
            connection.execute(insert(Override), rows)


@dataclass(frozen=True)
class KeptOverride:
    """An override as it is stored with a campaign; each finding is {"place", "message"}, as it was then."""

    code: str
    because: str
    who: str
    at: datetime
    findings: list[dict[str, str]]

    @property
    def text(self) -> str:
        """One line for people."""
        return f"{self.code} ({len(self.findings)} found), by {self.who}: {self.because}"


def read_overrides(given: Sequence[str], who: str) -> Overrides:
    """Parse `CODE=REASON`, each; raises InputError for a code that is unknown or can't be overridden."""
    because: dict[str, str] = {}
    for each in given:
        code, _, reason = (part.strip() for part in each.partition("="))
        if code not in _codes():
            raise InputError(f"There is no check {code!r}.", hint=nearest(code, _overridable()))
        if not _codes()[code].overridable:
            raise InputError(f"{code} can't be overridden.", hint=_why_not(code))
        if not reason:
            raise InputError(f"Why is {code} accepted?", hint=f'Write: --override {code}="REASON"; it is kept.')
        if code in because:
            raise InputError(f"{code} is overridden twice.", hint="Put both reasons into one.")
        because[code] = reason
    if because and not who.strip():
        raise InputError("Who overrides it?", hint="Add --by NAME.")
    return Overrides(because, who.strip())


def overrides_of(connection: Connection, campaign_id: int) -> list[KeptOverride]:
    """Return the overrides of a campaign, by code."""
    columns = (Override.code, Override.because, Override.who, Override.at, Override.findings)
    rows = connection.execute(select(*columns).where(Override.campaign_id == campaign_id).order_by(Override.code))
    return [KeptOverride(*row) for row in rows]


def _codes() -> dict[str, Code]:
    """Return every check's code; they take a tenth of a second to import, and most commands need none of them."""
    from newsletters.checks import codes

    return codes()


def _ways(left: Sequence[Finding]) -> str:
    standing = sorted({finding.code for finding in left if finding.overridable})
    if not standing:
        return "Fix them in the document."
    return f"Fix them, or accept one with a reason: --override {standing[0]}=REASON"


def _why_not(code: str) -> str:
    if _codes()[code].severity == "error":
        return _codes()[code].fix
    return "It is no error, so it stops nothing."


def _overridable() -> list[str]:
    return [name for name, code in _codes().items() if code.overridable]
