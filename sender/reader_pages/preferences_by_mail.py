"""A reader's choices through the link in a mail: what there is to choose, and doing it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from lists.preferences.changing import ReaderChange, ReadingWording, change, undo
from lists.preferences.choices import ListChoice, ReaderChoices, Wish, choices_of
from sender.events.page_hits import record_unsubscribe
from sender.events.rollups import update_rollups
from sender.links.sent_mail import SentMail
from sender.tables import Campaign, CampaignEmail


class Offered(NamedTuple):
    """The choices of a mail's recipient, and the languages of the lists' newsletters if there are several."""

    choices: ReaderChoices
    languages: tuple[str, ...]


def offered_by_mail(connection: Connection, mailed: SentMail, *, lock: bool = False) -> Offered | None:
    """Return what the mail's recipient can choose; None if they are no member any more.

    A test mail's page shows the list only: whose values are in it is nobody's business.
    """
    if not mailed.counts:
        title = mailed.list_title or mailed.organisation
        this = ListChoice(mailed.list_id or 0, title, mailed.organisation, on=True, ours=True)
        return Offered(ReaderChoices(0, mailed.address, "", "", "", (this,)), ())
    if mailed.member_id is None:
        return None
    choices = choices_of(connection, mailed.member_id, mailed.organisation, lock=lock)
    if choices is None:
        return None
    lists = [each.id for each in choices.lists]
    sent = (
        select(CampaignEmail.language)
        .join(Campaign, Campaign.id == CampaignEmail.campaign_id)
        .where(Campaign.kind == "campaign", Campaign.list_id.in_(lists), CampaignEmail.language != "")
        .distinct()
        .order_by(CampaignEmail.language)
    )
    return Offered(choices, tuple(connection.scalars(sent)))


def change_by_mail(
    connection: Connection, mailed: SentMail, now: ReaderChoices, wish: Wish, said: ReadingWording
) -> ReaderChange:
    """Do what the mail's recipient wants; leaving its list counts as an unsubscribe by it. A test mail does nothing."""
    if not mailed.counts:
        raise ValueError("a test mail changes nothing")
    done = change(connection, now, wish, said)
    if mailed.list_id in done.left:
        update_rollups(connection, record_unsubscribe(connection, mailed, "list"))
    return done


def undo_by_preferences(connection: Connection, mailed: SentMail, done: ReaderChange, said: ReadingWording) -> bool:
    """Take back what the mail's recipient changed; False if there is nothing to take back, or it is not theirs."""
    offered = offered_by_mail(connection, mailed, lock=True)
    if offered is None or not mailed.counts or offered.choices.member_id != done.member_id:
        return False
    return undo(connection, offered.choices, done, said)
