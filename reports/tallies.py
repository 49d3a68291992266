"""The counts behind the figures of one campaign: sums of its ledger and its roll-ups, also by language."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Integer, case, false, func, literal, select

from daisychain.database import database_now
from daisychain.errors import StateError
from lists.tables import MailingList
from reports.estimates import Nets
from reports.people_counts import count_people
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.delivery.campaign_emails import emails_of
from sender.delivery.ledger import Ledger, ledgers_of, read_ledgers
from sender.events.facts import BITS
from sender.events.reader_rules import RULE_SET
from sender.links.reader_groups import RANDOM_BITS, count_without_persons
from sender.tables import (
    Attempt,
    Campaign,
    CampaignIntake,
    Delivery,
    EarlyPerson,
    FactsRollup,
    HourRollup,
    ReaderGroup,
    Rollup,
)

# Only a provider reports these; one of them shows that its webhook reaches us.
_REPORTED_BY_PROVIDERS = ("queued", "deferred", "delivered", "rejected", "bounced_hard", "bounced_soft", "complained")
# Nearly all mails have a final report within minutes; after six hours without, reports are missing.
LATE, ENOUGH = timedelta(hours=6), 0.98
# If more than a fifth has none, or can't have (SMTP), the people delivered are too few to be a denominator: those who
# are known to be delivered because they clicked would be a large part of them.
MOST = 0.8
# A sender's last campaigns, this one included, whose openers and clickers an estimate is pooled from.
POOLED = 10


@dataclass(frozen=True)
class Intake:
    """The state of a campaign's events, and of the classes of its hits."""

    newest_at: datetime | None = None
    pending: bool = False  # whether some hits have not been compared with the others yet
    rule_set: int = RULE_SET
    earlier_rule_set: int | None = None
    rules_changed_at: datetime | None = None


@dataclass(frozen=True)
class Tallies:
    """Everything counted about one campaign, from one snapshot; `people` are counted by description."""

    campaign: CampaignRecord
    ledger: Ledger
    people: Counter[str]
    elsewhere: int  # people who read the mail, although the ledger does not have them as accepted
    provider_reported: bool
    delivery_reported: bool
    of_delivered: bool  # whether shares are of people delivered; for all languages of a campaign the same
    late: bool  # whether final reports should be in, but are not
    intake: Intake
    counted_at: datetime
    sent_at: datetime  # when the last request ended, if known
    counted: int  # people whose reading is counted without persons
    list_tracking: str  # what the list counts by now, if this campaign was sent with other tracking
    languages: dict[str, Tallies] = field(default_factory=dict)  # if there are several

    @property
    def word(self) -> int:
        """Return the people whose mail has a final report."""
        return self.people["accepted"] - self.people["no_word"]

    @property
    def all_counted(self) -> bool:
        """Whether reading is counted without persons for everybody."""
        return 0 < self.counted >= self.ledger.intended - self.ledger.excluded

    @property
    def as_of(self) -> datetime:
        """Return when the newest event arrived, or the time of counting if none has."""
        return self.intake.newest_at or self.counted_at

    @property
    def nets(self) -> Nets:
        """Return the openers and clickers, for the estimate."""
        return _nets(self.people)


def of_one_moment(connection: Connection) -> None:
    """Let all queries of a connection see one state, unless its transaction has begun."""
    if not connection.in_transaction():
        connection.execution_options(isolation_level="REPEATABLE READ")


def tally(connection: Connection, campaign_id: int, age: timedelta | None = None) -> Tallies:
    """Count one campaign; raises StateError if it does not exist, was not sent, or is a test.

    With `age`, people count by what had become true when each one's mail was that old. Only the facts of `_SINCE` are
    then right; hits of programs count at any age.
    """
    of_one_moment(connection)
    campaign = find_campaign(connection, campaign_id)
    if campaign.is_test:
        raise StateError(f"Campaign {campaign_id} is a test send; test sends are never counted.")
    if campaign.frozen_at is None or campaign.state == "draft":  # or cancelled before it was sent
        raise StateError(
            f"Campaign {campaign_id} has not been sent, so there is nothing to report.",
            hint=f"`daisychain campaign send {campaign_id}` sends it.",
        )
    [whole] = tally_all(connection, [campaign])
    emails, enough = emails_of(connection, campaign_id), whole.of_delivered
    if age is None and not emails.several:
        return whole
    if age is None:
        by_email = _people_by_facts(connection, [campaign_id])[0][campaign_id]
    else:
        by_email = _people_at_age(connection, campaign_id, age, whole.sent_at)
        everybody = sum(by_email.values(), Counter[int]())
        whole = replace(whole, people=count_people(whole.ledger.accepted, everybody, reported=enough))
    ledgers = read_ledgers(connection, campaign_id) if emails.several else {}
    return replace(whole, languages={
        language: replace(
            whole, ledger=ledgers[id_],
            people=count_people(ledgers[id_].accepted, by_email.get(id_, Counter()), reported=enough),
        )
        for language, id_ in emails.ids.items()
        if id_ in ledgers
    })  # fmt: skip


