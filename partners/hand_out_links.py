"""The private links in the mails of hand-outs, made when a mail goes: one that was replaced goes in its new form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from daisychain.settings import Settings
from lists.addresses import address_key
from partners.private_links import LinkKey, private_url
from partners.tables import HandOut, HandOutMail, OrganisationContact, OrganisationProfile
from sender.tables import Delivery


def hand_out_links(
    settings: Settings, connection: Connection, deliveries: Sequence[int]
) -> Mapping[int, Mapping[str, str]]:
    """Return the private links of mails, by delivery; none for an organisation or a contact that is gone.

    It is the `sender.delivery.contact_batches.LateValues` of this installation.
    """
    profile, contact = OrganisationProfile, OrganisationContact
    rows = connection.execute(
        select(
            HandOutMail.delivery_id, profile.organisation_id, profile.link_number, HandOut.toolkit, HandOut.newsletter,
            contact.address_key, Delivery.address,
        )
        .join(HandOut, HandOut.id == HandOutMail.hand_out_id)
        .join(Delivery, Delivery.id == HandOutMail.delivery_id)
        .join(profile, profile.organisation_id == HandOutMail.organisation_id)
        .join(contact, contact.id == HandOutMail.contact_id)
        .where(HandOutMail.delivery_id.in_(deliveries), contact.receives, contact.suggested_at.is_(None))
    )  # fmt: skip
    return {
        row.delivery_id: link_values(
            private_url(settings, LinkKey(row.link_number, row.organisation_id)), row.toolkit, row.newsletter
        )
        for row in rows
        # A contact who has another address now is perhaps another person.
        if row.address_key == address_key(row.address)
    }


def link_values(page: str, toolkit: str, newsletter: str) -> dict[str, str]:
    """Return the links of a mail, for the address of a private page."""
    return {"private_link": page, "email_link": f"{page}/emails/{toolkit}/{newsletter}" if newsletter else page}
