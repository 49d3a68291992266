"""An invented coalition for tests of hand-outs: organisations with contacts, and an email that is offered to them."""

from __future__ import annotations

from sqlalchemy import Connection

from newsletters.documents.document import parse_document
from newsletters.packs.dialects.dialect import dialects
from newsletters.packs.edition import Choices, Edition, open_edition
from newsletters.packs.offers import offer
from newsletters.packs.pack import pack_key
from newsletters.packs.pack_status import keep_packs, row_of
from newsletters.packs.partner import Partner
from newsletters.toolkit_store.store import shipped_toolkit
from newsletters.toolkits.toolkit import current_day
from partners.contacts import add_contact
from partners.hand_out import KeptHandOut, keep_hand_out
from partners.hand_out_message import Message
from partners.hand_out_people import OrganisationChoice
from partners.profiles import add_organisation

TOOLKIT = "community-makes-us"
SENDER = "Connection Coalition <hello@coalition.example>"
TEXT = "Our new email for {{ member.organisation }} is ready.\n\n[button]\n\nPriya"
# Name, tool, languages, region, and the contacts (address and name).
ORGANISATIONS = (
    ("Bees of Bath", "mailchimp", "en", "South West", (("maya@bees.example", "Maya Bee"),)),
    ("Elusen Cymru", "brevo", "cy, en", "Wales", (("ann@elusen.example", ""), ("sion@elusen.example", "Siôn Ap"))),
    ("Friends of Everything & Everybody in the North West", "mailchimp, outlook", "en", "North West",
     (("jo@friends.example", "Jo"),)),
    ("Nobody There", "", "en", "Wales", ()),
)  # fmt: skip
ALL = OrganisationChoice()


def add_coalition(connection: Connection) -> dict[str, int]:
    """Add the organisations with their contacts; returns their ids by name."""
    ids = {}
    for name, tool, languages, region, contacts in ORGANISATIONS:
        values = {"name": name, "tool": tool, "languages": languages, "region": region}
        ids[name] = add_organisation(connection, values, "Priya").organisation.id
        for address, person in contacts:
            add_contact(connection, ids[name], address, person)
    return ids


def edition(words: str = "It is May.", name: str = "may") -> Edition:
    """An email of the shipped toolkit."""
    text = f"---\nsubject: The May email\npreheader: News\ntoolkit: {TOOLKIT}\ntitle: May\n---\n{words}\n"
    document = parse_document(text, f"{name}.md", None)
    return open_edition(document, shipped_toolkit(TOOLKIT), Choices("https://news.example.org"), current_day())


def offer_email(connection: Connection, name: str = "may") -> None:
    """Offer an email to everybody."""
    made = edition(name=name)
    offer(connection, made, made)


def make_pack(connection: Connection, partner: str, tool: str = "mailchimp", words: str = "It is May.") -> str:
    """Keep that a pack of the email was made in the name of an organisation; returns its key."""
    made, dialect, owner = edition(words), dialects()[tool], Partner(name=partner, code=partner[:4].lower())
    key = pack_key(made, owner, dialect)
    keep_packs(connection, [row_of(key, made, owner, dialect)])
    return key


def written(subject: str = "Ready for {{ member.organisation }}", text: str = TEXT, email: str = "") -> Message:
    """A message of the coalition."""
    return Message(TOOLKIT, subject, text, SENDER, email)


def kept(connection: Connection, choice: OrganisationChoice = ALL, **message: str) -> KeptHandOut:
    """Keep a draft of it."""
    return keep_hand_out(connection, written(**message), choice, who="Priya")
