"""Offer cards: the ready-made emails of a toolkit as its page lists them, a card each with all its languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Connection

from daisychain.cache import Cache
from daisychain.errors import InputError
from daisychain.text_direction import direction_of
from newsletters.compose.languages import language_given
from newsletters.packs.offers import Offer, offered_edition, offers
from newsletters.preview.offer_pictures import drawn_offers
from newsletters.toolkits.toolkit import Toolkit


@dataclass(frozen=True)
class OfferedEmail:
    """An offered newsletter in one language: `subject` for somebody without a name, `expires` its last day."""

    name: str
    title: str
    subject: str
    language: str
    expires: date | None

    @property
    def direction(self) -> str:
        """The direction in which it is written, ltr or rtl."""
        return direction_of(self.language)


@dataclass(frozen=True)
class OfferCard:
    """An email in all its languages; `drawn` has the state of each picture by the email's name."""

    emails: Mapping[str, OfferedEmail]
    drawn: Mapping[str, str]

    def shown(self, language: str) -> OfferedEmail:
        """Return the email in `language`, or else in the one that it was written in."""
        return self.emails[language_given(language, self.emails, next(iter(self.emails)))]


@dataclass(frozen=True)
class OfferCards:
    """The emails that a toolkit offers today, the newest first, and how many can't be made any more."""

    cards: Sequence[OfferCard]
    expired: int

    @property
    def languages(self) -> list[str]:
        """The languages of all the emails, each once."""
        return list(dict.fromkeys(language for card in self.cards for language in card.emails))


def offer_cards(connection: Connection, toolkit: Toolkit, public_url: str, today: date) -> OfferCards:
    """Return the cards of a toolkit's offers; an email whose copy may not be used today has none."""
    offered = offers(connection, toolkit)
    found = {each: _EMAILS.get((each, toolkit.content_hash, public_url, today), lambda each=each: [  # type: ignore[misc]
        _email(each, toolkit, public_url, today)
    ])[0] for each in offered}  # fmt: skip
    drawn = drawn_offers(connection, toolkit.name)
    names = {each.name for each in offered}
    groups: dict[str, dict[str, OfferedEmail]] = {}
    # The one that the others translate comes first in its card, if it is offered too.
    for each, email in sorted(found.items(), key=lambda item: bool(item[0].first)):
        if email:
            stem = Path(each.name).stem if each.first else each.name
            groups.setdefault(stem, {})[email.language] = email
    order = {(Path(each.name).stem if each.first else each.name): None for each in offered}
    cards = [OfferCard(groups[stem], drawn) for stem in order if stem in groups]
    return OfferCards(cards, len(names) - sum(len(card.emails) for card in cards))


def _email(offer: Offer, toolkit: Toolkit, public_url: str, today: date) -> OfferedEmail | None:
    try:
        edition = offered_edition(offer, toolkit, public_url, today)
    except InputError:
        return None
    return OfferedEmail(offer.name, edition.title, edition.subject, edition.language, edition.expires)


# In a list, as the cache makes None again each time.
_EMAILS: Cache[list[OfferedEmail | None]] = Cache(200)
