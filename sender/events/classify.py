"""Classifies the hits of a campaign by comparing them with each other, and again after the rules have changed.

It reads the hits without locks, and then changes those that are decided otherwise, some thousand people in a
transaction, with the roll-ups. So the sums equal a recount at any time, and readers' hits don't wait for it.
"""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

import logging
import time
from collections.abc import Collection

import orjson
from sqlalchemy import Connection, select, text

from daisychain.database import Database
from daisychain.errors import StateError
from sender.delivery.campaign_emails import emails_of
from sender.events import reader_rules as rules
from sender.events.reader_rules import RULE_SET, judge_hit
from sender.events.recount import move_rollups
from sender.links.reader_groups import FIRST_READER, GROUP_OF, IN_GROUP, LAST_READER
from sender.links.sent_mail import load_emails
from sender.mailbox_providers import OTHER, PROVIDER_OF
from sender.tables import CampaignIntake

log = logging.getLogger("daisychain.classify")

PEOPLE_AT_ONCE = 2_000
# A campaign rests this many times as long as its last classification took, so that a large one is no constant load.
REST = 50

# A million people don't fit into the default of 4 MB. From the eleventh part on PostgreSQL would take a plan for parts
# of ten mails, which took four times as long.
_SETTINGS = text("""
    SELECT set_config('work_mem', '64MB', true), set_config('plan_cache_mode', 'force_custom_plan', true)
""")
# A test send has no hits to classify, and where addresses are gone, rules about domains would find nothing.
_SPAN = text(f"""
    SELECT coalesce(min(first_delivery), 1) AS first, coalesce(min(last_delivery), 0) AS last,
           min(frozen_at) AS frozen_at,
           coalesce((SELECT min({FIRST_READER}) FROM reader_groups g WHERE campaign_id = :campaign), 1) AS first_reader,
           coalesce((SELECT max({LAST_READER}) FROM reader_groups g WHERE campaign_id = :campaign), 0) AS last_reader
    FROM campaigns WHERE id = :campaign AND kind <> 'test' AND emptied_at IS NULL
""")
# Hits of people who were erased keep the class that they had when their program was known.
_OF_CAMPAIGN = """
    (e.delivery_id BETWEEN :first AND :last OR e.delivery_id BETWEEN :first_reader AND :last_reader)
    AND e.kind IN ('opened', 'clicked') AND NOT e.detail ? 'erased'
"""
_PROGRAMS = text(f"SELECT DISTINCT e.user_agent FROM events e WHERE {_OF_CAMPAIGN}")
_REQUESTS = text("""
    CREATE TEMPORARY TABLE requests AS
    SELECT DISTINCT ON (b.first_id) b.first_id, coalesce(a.ended_at, a.started_at) AS ended_at
    FROM batches b JOIN attempts a ON a.id = b.attempt_id
    WHERE b.campaign_id = :campaign AND b.state <> 'split'
    ORDER BY b.first_id, b.id DESC
""")
# From the events, as a replay recounts the roll-ups only afterwards.
_ARRIVED = text("""
    CREATE TEMPORARY TABLE arrived AS
    SELECT delivery_id, min(at) AS delivered_at FROM events
    WHERE delivery_id BETWEEN :first AND :last AND kind = 'delivered' GROUP BY 1
""")
# A mail without a reported delivery was there when its request ended. Rule set 1 did not write down which of its rules
# made a hit a machine's: if its name does not, the flag or HEAD did.
_HITS = text(f"""
    CREATE TEMPORARY TABLE hits AS
    SELECT e.id, e.delivery_id, e.kind, e.at, e.open_class AS old_class, e.rules AS old_rules, p.rule AS named,
           CASE WHEN e.kind = 'clicked' THEN e.link END AS link,
           CASE WHEN e.rules <> '' THEN substring(e.rules FROM :lasting)
                WHEN e.open_class = 'machine' AND coalesce(p.rule, :no_name) = :no_name
                THEN CASE WHEN e.source = 'own' THEN :head ELSE :flag END END AS lasting,
           e.at <= coalesce(a.delivered_at, (
               SELECT ended_at FROM requests WHERE first_id <= e.delivery_id ORDER BY first_id DESC LIMIT 1
           ), :frozen_at) + :early AS early
    FROM events e
    LEFT JOIN arrived a ON a.delivery_id = e.delivery_id
    LEFT JOIN json_to_recordset(CAST(:programs AS json)) AS p (user_agent text, rule text)
           ON p.user_agent = e.user_agent
    WHERE {_OF_CAMPAIGN}
""")
# It is unknown when a reader without a person got the mail. So a hit of theirs is early within the time that counts as
# such after their first one, while at least so large a share of these mails had arrived within that time.
_FRESH = text("""
    CREATE TEMPORARY TABLE fresh AS
    WITH arrivals AS (
        SELECT extract(epoch FROM delivered_at) AS at, CAST(1 AS bigint) AS mails FROM arrived
        UNION ALL
        SELECT extract(epoch FROM coalesce(a.ended_at, a.started_at)), b.last_id - b.first_id + 1
        FROM batches b JOIN attempts a ON a.id = b.attempt_id
        WHERE b.campaign_id = :campaign AND b.state <> 'split' AND NOT EXISTS (SELECT 1 FROM arrived)
    ), tens AS (
        SELECT CAST(floor(at / 10) AS bigint) AS ten, sum(mails) AS mails FROM arrivals GROUP BY 1
    ), all_tens AS (
        SELECT ten, coalesce(mails, 0) AS mails
        FROM (SELECT generate_series(min(ten), max(ten) + :early_tens) AS ten FROM tens) AS series
        LEFT JOIN tens USING (ten)
    )
    SELECT ten FROM (
        SELECT ten, sum(mails) OVER (ORDER BY ten ROWS BETWEEN :early_tens PRECEDING AND CURRENT ROW) AS mails,
               sum(mails) OVER () AS whole FROM all_tens) AS windows
    WHERE mails >= :share * whole
""")
_EARLY_READERS = text("""
    UPDATE hits SET early = hits.at <= f.at + :early AND EXISTS (
        SELECT 1 FROM fresh WHERE ten = CAST(floor(extract(epoch FROM hits.at) / 10) AS bigint))
    FROM (SELECT delivery_id, min(at) AS at FROM hits WHERE delivery_id < 0 GROUP BY 1) AS f
    WHERE f.delivery_id = hits.delivery_id
""")
# Clicks are made distinct first, so that the mail of somebody who hits it endlessly is not compared with itself.
_BURSTS = text("""
    CREATE TEMPORARY TABLE bursts AS
    WITH clicks AS (SELECT DISTINCT delivery_id, link, at FROM hits WHERE link IS NOT NULL),
    several AS (SELECT delivery_id FROM clicks GROUP BY 1 HAVING count(DISTINCT link) >= :links)
    SELECT delivery_id, array_agg(at) AS begins FROM (
        SELECT a.delivery_id, a.at
        FROM several JOIN (SELECT DISTINCT delivery_id, at FROM clicks) a USING (delivery_id)
        JOIN clicks b ON b.delivery_id = a.delivery_id AND b.at BETWEEN a.at AND a.at + :within
        GROUP BY 1, 2 HAVING count(DISTINCT b.link) >= :links) AS found
    GROUP BY 1
""")
_EMAIL = f"""
    LEFT JOIN deliveries d ON d.id = {{0}}
    LEFT JOIN reader_groups g ON g.id = {GROUP_OF.format("{0}")} AND {{0}} < 0
    JOIN json_to_recordset(CAST(:emails AS json)) AS m (compiled_id bigint, links integer)
      ON m.compiled_id = coalesce(g.compiled_id, d.compiled_id, :compiled)
"""
_SCANNED = text(f"""
    CREATE TEMPORARY TABLE scanned AS
    SELECT h.delivery_id
    FROM (SELECT DISTINCT delivery_id, link FROM hits WHERE early AND link IS NOT NULL) h
    {_EMAIL.format("h.delivery_id")}
    GROUP BY h.delivery_id, m.links
    HAVING count(*) >= greatest(:least, :share * m.links)
""")
# Small domains are judged together, as if they were one; so are readers without a person whose group has no domain.
# `scanned_at` is set if a scanner meets every mail: then the first click is its own, whenever it comes.
_GUARDED = text(f"""
    CREATE TEMPORARY TABLE guarded AS
    WITH people AS (
        SELECT d.id, lower(split_part(d.address, '@', -1)) AS domain
        FROM deliveries d WHERE d.id BETWEEN :first AND :last AND d.state IN ('accepted', 'uncertain')
    ), mails AS (
        SELECT id, domain, 1 AS person FROM people
        UNION ALL
        SELECT delivery_id, domain, 0 FROM (SELECT DISTINCT delivery_id FROM hits WHERE delivery_id < 0) AS readers
        JOIN reader_groups g ON g.id = {GROUP_OF.format("delivery_id")} WHERE mailbox = :other_mailbox
    ), clickers AS (
        SELECT delivery_id AS id, min(at) AS first_click, bool_or(early) AS early FROM hits
        WHERE kind = 'clicked' GROUP BY 1
    ), domains AS (
        SELECT domain, sum(person) AS people, count(first_click) AS clickers, count(*) FILTER (WHERE early) AS early
        FROM mails LEFT JOIN clickers USING (id) WHERE NOT domain = ANY (:public) GROUP BY 1
    ), judged AS (
        SELECT domain, people >= :people AND early >= :whole * people AS whole,
               CASE WHEN people >= :people THEN early >= :share * people
                    ELSE sum(early) OVER small >= greatest(:people, :small_share * sum(people) OVER small)
                         AND sum(early) OVER small >= :of_clickers * sum(clickers) OVER small END AS guarded
        FROM domains WINDOW small AS (PARTITION BY people >= :people)
    )
    SELECT id AS delivery_id, CASE WHEN whole THEN first_click END AS scanned_at
    FROM mails JOIN judged USING (domain) LEFT JOIN clickers USING (id)
    WHERE guarded AND id IN (SELECT delivery_id FROM hits)
""")
# At a guarded domain also a late scan shows: mails that wait for a server, or are scanned again.
_SWEPT = text(f"""
    CREATE TEMPORARY TABLE swept AS
    WITH clicks AS (
        SELECT DISTINCT delivery_id, link, at FROM hits JOIN guarded USING (delivery_id) WHERE link IS NOT NULL
    )
    SELECT delivery_id, array_agg(at) AS begins FROM (
        SELECT a.delivery_id, a.at
        FROM clicks a
        JOIN clicks b ON b.delivery_id = a.delivery_id AND b.at BETWEEN a.at AND a.at + :within
        {_EMAIL.format("a.delivery_id")}
        GROUP BY a.delivery_id, a.at, m.links
        HAVING count(DISTINCT b.link) >= greatest(:least, :share * m.links)) AS found
    GROUP BY 1
""")
# The rules of each hit, in the order of RULES; OFFSET keeps PostgreSQL from working them out for each use of them.
_CHANGES = text("""
    CREATE TEMPORARY TABLE changes AS
    SELECT d.id, d.delivery_id, d.old_class, d.old_rules, c.open_class, d.rules,
           (dense_rank() OVER (ORDER BY d.delivery_id) - 1) / :people AS part
    FROM (
        SELECT h.id, h.delivery_id, h.old_class, h.old_rules, concat_ws(' ',
            h.lasting, nullif(h.named, :no_name),
            CASE WHEN b.begins IS NOT NULL AND EXISTS (
                SELECT 1 FROM unnest(b.begins) AS at WHERE h.at BETWEEN at - :before AND at + :after) THEN :burst END,
            CASE WHEN h.early AND s.delivery_id IS NOT NULL OR w.begins IS NOT NULL AND EXISTS (
                SELECT 1 FROM unnest(w.begins) AS at WHERE h.at BETWEEN at - :before AND at + :sweep) THEN :most END,
            CASE WHEN h.early AND g.delivery_id IS NOT NULL OR h.at BETWEEN g.scanned_at - :before AND g.scanned_at
                 THEN :guarded END,
            CASE WHEN h.named = :no_name THEN :no_name END,
            CASE WHEN h.kind = 'clicked' AND h.link IS NULL THEN :other END) AS rules
        FROM hits h
        LEFT JOIN bursts b USING (delivery_id)
        LEFT JOIN scanned s USING (delivery_id)
        LEFT JOIN swept w USING (delivery_id)
        LEFT JOIN guarded g USING (delivery_id)
        OFFSET 0) AS d
    JOIN json_to_recordset(CAST(:classes AS json)) AS c (rules text, open_class text) USING (rules)
    WHERE (d.old_class, d.old_rules) <> (c.open_class, d.rules)
""")
_TABLES = ("arrived", "requests", "hits", "fresh", "bursts", "scanned", "guarded", "swept", "changes")
_DROP = text(f"DROP TABLE IF EXISTS {', '.join(f'pg_temp.{table}' for table in _TABLES)}")


