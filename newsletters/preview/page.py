"""The page of a preview: pictures, text, headers, checks and variants side by side, in one file without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from newsletters.browser.screenshots import MODES, SCREENS, Shot
from newsletters.checks import Finding
from newsletters.compiled import CompiledEmail
from newsletters.documents.language_names import language_name

# What a phone's inbox has room for, about: characters of 15 px on a screen 375 px wide, one line and two.
_SUBJECT_ROOM, _PREHEADER_ROOM = 38, 80
_OUTLOOK = "outlook-"


@dataclass(frozen=True)
class PreviewedVariant:
    """One variant as the page shows it: `stem` begins its files' names."""

    stem: str
    title: str
    words: str
    subject: str
    preheader: str
    shots: list[Shot] = field(default_factory=list)


@dataclass(frozen=True)
class PreviewedLanguage:
    """A newsletter in one language: the mail as its first reader gets it, and its other variants; `weight` in bytes."""

    email: CompiledEmail
    looks: Sequence[PreviewedVariant]
    text: str
    sender: str
    reply_to: str
    to: str
    weight: int

    @property
    def id(self) -> str:
        """Its name within the page."""
        return f"language-{self.email.language}"

    @property
    def language_name(self) -> str:
        """The English name of its language."""
        return language_name(self.email.language)

    @property
    def sender_name(self) -> str:
        """The sender's name as an inbox shows it."""
        name, address = parseaddr(self.sender)
        return name or address

    def headers(self, public_url: str) -> list[tuple[str, str, str]]:
        """Return name, value and remark of each; values that a mail gets only when it is sent are in brackets."""
        first = self.looks[0]
        made_up = self.sender.endswith("@example.org>")
        return [
            ("From", self.sender, "made up: --list or from: says who really sends" if made_up else ""),
            ("Reply-To", self.reply_to or "not set", "" if self.reply_to else "answers go to the sender"),
            ("To", self.to or "[each reader]", ""),
            ("Subject", first.subject, _length(first.subject, _SUBJECT_ROOM)),
            ("Preheader", first.preheader or "none", _length(first.preheader, _PREHEADER_ROOM)),
            ("List-Unsubscribe", f"<{public_url}/…>", "each mail has a link of its own; made when it is sent"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click", "mail programs show their own button for it"),
            ("Language", self.language_name, "right to left" if self.email.direction == "rtl" else ""),
            ("Weight", f"{self.weight / 1000:.0f} kB of HTML", "Gmail cuts off at about 102 kB; pictures do not count"),
        ]  # fmt: skip


def index_page(
    editions: Sequence[PreviewedLanguage], file: str, findings: Sequence[Finding], public_url: str, why_no_pictures: str
) -> str:
    """Return the page of the newsletter `file`; the files that it shows are beside it.

    `why_no_pictures` is empty if no picture is missing.
    """
    templates = Environment(
        loader=PackageLoader("templates", "preview"), undefined=StrictUndefined, autoescape=True, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return templates.get_template("index.html.j2").render(
        editions=editions,
        name=Path(file).name,
        findings=findings,
        counts={
            severity: sum(finding.severity == severity for finding in findings)
            for severity in ("error", "warning", "hint")
        },
        outlook=[finding for finding in findings if finding.code.startswith(_OUTLOOK)],
        public_url=public_url,
        why_no_pictures=why_no_pictures,
        modes=MODES,
        screens=SCREENS,
    )


def _length(line: str, room: int) -> str:
    count = f"{len(line)} character{'' if len(line) == 1 else 's'}"
    return count if len(line) <= room else f"{count}; a phone shows about {room}"
