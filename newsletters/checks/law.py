"""Law: readers must see who writes and from which address, and must have agreed to get mail.

Sources: PECR 2003, regulations 22 and 23 (consent; identity and a valid address); UK GDPR, article 7(1) (consent must
be shown); Charities Act 2011, section 194 (registered status on what asks for money); CAN-SPAM, 15 USC 7704(a)(5)
(postal address). That readers can leave is `links-unsubscribe`.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parseaddr

from newsletters.checks.finding import Code, Finding, Subject
from newsletters.people import People

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
BASIS = Code(
    "law-basis-unknown", "error", "People on the list without a recorded reason why they may be mailed",
    why="You must be able to show why you may mail people: their consent, or another lawful basis.",
    fix="Import them again with --basis and --source, or exclude them.",
)  # fmt: skip
INVALID = Code(
    "law-basis-invalid", "error", "People on the list whose recorded basis can't hold",
    why="The law allows a charity's soft opt-in only since 5 February 2026, and no basis passes to another "
    "organisation.",
    fix="See who they are with `daisychain list audit NAME`, and import their own consent or unsubscribe them.",
)  # fmt: skip
PROBLEMS = {
    "unknown": (BASIS, "no lawful basis is recorded"),
    "no date": (INVALID, "the charity's soft opt-in has no date of collection"),
    "too early": (INVALID, "the charity's soft opt-in is from before 5 February 2026"),
    "no organisation": (INVALID, "the charity's soft opt-in does not say which organisation collected it"),
    "another organisation": (INVALID, "another organisation than the list's sender collected them"),
}
CONSENT = Code(
    "law-consent", "warning", "People on the list with a soft opt-in of unspecified kind",
    why="A soft opt-in after a sale and one of a charity allow different mail; the second began on 5 February 2026.",
    fix="Import them again with --basis soft-opt-in-sale or --basis soft-opt-in-charity.",
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
    yield from _of_people(subject.people) if subject.people is not None else ()


def _of_people(people: People) -> Iterator[Finding]:
    basis = people.basis()
    found = [(*PROBLEMS[why], number) for why, number in people.basis_problems().items()]
    if number := basis.get("soft-opt-in-unspecified", 0):
        found.append((CONSENT, "the soft opt-in is of unspecified kind", number))
    for code, what, number in found:
        yield code.at(f"list {people.name}", f"For {number:,} of {sum(basis.values()):,} people on the list, {what}.")


def _shown(subject: Subject, value: str) -> bool:
    return all(line.strip() in subject.email.text for line in value.splitlines())