def find_changes(connection: Connection, campaign_id: int) -> int:
    """Make the temporary table `changes` of the hits that the rules decide otherwise by now; returns its parts."""
    connection.execute(_DROP)
    connection.execute(_SETTINGS)
    span = dict(connection.execute(_SPAN, {"campaign": campaign_id}).mappings().one())
    named = ((name, judge_hit(name)[1]) for name in connection.scalars(_PROGRAMS, span))
    programs = _json([{"user_agent": name, "rule": rule} for name, rule in named if rule])
    campaign_emails = emails_of(connection, campaign_id)
    emails = load_emails(connection, campaign_emails.all())
    links = {id_: sum(link.tracked for link in email.links) for id_, email in emails.items()}
    connection.execute(_ARRIVED, span)
    connection.execute(_REQUESTS, {"campaign": campaign_id})
    connection.execute(text("ALTER TABLE pg_temp.requests ADD PRIMARY KEY (first_id)"))
    connection.execute(_HITS, {
        **span, "programs": programs, "early": rules.EARLY, "flag": rules.FLAG, "head": rules.HEAD,
        "no_name": rules.NO_NAME, "lasting": "|".join(rules.LASTING),
    })  # fmt: skip
    if span["last_reader"] < 0:
        connection.execute(_FRESH, {
            "campaign": campaign_id, "early_tens": rules.EARLY.seconds // 10, "share": rules.FRESH_SHARE
        })  # fmt: skip
        connection.execute(_EARLY_READERS, {"early": rules.EARLY})
    connection.execute(text("ANALYZE pg_temp.hits"))
    connection.execute(_BURSTS, {"links": rules.BURST_LINKS, "within": rules.BURST_WITHIN})
    most = {
        "emails": _json([{"compiled_id": id_, "links": count} for id_, count in links.items()]),
        "least": rules.MOST_LINKS, "share": rules.MOST_LINKS_SHARE, "compiled": campaign_emails.fallback,
    }  # fmt: skip
    connection.execute(_SCANNED, most)
    connection.execute(_GUARDED, {
        **span, "public": list(PROVIDER_OF), "people": rules.GUARDED_PEOPLE, "share": rules.GUARDED_SHARE,
        "whole": rules.ALL_SCANNED, "small_share": rules.SMALL_SHARE, "of_clickers": rules.SMALL_OF_CLICKERS,
        "other_mailbox": OTHER,
    })  # fmt: skip
    connection.execute(_SWEPT, {**most, "within": rules.SWEEP_WITHIN})
    connection.execute(_CHANGES, {
        "burst": rules.BURST, "before": rules.BEFORE_BURST, "after": rules.BURST_WITHIN + rules.AFTER_BURST,
        "sweep": rules.SWEEP_WITHIN + rules.AFTER_BURST, "most": rules.MOST, "guarded": rules.GUARDED,
        "no_name": rules.NO_NAME, "other": rules.OTHER_ADDRESS, "people": PEOPLE_AT_ONCE,
        "classes": _json([{"rules": names, "open_class": gives} for names, gives in rules.classes().items()]),
    })  # fmt: skip
    connection.execute(text("CREATE INDEX ON pg_temp.changes (part)"))
    connection.execute(text("ANALYZE pg_temp.changes"))
    return connection.scalar(text("SELECT coalesce(max(part) + 1, 0) FROM pg_temp.changes")) or 0


