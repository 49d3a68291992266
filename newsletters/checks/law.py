"""Law: readers must see who writes and from which address, and must have agreed to get mail.

Sources: PECR 2003, regulations 22 and 23 (consent; identity and a valid address); UK GDPR, article 7(1) (consent must
be shown); Charities Act 2011, section 194 (registered status on what asks for money); CAN-SPAM, 15 USC 7704(a)(5)
(postal address). That readers can leave is `links-unsubscribe`.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parseaddr

from newsletters.checks.finding import Code, Finding, Subject

_FOOTER = "Add it under brand, footer in toolkit.yml or brand.yml, and keep the footer in the layout."

ORGANISATION = Code(
    "law-organisation", "error", "The footer does not say who writes",
    why="The law requires that readers can see who writes to them.", fix=_FOOTER,
)  # fmt: skip
ADDRESS = Code(
    "law-address", "error", "The footer has no postal address",
    why="A mailing must name an address at which its sender can be reached, in the UK, the EU and the US.",
    fix=_FOOTER,
)  # fmt: skip
CHARITY = Code(
    "law-charity-number", "error", "The footer does not show the charity number that the brand has",
    why="A registered charity must say so whenever it asks for money.",
    fix="Keep the footer in the layout, with the charity number in it.",
)  # fmt: skip
SENDER = Code(
    "law-sender", "warning", "The sender is an address without a name",
    why="Readers must be able to see who writes; inboxes show the name first.",
    fix='Write `from: "Name <address>"` in the front matter.',
)  # fmt: skip
CONSENT = Code(
    "law-consent", "warning", "People on the list without a recorded reason why they may be mailed",
    why="You must be able to show why you may mail people: their consent, or another lawful basis.",
    fix="Import them again with --basis and --source, or exclude them.",
)  # fmt: skip


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings about what the law requires of a newsletter."""
    footer = subject.brand.footer
    place = f"brand of {subject.brand.name}"
    for code, value, what in (
        (ORGANISATION, footer.organisation, "an organisation"), (ADDRESS, footer.address, "a postal address"),
    ):  # fmt: skip
        if not value.strip():
            yield code.at(place, f"The brand's footer does not have {what}.")
        elif not _shown(subject, value):
            yield code.at(place, f"The footer does not show {what}, as the brand gives it.")
    if footer.charity_number and not _shown(subject, footer.charity_number):
        yield CHARITY.at(place, f"The charity number {footer.charity_number} is not in the mail.")
    if (sender := subject.email.from_address) and not parseaddr(sender)[0]:
        yield SENDER.at(subject.document.place("from"), f"The sender is {sender!r}, without a name.")
    basis = subject.people.basis() if subject.people is not None else {}
    if subject.people is not None and (number := basis.get("unknown", 0)):
        yield CONSENT.at(
            f"list {subject.people.name}",
            f"For {number:,} of {sum(basis.values()):,} people on the list, no lawful basis is recorded.",
        )


def _shown(subject: Subject, value: str) -> bool:
    return all(line.strip() in subject.email.text for line in value.splitlines())
