"""The trend of a list: month by month who came and left, how its campaigns were read, and what is usual for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from statistics import quantiles
from typing import Any

from sqlalchemy import Connection, func, select, text

from daisychain import clock
from daisychain.database import database_now
from lists.kept_figures import COUNTS, SLOW, counted_at, figure
from lists.lists import find_list
from lists.tables import MailingList
from reports.compare import AGE, without_small_then
from reports.figures import main_figures
from reports.intervals import wilson
from reports.report import Figure, Interval
from reports.small_cells import LEAST
from reports.tallies import of_one_moment, tally
from sender.events.facts import BITS
from sender.tables import Campaign

MONTHS = 12
LABELS = {
    "delivered": "delivered", "seen_reading": "seen reading", "clicked": "clicked", "unsubscribed": "unsubscribed",
    "complained": "complained",
}  # fmt: skip
OF_MONTH = tuple(LABELS)
AGE_NOTE = (
    "Rates are of mails, 72 hours after each was sent; younger campaigns are left out. Usual is what the middle half "
    "of these campaigns had."
)
# A person who was not seen reading any of this many mails is unengaged, of the last campaigns.
UNSEEN_IN, LAST_CAMPAIGNS = 3, 6
LEAST_FOR_USUAL = 4  # campaigns, before quartiles say anything
UNENGAGED = (
    f"People on the list who got {UNSEEN_IN} or more of its last {LAST_CAMPAIGNS} campaigns whose reading was counted, "
    "and were not seen to read any. Some of them read: programs that load no images, or load all, leave no trace. "
    "People whose reading is counted without persons are left out."
)

Share = tuple[int, int, bool] | None  # mails, of how many, and whether everybody may see that


@dataclass(frozen=True)
class Rate:
    """A share of mails over the campaigns of a month, in which one person may have several."""

    mails: int
    of: int

    @property
    def rate(self) -> float | None:
        """Return the share of 1; None of no mails."""
        return self.mails / self.of if self.of else None

    @property
    def interval(self) -> Interval | None:
        """Return the 95 % interval."""
        return wilson(self.mails, self.of) if self.of else None


@dataclass(frozen=True)
class Month:
    """One month: people who joined and left the list, who were on it at the end, and its campaigns' rates.

    A rate is None if no campaign of the month has a number of it; `left_out` are campaigns that are too young. For
    somebody who may see no small numbers, those are None, and people are rounded to fives.
    """

    first_day: date
    joined: int | None
    left: int | None
    people: int | None
    campaigns: int
    left_out: int
    rates: Mapping[str, Rate | None]


@dataclass(frozen=True)
class Trend:
    """A list's months, the oldest first, the usual range of its campaigns' rates, and its unengaged members."""

    list_name: str
    months: Sequence[Month]
    usual: Mapping[str, Interval | None]
    unengaged: int | None
    counted_at: datetime


def trend(connection: Connection, list_name: str, months: int = MONTHS, *, small_cells: bool = True) -> Trend:
    """Return the trend of a list over the last months, this one included; raises InputError if there is no such list.

    Campaigns count as they were 72 hours after sending, so that an old one is no better for its age.
    """
    of_one_moment(connection)
    list_id, now = find_list(connection, list_name)["id"], database_now(connection)
    days = _first_days(now.astimezone(clock.home_zone()).date(), months)
    campaigns = [(date.fromisoformat(month), shares) for month, shares in
                 figure(connection, list_id, "rates", days[0].isoformat())]  # fmt: skip
    moves = [(date.fromisoformat(month), *counts) for month, *counts in figure(connection, list_id, "growth")]
    found = []
    for day in days:
        sent = [shares for month, shares in campaigns if month == day]
        joined, left = next(((joined, gone) for month, joined, gone in moves if month == day), (0, 0))
        people = sum(joined - gone for month, joined, gone in moves if month <= day)
        # Each of these two follows from the other if the number at the end of each month is known.
        few = not small_cells and any(0 < count < LEAST for count in (joined, left))
        rates = {name: _pooled([each[name] for each in sent if each], small_cells) for name in OF_MONTH}
        young = sum(each is None for each in sent)
        people = people if small_cells else LEAST * round(people / LEAST)
        found.append(Month(day, None if few else joined, None if few else left, people, len(sent), young, rates))
    old_enough = [shares for _, shares in campaigns if shares]
    unengaged = _shown(figure(connection, list_id, "unengaged"), small_cells)
    return Trend(list_name, found, _usual(old_enough, small_cells), unengaged, counted_at(connection) or now)


def titles_of_lists(connection: Connection) -> dict[str, str]:
    """Return the title of each list by its name, the one that was mailed last first."""
    mailed = select(Campaign.list_id, func.max(Campaign.frozen_at).label("at")).group_by(Campaign.list_id).subquery()
    lists = select(MailingList.name, MailingList.title).outerjoin(mailed, mailed.c.list_id == MailingList.id)
    rows = connection.execute(lists.order_by(mailed.c.at.desc().nulls_last(), MailingList.name))
    return {name: title or name for name, title in rows}


def growth(connection: Connection, list_id: int) -> list[list[Any]]:
    """Return each month in which somebody came or left, as its first day, with how many did."""
    rows = connection.execute(_GROWTH, {"list": list_id, "zone": clock.home_zone().key})
    return [[month.isoformat(), int(joined), int(gone)] for month, joined, gone in rows]


COUNTS["growth"] = growth


def _first_days(today: date, months: int) -> list[date]:
    last = today.year * 12 + today.month - 1
    return [date(number // 12, number % 12 + 1, 1) for number in range(last - months + 1, last + 1)]


def _rates(connection: Connection, list_id: int, since: str) -> list[list[Any]]:
    """Return the month of each campaign since a day, and its shares at the common age; None if it is too young."""
    campaigns = connection.execute(
        select(Campaign.id, Campaign.frozen_at)
        .where(
            Campaign.list_id == list_id, Campaign.kind == "campaign", Campaign.state != "draft",
            Campaign.frozen_at >= datetime.combine(date.fromisoformat(since), time(), clock.home_zone()),
        )
        .order_by(Campaign.frozen_at)
    )  # fmt: skip
    found: list[list[Any]] = []
    for campaign_id, frozen_at in campaigns.all():
        assert frozen_at is not None
        month = frozen_at.astimezone(clock.home_zone()).date().replace(day=1)
        then, now = tally(connection, campaign_id, AGE), tally(connection, campaign_id)
        over = then.campaign.state in ("finished", "cancelled") and then.sent_at + AGE <= then.counted_at
        found.append([month.isoformat(), _shares(main_figures(then), main_figures(now)) if over else None])
    return found


def _shares(then: Mapping[str, Figure], now: Mapping[str, Figure]) -> dict[str, Share]:
    for_all = without_small_then(then, now)
    return {
        name: (figure.numerator, figure.denominator, None not in (for_all[name].numerator, for_all[name].denominator))
        if figure.numerator is not None and figure.denominator else None
        for name in OF_MONTH for figure in [then[name]]
    }  # fmt: skip


COUNTS["rates"] = _rates
SLOW.add("rates")  # it reads everybody's mails, campaign by campaign


def _pooled(shares: Sequence[Share], small_cells: bool) -> Rate | None:
    """Return the rate of a month's campaigns; None if one is hidden from this reader, as the others would tell it."""
    known = [each for each in shares if each]
    is_shown = small_cells or all(for_all for _, _, for_all in known)
    return Rate(sum(mails for mails, _, _ in known), sum(of for _, of, _ in known)) if known and is_shown else None


