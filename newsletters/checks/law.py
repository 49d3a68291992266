"""Law: readers must see who writes and from which address, and must have agreed to get mail.

Sources: PECR 2003, regulations 22 and 23 (consent; identity and a valid address); UK GDPR, article 7(1) (consent must
be shown); Charities Act 2011, section 194 (registered status on what asks for money); CAN-SPAM, 15 USC 7704(a)(5)
(postal address). That readers can leave is `links-unsubscribe`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parseaddr

from daisychain.hosts import RESERVED, is_under
from newsletters.checks.finding import Code, Finding, Subject
from newsletters.people import People

_INVENTED = re.compile(r"\bExample Street\b|\bExampleton\b")
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
INVENTED_ADDRESS = Code(
    "law-address-invented", "error", "The footer has the postal address of the demonstration",
    why="Nobody can be reached there, and the law asks for an address at which the sender can be.",
    fix="Write your own under brand, footer in toolkit.yml or brand.yml.",
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
INVENTED_SENDER = Code(
    "law-sender-example", "warning", "The sender is at a domain that is only for examples",
    why="No answer can arrive there, and a provider refuses to send from it.",
    fix="Give the list or the newsletter a From address in your own domain.",
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
    if not subject.is_demonstration:
        yield from _invented(subject, place)
    yield from _of_people(subject.people) if subject.people is not None else ()


def _invented(subject: Subject, place: str) -> Iterator[Finding]:
    """Yield what a toolkit that was copied from the demonstration still has of it."""
    if found := _INVENTED.search(subject.brand.footer.address):
        yield INVENTED_ADDRESS.at(place, f"The postal address with {found[0]!r} is invented.")
    if subject.email.from_address:
        sender, where = subject.email.from_address, subject.document.place("from")
    else:
        sender, where = (subject.people.sender()[0], f"list {subject.people.name}") if subject.people else ("", "")
    domain = parseaddr(sender)[1].rpartition("@")[2]
    if is_under(domain, RESERVED):
        yield INVENTED_SENDER.at(where, f"The sender's domain {domain!r} is only for examples.")


def _of_people(people: People) -> Iterator[Finding]:
    basis = people.basis()
    found = [(*PROBLEMS[why], number) for why, number in people.basis_problems().items()]
    if number := basis.get("soft-opt-in-unspecified", 0):
        found.append((CONSENT, "the soft opt-in is of unspecified kind", number))
    for code, what, number in found:
        yield code.at(f"list {people.name}", f"For {number:,} of {sum(basis.values()):,} people on the list, {what}.")


def _shown(subject: Subject, value: str) -> bool:
    return all(line.strip() in subject.email.text for line in value.splitlines())