def classify_campaign(database: Database, campaign_id: int) -> int:
    """Classify the hits of a campaign and move its roll-ups; returns how many hits changed.

    If it is interrupted, what is done stays, and the next one does the rest.
    """
    began = time.monotonic()
    with database.engine.connect() as connection:
        # Read before the hits: what comes in meanwhile is for the next one.
        taken_in = connection.scalar(select(CampaignIntake.events).where(CampaignIntake.campaign_id == campaign_id))
        if taken_in is None:
            return 0
        parts = find_changes(connection, campaign_id)
        connection.commit()
        changed = 0
        for part in range(parts):
            connection.execute(_SETTINGS)
            changed += move_rollups(connection, part)
            connection.commit()
        connection.execute(_DROP)
        seconds = time.monotonic() - began
        connection.execute(_DONE, {
            "campaign": campaign_id, "events": taken_in, "seconds": seconds, "rule_set": RULE_SET,
        })  # fmt: skip
        connection.commit()
    return changed


# In an UPDATE, the right-hand sides are the row as it was.
_DONE = text("""
    UPDATE campaign_intake SET
        classified_to = :events, classified_at = clock_timestamp(), seconds = :seconds, rule_set = :rule_set,
        earlier_rule_set = CASE WHEN rule_set <> :rule_set THEN rule_set ELSE earlier_rule_set END,
        rules_changed_at = CASE WHEN rule_set <> :rule_set THEN now() ELSE rules_changed_at END
    WHERE campaign_id = :campaign
""")
_DUE = text("""
    SELECT campaign_id FROM campaign_intake
    WHERE (events <> classified_to OR rule_set IS DISTINCT FROM :rule_set)
      AND (classified_at IS NULL OR classified_at + :rest * seconds * interval '1 second' < now())
    ORDER BY campaign_id DESC
""")