def tally_all(connection: Connection, campaigns: Sequence[CampaignRecord]) -> list[Tallies]:
    """Count campaigns that were sent, without their languages; it asks as often for many as for one."""
    ids = [campaign.id for campaign in campaigns]
    now = database_now(connection)
    some = HourRollup.campaign_id.in_(ids), HourRollup.events > 0, HourRollup.fact.in_(_REPORTED_BY_PROVIDERS)
    reported = {*connection.scalars(select(HourRollup.campaign_id).where(*some).distinct())}
    last = select(Attempt.campaign_id, func.max(Attempt.ended_at)).where(Attempt.campaign_id.in_(ids))
    ended = {row[0]: row[1] for row in connection.execute(last.group_by(Attempt.campaign_id))}
    ledgers, (by_email, elsewhere) = ledgers_of(connection, ids), _people_by_facts(connection, ids)
    intakes, tracking = _intakes(connection, ids), _list_tracking(connection, campaigns)
    counted = count_without_persons(connection, ids)
    found = []
    for campaign in campaigns:
        ledger = ledgers[campaign.id]
        everybody = sum(by_email[campaign.id].values(), Counter[int]())
        told = any(facts & BITS["delivered"] for facts in everybody)
        word = ledger.accepted - count_people(ledger.accepted, everybody, reported=told)["no_word"]
        enough = told and word >= MOST * ledger.accepted
        sent_at = ended.get(campaign.id) or campaign.finished_at or campaign.frozen_at or campaign.created_at
        found.append(Tallies(
            campaign, ledger, count_people(ledger.accepted, everybody, reported=enough), elsewhere[campaign.id],
            provider_reported=campaign.id in reported, delivery_reported=told, of_delivered=enough,
            late=told and word < ENOUGH * ledger.accepted and sent_at < now - LATE,
            intake=intakes.get(campaign.id, Intake()), counted_at=now, sent_at=sent_at,
            counted=counted.get(campaign.id, 0), list_tracking=tracking[campaign.id],
        ))  # fmt: skip
    return found