def _shown(count: int, small_cells: bool) -> int | None:
    return count if small_cells or not 0 < count < LEAST else None


def _usual(campaigns: Sequence[Mapping[str, Share]], small_cells: bool) -> dict[str, Interval | None]:
    """Return the middle half of the campaigns' rates: the list's own past is what a campaign is held against."""
    usual: dict[str, Interval | None] = {}
    for name in OF_MONTH:
        shares = [share for each in campaigns if (share := each[name])]
        known = [mails / of for mails, of, for_all in shares if small_cells or for_all]
        cuts = quantiles(known, n=4, method="inclusive") if len(known) >= LEAST_FOR_USUAL else None
        usual[name] = (cuts[0], cuts[2]) if cuts else None
    return usual


def _unengaged(connection: Connection, list_id: int) -> int:
    seen = BITS["opened_human"] | BITS["clicked_human"]
    values = {"list": list_id, "seen": seen, "least": UNSEEN_IN, "last": LAST_CAMPAIGNS}
    return int(connection.execute(_UNENGAGED, values).scalar_one())


COUNTS["unengaged"] = _unengaged

# Somebody ends by leaving, or by a suppression, whichever came first. Who left and came back counts from then on.
_GROWTH = text("""
    WITH people AS (
        SELECT joined_at, least(left_at, CASE WHEN s.at > joined_at THEN s.at END) AS ended_at
        FROM memberships m JOIN members ON members.id = m.member_id
        LEFT JOIN suppressions s ON s.address_key = members.address_key
        WHERE m.list_id = :list
    )
    SELECT CAST(date_trunc('month', at AT TIME ZONE :zone) AS date) AS month, sum(came) AS joined, sum(went) AS gone
    FROM people CROSS JOIN LATERAL (VALUES (joined_at, 1, 0), (ended_at, 0, 1)) AS moves (at, came, went)
    WHERE at IS NOT NULL
    GROUP BY month ORDER BY month
""")
_UNENGAGED = text("""
    WITH last AS (
        SELECT id FROM campaigns
        WHERE list_id = :list AND kind = 'campaign' AND state = 'finished' AND (opens <> 'off' OR clicks <> 'off')
          AND tracking <> 'counted'
        ORDER BY frozen_at DESC LIMIT :last
    ), unseen AS (
        SELECT d.member_id FROM delivery_rollups r JOIN deliveries d ON d.id = r.delivery_id
        WHERE r.campaign_id IN (SELECT id FROM last) AND d.state = 'accepted' AND d.member_id IS NOT NULL
          AND (d.per_person OR (SELECT tracking FROM campaigns c WHERE c.id = r.campaign_id) = '')
          AND (r.delivered_at IS NOT NULL OR r.facts & :seen <> 0)
        GROUP BY d.member_id HAVING count(*) >= :least AND bit_or(r.facts) & :seen = 0
    )
    SELECT count(*) FROM unseen JOIN memberships m ON m.member_id = unseen.member_id
    WHERE m.list_id = :list AND m.state = 'subscribed'
""")