def classify_due(database: Database, *, rest: int = REST) -> str:
    """Classify each campaign with new hits or an old rule set, and return a summary.

    One that fails does not stop the others; raises StateError at the end.
    """
    with database.engine.connect() as connection:
        due = connection.scalars(_DUE, {"rule_set": RULE_SET, "rest": rest}).all()
    changed = failed = 0
    for campaign_id in due:
        try:
            changed += classify_campaign(database, campaign_id)
        except Exception:  # the others must be classified nevertheless
            log.exception("the hits of campaign %s can't be classified", campaign_id)
            failed += 1
    if failed:
        raise StateError(f"The hits of {failed} campaigns can't be classified.", hint="The log says why.")
    return f"{changed} hits of {len(due)} campaigns decided otherwise" if due else ""


_IN_PLACE = text("""
    UPDATE events e SET open_class = c.open_class, rules = c.rules FROM pg_temp.changes c WHERE e.id = c.id
""")
_TAKEN_IN = text(f"""
    INSERT INTO campaign_intake AS i (campaign_id, events, newest_at)
    SELECT CAST(:campaign AS bigint), count(*), max(received_at) FROM (
        SELECT e.received_at
        FROM campaigns c JOIN events e ON e.delivery_id BETWEEN c.first_delivery AND c.last_delivery
        JOIN deliveries d ON d.id = e.delivery_id AND d.kind IN ('member', 'contact')
        WHERE c.id = :campaign
        UNION ALL SELECT e.received_at
        FROM reader_groups g JOIN events e ON {IN_GROUP.format("e.delivery_id")} WHERE g.campaign_id = :campaign
    ) AS theirs HAVING count(*) > 0
    ON CONFLICT (campaign_id) DO UPDATE SET events = excluded.events, newest_at = excluded.newest_at
""")


def classify_anew(database: Database, campaign_id: int) -> int:
    """Classify the hits of a campaign whose events were built again; returns how many changed."""
    # It commits by itself: each hit of a reader updates this row.
    with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(_TAKEN_IN, {"campaign": campaign_id})
    return classify_campaign(database, campaign_id)


def classify_unrecorded(connection: Connection, campaign_id: int) -> int:
    """Classify the hits of a campaign in a transaction that will be rolled back; returns how many changed.

    What readers' hits update is not touched: they would wait until then.
    """
    find_changes(connection, campaign_id)
    changed = connection.execute(_IN_PLACE).rowcount
    connection.execute(_DROP)
    return changed


def _json(rows: Collection[object]) -> str:
    return orjson.dumps(rows).decode()