def _people_by_facts(
    connection: Connection, campaign_ids: Collection[int]
) -> tuple[dict[int, dict[int, Counter[int]]], Counter[int]]:
    """Count the accepted people by campaign, compiled email and facts, and the readers who are not accepted."""
    sums = select(FactsRollup.campaign_id, FactsRollup.compiled_id, FactsRollup.facts, FactsRollup.people)
    found: defaultdict[int, dict[int, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    for campaign_id, compiled_id, facts, people in connection.execute(
        sums.where(FactsRollup.campaign_id.in_(campaign_ids))
    ):
        found[campaign_id][compiled_id][facts] += people
    compiled = func.coalesce(Delivery.compiled_id, Campaign.compiled_id)
    others = connection.execute(
        select(Campaign.id, compiled.label("compiled"), Rollup.facts, func.count())
        .select_from(EarlyPerson)
        .join(Campaign, Campaign.id == EarlyPerson.campaign_id)
        .join(Delivery, Delivery.id == EarlyPerson.delivery_id)
        .join(Rollup, Rollup.delivery_id == EarlyPerson.delivery_id)
        .where(EarlyPerson.campaign_id.in_(campaign_ids), Delivery.state != "accepted")
        .group_by(Campaign.id, "compiled", Rollup.facts)
    )
    elsewhere: Counter[int] = Counter()
    for campaign_id, compiled_id, facts, people in others:
        found[campaign_id][compiled_id][facts] -= people
        if facts & (BITS["opened_human"] | BITS["clicked_human"]):
            elsewhere[campaign_id] += people
    return found, elsewhere


_SINCE = {
    "delivered": Rollup.delivered_at, "rejected": Rollup.dropped_at, "bounced_hard": Rollup.hard_bounced_at,
    "bounced_soft": Rollup.soft_bounced_at, "complained": Rollup.complained_at,
    "unsubscribed": Rollup.unsubscribed_at, "opened_human": Rollup.first_human_open_at,
    "clicked_human": Rollup.first_click_at,
}  # fmt: skip


def _people_at_age(
    connection: Connection, campaign_id: int, age: timedelta, sent_at: datetime
) -> dict[int, Counter[int]]:
    """Count the accepted people by compiled email and by what was true when their mail was so old."""
    # Older versions did not keep each person's attempt, and of a reader without a person it is unknown.
    own = func.coalesce(Attempt.ended_at, sent_at)
    always = sum(bit for fact, bit in BITS.items() if fact not in _SINCE)
    then = sum((case((since > own + age, 0), else_=BITS[fact]) for fact, since in _SINCE.items()), literal(always))
    compiled = func.coalesce(Delivery.compiled_id, Campaign.compiled_id)
    people = (
        select(compiled.label("compiled"), Rollup.facts.op("&")(then).label("then"), func.count())
        .select_from(Rollup)
        .join(Delivery, Delivery.id == Rollup.delivery_id)
        .join(Campaign, Campaign.id == Rollup.campaign_id)
        .outerjoin(Attempt, Attempt.id == Delivery.attempt_id)
        .where(Rollup.campaign_id == campaign_id, Delivery.state == "accepted")
        .group_by("compiled", "then")
    )
    readers = (
        select(ReaderGroup.compiled_id.label("compiled"), Rollup.facts.op("&")(then).label("then"), func.count())
        .select_from(Rollup)
        .join(ReaderGroup, ReaderGroup.id == (-Rollup.delivery_id).bitwise_rshift(literal(RANDOM_BITS, Integer)))
        .outerjoin(Attempt, false())
        .where(Rollup.campaign_id == campaign_id, Rollup.delivery_id < 0)
        .group_by("compiled", "then")
    )
    found: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for compiled_id, facts, number in (*connection.execute(people), *connection.execute(readers)):
        found[compiled_id][facts] += number
    return found


def pooled_nets(connection: Connection, tallies: Tallies) -> tuple[Nets, int]:
    """Sum the openers and clickers of the sender's last campaigns by the same rule set; also says of how many."""
    this = tallies.campaign
    others = connection.scalars(
        select(Campaign.id)
        .join(CampaignIntake, CampaignIntake.campaign_id == Campaign.id)
        .where(
            Campaign.from_address == this.from_address, Campaign.kind == "campaign", Campaign.id != this.id,
            Campaign.opens == this.opens, Campaign.clicks == this.clicks, Campaign.frozen_at <= this.frozen_at,
            CampaignIntake.rule_set == tallies.intake.rule_set,
        )
        .order_by(Campaign.frozen_at.desc())
        .limit(POOLED - 1)
    ).all() if this.opens != "off" != this.clicks else []  # fmt: skip
    found = _people_by_facts(connection, others)[0] if others else {}
    facts = sum((part for by_email in found.values() for part in by_email.values()), Counter[int]())
    return tallies.nets + _nets(count_people(facts.total(), facts, reported=False)), len(others) + 1


def _nets(people: Counter[str]) -> Nets:
    return Nets(people["opened_human"], people["clicked"], people["opened_and_clicked"])


def _intakes(connection: Connection, campaign_ids: Collection[int]) -> dict[int, Intake]:
    rows = connection.execute(select(CampaignIntake.__table__).where(CampaignIntake.campaign_id.in_(campaign_ids)))
    return {
        row.campaign_id: Intake(
            row.newest_at, row.events != row.classified_to or row.rule_set not in (None, RULE_SET),
            row.rule_set or RULE_SET, row.earlier_rule_set, row.rules_changed_at,
        )
        for row in rows
    }  # fmt: skip


def _list_tracking(connection: Connection, campaigns: Sequence[CampaignRecord]) -> dict[int, str]:
    """Return what the list of each campaign counts by now, if it differs from the campaign."""
    columns = MailingList.id, MailingList.opens, MailingList.clicks, MailingList.tracking
    lists = MailingList.id.in_({campaign.list_id for campaign in campaigns})
    by_list = {row.id: row for row in connection.execute(select(*columns).where(lists))}
    found = {}
    for campaign in campaigns:
        row, words = by_list.get(campaign.list_id), ""
        if row is not None:
            off = [each == "off" for each in (row.opens, row.clicks)]
            same = row.tracking == (campaign.tracking or row.tracking)
            if not same or off != [campaign.opens == "off", campaign.clicks == "off"]:
                words = f"{row.tracking} (opens {row.opens}, clicks {row.clicks})"
        found[campaign.id] = words
    return found
