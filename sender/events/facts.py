"""What can become true of a mail, as roll-ups count it, and who runs a person's mailbox.

A fact is an event's kind, with the class where there is one: "delivered", "bounced_hard", "opened_human". So
people and machines stand apart everywhere, and whoever wants them together adds.
"""

from __future__ import annotations

# A fact's place is its bit in `delivery_rollups.facts`: append, and never change the order.
FACTS = (
    "queued", "deferred", "delivered", "rejected", "bounced_hard", "bounced_soft", "complained", "unsubscribed",
    "subscribed", "opened_human", "opened_machine", "opened_unknown", "clicked_human", "clicked_machine",
    "clicked_unknown",
)  # fmt: skip
BITS = {fact: 1 << place for place, fact in enumerate(FACTS)}

# SQL for the fact that a row of `events` tells, and for its bit (empty for what no roll-up counts).
FACT = "kind || coalesce('_' || nullif(bounce || open_class, ''), '')"
FACT_BIT = f"1 << (array_position(ARRAY[{', '.join(repr(fact) for fact in FACTS)}], {FACT}) - 1)"

OTHER = "other"
# Domains of the large mailbox providers. An organisation's own domain may be run by one of them too; that stands
# in the DNS alone and is not looked up, so it counts as "other".
_DOMAINS = {
    "Google": "gmail.com googlemail.com",
    "Microsoft": "outlook.com outlook.co.uk hotmail.com hotmail.co.uk hotmail.fr hotmail.de hotmail.it hotmail.es "
    "live.com live.co.uk live.fr live.ie msn.com passport.com windowslive.com",
    "Yahoo": "yahoo.com yahoo.co.uk yahoo.ie yahoo.fr yahoo.de yahoo.it yahoo.es yahoo.ca yahoo.com.au yahoo.co.in "
    "ymail.com rocketmail.com aol.com aol.co.uk aim.com",
    "Apple": "icloud.com me.com mac.com",
    "BT": "btinternet.com btopenworld.com btconnect.com talk21.com",
    "Virgin Media": "virginmedia.com virgin.net ntlworld.com blueyonder.co.uk",
    "Sky": "sky.com",
    "TalkTalk": "talktalk.net talktalk.co.uk tiscali.co.uk lineone.net",
    "Plusnet": "plus.net plus.com plusnet.com",
    "Proton": "proton.me protonmail.com protonmail.ch pm.me",
    "Fastmail": "fastmail.com fastmail.fm fastmail.co.uk",
    "GMX and Web.de": "gmx.com gmx.co.uk gmx.de gmx.net web.de mail.com",
    "Zoho": "zoho.com zohomail.com zohomail.eu",
}
_MAILBOXES = {domain: name for name, domains in _DOMAINS.items() for domain in domains.split()}


def mailboxes() -> list[dict[str, str]]:
    """Each domain that is known, with its mailbox provider, for SQL."""
    return [{"domain": domain, "mailbox": mailbox} for domain, mailbox in _MAILBOXES.items()]


def mailbox_of(address: str) -> str:
    """Who runs the mailbox of `address`, as far as its domain tells; "other" for all the rest."""
    return _MAILBOXES.get(address.rpartition("@")[2].lower(), OTHER)


def facts_in(bits: int) -> list[str]:
    """The facts whose bits are set."""
    return [fact for fact, bit in BITS.items() if bits & bit]
