"""Law: readers must be told who writes and where they can be found."""

from __future__ import annotations

from collections.abc import Iterator

from newsletters.checks.finding import Finding, Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Findings about what the law asks of a newsletter."""
    footer = subject.toolkit.brand.footer
    for code, value, what, why in (
        ("law-organisation", footer.organisation, "an organisation", "Readers must be told who writes to them."),
        ("law-address", footer.address, "a postal address", "A mailing must name one, in the UK, the EU and the US."),
    ):  # fmt: skip
        if not value.strip():
            yield _missing(subject, code, f"The brand's footer has not {what}.", why)
        elif any(line.strip() not in subject.email.text for line in value.splitlines()):
            yield _missing(subject, code, f"The footer does not show {what}, as the brand gives it.", why)


def _missing(subject: Subject, code: str, message: str, why: str) -> Finding:
    return Finding(
        code, "error", f"toolkit {subject.toolkit.name}", message, why,
        "Add it under brand, footer in toolkit.yml, and keep the footer in the layout.",
    )  # fmt: skip
