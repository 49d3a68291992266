"""The mailbox provider of an address: Google, Microsoft, Yahoo … by its domain.

An organisation's own domain may be hosted by one of them too. Only its MX records would show that; they are not looked
up, so it counts as "other".
"""

from __future__ import annotations

OTHER = "other"
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
PROVIDER_OF = {domain: provider for provider, domains in _DOMAINS.items() for domain in domains.split()}


def mailbox_provider(address: str) -> str:
    """Return the mailbox provider of `address`; "other" if its domain is not known."""
    return PROVIDER_OF.get(address.rpartition("@")[2].lower(), OTHER)
