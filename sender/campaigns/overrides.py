"""Overrides: errors of the checks that a person lets stand in one campaign, by name and with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select

from daisychain.errors import InputError
from daisychain.suggestions import nearest
from sender.tables import Override

if TYPE_CHECKING:
    from newsletters.checks import Code, Finding


@dataclass(frozen=True)
class Overrides:
    """What may stand, and why, by code, and who says so; by default nothing may."""

    because: Mapping[str, str] = field(default_factory=dict)
    who: str = ""

    def require(self, findings: Sequence[Finding]) -> None:
        """Raise InputError that lists each error among `findings` which is not overridden, or an override too many."""
        self.refuse_others(findings)
        for code in self.because:
            if code not in {finding.code for finding in findings if finding.severity == "error"}:
                raise InputError(f"The checks found no {code}.", hint=f"Leave --override {code} off.")

    def refuse_others(self, findings: Iterable[Finding]) -> None:
        """Raise InputError that lists each error among `findings` which is not overridden."""
        errors = [finding for finding in findings if finding.severity == "error"]
        left = [finding for finding in errors if finding.code not in self.because]
        if left:
            lines = "".join(f"\n  {each.code}: {each.place}: {each.message} {each.mend}" for each in left)
            raise InputError(f"{len(left)} of the checks failed:{lines}", hint=_ways(left))

    def keep(self, connection: Connection, campaign_id: int, findings: Iterable[Finding]) -> None:
        """Write down what stands in a campaign, in the caller's transaction."""
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


def read_overrides(given: Sequence[str], who: str) -> Overrides:
    """What `CODE=REASON`, each, says; raises InputError for a code that is not known or can't be overridden."""
    because: dict[str, str] = {}
    for each in given:
        code, _, reason = (part.strip() for part in each.partition("="))
        if code not in _codes():
            raise InputError(f"There is no check {code!r}.", hint=nearest(code, _overridable()))
        if not _codes()[code].overridable:
            raise InputError(f"{code} can't be overridden.", hint=_why_not(code))
        if not reason:
            raise InputError(f"Why may {code} stand?", hint=f'Write: --override {code}="REASON"; it is kept.')
        if code in because:
            raise InputError(f"{code} is overridden twice.", hint="Put both reasons into one.")
        because[code] = reason
    if because and not who.strip():
        raise InputError("Who overrides it?", hint="Add --by NAME.")
    return Overrides(because, who.strip())


def overrides_of(connection: Connection, campaign_id: int) -> list[dict[str, Any]]:
    """What stands in a campaign: code, because, who, at, and the findings as they were."""
    columns = (Override.code, Override.because, Override.who, Override.at, Override.findings)
    rows = connection.execute(select(*columns).where(Override.campaign_id == campaign_id).order_by(Override.code))
    return [dict(row) for row in rows.mappings()]


def _codes() -> dict[str, Code]:
    """Return every check's code; they take a tenth of a second to import, and most commands need none of them."""
    from newsletters.checks import codes

    return codes()


def _ways(left: Sequence[Finding]) -> str:
    standing = sorted({finding.code for finding in left if finding.overridable})
    if not standing:
        return "Mend them in the document."
    return f"Mend them, or let one stand with a reason: --override {standing[0]}=REASON"


def _why_not(code: str) -> str:
    if _codes()[code].severity == "error":
        return _codes()[code].mend
    return "It is no error: it stops nothing."


def _overridable() -> list[str]:
    return [name for name, code in _codes().items() if code.overridable]
