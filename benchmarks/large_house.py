"""A large installation for the desk: 1,000,000 members in eight lists, 500 campaigns, 300 newsletters, 1,000 partners.

Everything is written by the database itself, as it would be after some years; the first campaign went to everybody, by
SMTP, whose batches and attempts are the most.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, text

from benchmarks.stage import DOCUMENT, add_people, draft
from daisychain.database import Database
from newsletters.stored.contents import Contents
from newsletters.stored.manuscripts import origin_of
from newsletters.stored.newsletters import SavedNewsletter, create, load, put
from newsletters.tables import MadePack
from newsletters.toolkit_store.store import SHIPPED, add_toolkit
from partners.registry import claim
from sender.campaigns.approvals import ask
from sender.campaigns.drafts import create as create_draft
from sender.campaigns.freeze import freeze
from sender.events.recount import _OF_DELIVERIES, _SUMS, _columns, _count, _create

PEOPLE, CAMPAIGNS, NEWSLETTERS, PARTNERS, VERSIONS = 1_000_000, 500, 300, 1_000, 150
BATCH = 200
STORIES = "".join(f"## Story {number}\n\n::: copy small-acts\n\n::: copy clapping\n\n" for number in range(6))

# Every list beside the first has each n-th member; one in fifty has left, one in two hundred is suppressed.
_LISTS = """
    UPDATE memberships SET basis = 'consent', source = 'the form on our website', consented_at = now();
    INSERT INTO lists (name, from_name, from_address)
    SELECT name, 'Coalition', 'hello@coalition.org'
    FROM unnest(ARRAY['supporters', 'volunteers', 'donors', 'wales', 'press', 'trustees', 'nobody']) AS name;
    INSERT INTO memberships (list_id, member_id, basis)
    SELECT l.id, m.id, CASE m.id % 3 WHEN 0 THEN 'consent' ELSE 'unknown' END
    FROM (VALUES ('supporters', 3), ('volunteers', 20), ('donors', 50), ('wales', 97), ('press', 5000),
                 ('trustees', 90000)) AS part (name, each)
    JOIN lists l USING (name) JOIN members m ON m.id % part.each = 0;
    UPDATE memberships SET state = 'unsubscribed', left_at = now(), left_how = 'one-click' WHERE member_id % 50 = 7;
    INSERT INTO suppressions (address_key, reason)
    SELECT address_key, CASE id % 400 WHEN 3 THEN 'hard bounce' ELSE 'complaint' END FROM members WHERE id % 200 = 3
"""
# The consent ledger of these memberships.
_LEDGER = """
    INSERT INTO consent_terms (basis, source) SELECT DISTINCT basis, source FROM memberships;
    INSERT INTO consent_terms (source) VALUES ('one-click');
    INSERT INTO consent_events (member_id, list_id, terms_id, at, kind)
    SELECT member_id, list_id, t.id, consented_at, 'given'
    FROM memberships JOIN consent_terms t USING (basis, source) ORDER BY member_id;
    INSERT INTO consent_events (member_id, list_id, terms_id, at, kind)
    SELECT member_id, list_id, t.id, left_at, 'withdrawn'
    FROM memberships JOIN consent_terms t ON t.source = left_how WHERE state = 'unsubscribed' ORDER BY member_id
"""
# What became of the first campaign; 1 in 3,000 failed, the last batch is uncertain.
_SENT = """
    UPDATE deliveries SET state = CASE WHEN id % 3000 = 11 THEN 'failed' ELSE 'accepted' END,
                          reason = CASE WHEN id % 3000 = 11 THEN 'mailbox full' END WHERE state = 'waiting';
    UPDATE batches SET state = 'done';
    UPDATE batches SET state = 'uncertain' WHERE id = (SELECT max(id) FROM batches);
    UPDATE deliveries SET state = 'uncertain', reason = NULL
    WHERE id BETWEEN (SELECT max(first_id) FROM batches) AND (SELECT max(last_id) FROM batches);
    UPDATE campaigns SET state = 'finished', finished_at = now();
    DELETE FROM procrastinate_jobs
"""
_OTHERS = """
    INSERT INTO campaigns (name, state, list_id, document, source, compiled_id, provider, from_name, from_address,
                           opens, clicks, public_url, created_at, frozen_at, finished_at, intended)
    SELECT 'Bulletin ' || n, CASE WHEN n % 100 = 1 THEN 'paused' ELSE 'finished' END, 1 + n % 6,
           'newsletter:bulletin-' || n, source, compiled_id, provider, from_name, from_address, opens, clicks,
           public_url, now() - n * interval '1 day', now() - n * interval '1 day', now() - n * interval '1 day',
           CAST(1 + CASE WHEN n % 100 = 0 THEN 100000 WHEN n % 10 = 0 THEN 5000 ELSE 500 END * (:people / 1000000.0)
                AS bigint)
    FROM campaigns, generate_series(:campaigns - 1, 1, -1) AS n WHERE id = :first;
    UPDATE campaigns SET pause_reason = 'many complaints: 7 of 900' WHERE state = 'paused';
    UPDATE campaigns SET state = 'scheduled', starts_at = now() + interval '3 days', frozen_at = NULL,
                         finished_at = NULL WHERE id % 100 = 5;
    INSERT INTO campaign_emails (campaign_id, language, compiled_id)
    SELECT c.id, e.language, e.compiled_id FROM campaigns c JOIN campaign_emails e ON e.campaign_id = :first
    WHERE c.id > :first;
    INSERT INTO deliveries (campaign_id, member_id, state, address, inputs)
    SELECT c.id, n, 'accepted', 'reader' || n || '@people.org', '{}'
    FROM campaigns c, generate_series(1, c.intended) AS n WHERE c.id > :first AND c.frozen_at IS NOT NULL
    ORDER BY c.id, n;
    UPDATE campaigns c SET first_delivery = d.first, last_delivery = d.last
    FROM (SELECT campaign_id, min(id) AS first, max(id) AS last FROM deliveries GROUP BY 1) AS d
    WHERE d.campaign_id = c.id AND c.id > :first;
    INSERT INTO batches (campaign_id, compiled_id, first_id, last_id, state)
    SELECT id, compiled_id, start, least(start + 499, last_delivery), 'done'
    FROM campaigns, generate_series(first_delivery, last_delivery, 500) AS start WHERE id > :first;
    INSERT INTO attempts (batch_id, campaign_id, sender_id, people, accepted, ended_at, outcome)
    SELECT id, campaign_id, 1, last_id - first_id + 1, last_id - first_id + 1, now(),
           CASE state WHEN 'uncertain' THEN 'uncertain' ELSE 'accepted' END FROM batches;
    UPDATE batches b SET attempt_id = a.id FROM attempts a WHERE a.batch_id = b.id;
    UPDATE deliveries d SET attempt_id = b.attempt_id FROM batches b
    WHERE d.id BETWEEN b.first_id AND b.last_id AND d.state IN ('failed', 'uncertain');
    UPDATE attempts a SET accepted = n, refused = people - n
    FROM (SELECT b.attempt_id, count(*) AS n FROM batches b
          JOIN deliveries d ON d.id BETWEEN b.first_id AND b.last_id AND d.state = 'accepted'
          WHERE b.campaign_id = :first GROUP BY 1) AS of_batch
    WHERE of_batch.attempt_id = a.id;
    UPDATE attempts SET accepted = 0, refused = 0 WHERE outcome = 'uncertain';
    DELETE FROM ledger_moves;
    INSERT INTO ledger_moves (campaign_id, compiled_id, state, reason, people)
    SELECT campaign_id, compiled_id, state, coalesce(reason, ''), count(*) FROM deliveries GROUP BY 1, 2, 3, 4
"""
# Nearly all were delivered; three in ten opened, one in twenty clicked, each as a person or a machine.
_EVENTS = """
    INSERT INTO events (natural_key, source, kind, at, delivery_id, campaign_id, link, open_class)
    SELECT decode(md5(what || id), 'hex'), 'sendgrid', what, now() - interval '2 days' + id % 40 * interval '1 hour',
           id, campaign_id, CASE what WHEN 'clicked' THEN id % 20 END,
           CASE WHEN what = 'delivered' THEN '' WHEN id % 7 = 0 THEN 'machine' ELSE 'human' END
    FROM deliveries, (VALUES ('delivered', 0), ('opened', 7), ('clicked', 19)) AS every (what, less)
    WHERE state = 'accepted' AND id % 20 >= less AND (what <> 'opened' OR id % 20 < 13);
    INSERT INTO campaign_intake (campaign_id, events, newest_at, classified_to, rule_set)
    SELECT campaign_id, count(*), now(), count(*), 3 FROM events GROUP BY 1
"""
_STAFF_LIFE = """
    INSERT INTO audit (at, who, role, network, "right", action, object, outcome)
    SELECT now() - n * interval '7 minutes', 'Priya ' || n % 7, 'sender', '203.0.113.0/24', 'newsletters.write',
           'editor.write', 'bulletin-' || n % 300, CASE n % 90 WHEN 0 THEN 'refused' ELSE 'done' END
    FROM generate_series(200000, 1, -1) AS n;
    INSERT INTO alerts (cause, subject, words) SELECT 'disk ' || n, 'The disk is filling up', 'It has 3 GB left.'
    FROM generate_series(1, 3) AS n;
    INSERT INTO system_mails (kind, address, subject, state) SELECT 'approval', 'a@coalition.org', 'Look', 'sent'
    FROM generate_series(1, 20000)
"""


@dataclass(frozen=True)
class LargeHouse:
    """The objects of pages: the campaign to everybody, one that is paused, and a newsletter whose draft waits."""

    campaign: int
    paused: int
    scheduled: int
    newsletter: SavedNewsletter
    save: int  # the id of one of its versions


def find(connection: Connection) -> LargeHouse:
    """Find them again in a database that was filled before."""
    newest = connection.scalar(text("SELECT id FROM newsletters ORDER BY id DESC LIMIT 1"))
    assert newest is not None
    ids = connection.execute(text("""
        SELECT (SELECT min(id) FROM campaigns), (SELECT max(id) FROM campaigns WHERE state = 'paused'),
               (SELECT max(id) FROM campaigns WHERE state = 'scheduled'), (SELECT max(id) FROM newsletter_saves)
    """)).one()  # fmt: skip
    return LargeHouse(ids[0], ids[1], ids[2], load(connection, newest), ids[3])


def fill(database: Database, people: int = PEOPLE, campaigns: int = CAMPAIGNS) -> LargeHouse:
    """Fill an empty database; `campaigns` and the rest may be small, to try it."""
    with database.engine.begin() as connection:
        add_people(connection, "everybody", people)
        _run(connection, _LISTS)
        _run(connection, _LEDGER)
        add_toolkit(connection, SHIPPED / "community-makes-us")
    first = draft(database, "everybody", "smtp")
    with database.engine.begin() as connection:
        freeze(connection, first, batch_size=BATCH)
        _run(connection, _SENT)
        _run(connection, _OTHERS, people=people, campaigns=campaigns, first=first)
        _run(connection, _EVENTS)
        _count(connection, range(first, first + campaigns))
        for table, right in (_OF_DELIVERIES | _SUMS).items():
            _create(connection, f"right_{table}", right)
            names = ", ".join(_columns(connection, table))
            _run(connection, f"INSERT INTO {table} ({names}) SELECT {names} FROM right_{table}")  # noqa: S608 - our own names
        _run(connection, _STAFF_LIFE)
        newsletters = _newsletters(connection, min(NEWSLETTERS, campaigns))
        _packs(connection, min(PARTNERS, campaigns * 2))
    with database.engine.begin() as connection:
        newest = newsletters[-1]
        made = create_draft(
            connection, database.settings, origin_of(newest.name), list_name="everybody", provider="smtp"
        )
        ask(connection, made.id, who="Sam", who_id=0)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _run(connection, "VACUUM ANALYZE")
        return find(connection)


def _run(connection: Connection, statements: str, **values: object) -> None:
    for statement in statements.split(";"):
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        connection.execute(text(statement), used)


def _newsletters(connection: Connection, number: int) -> list[SavedNewsletter]:
    """Store newsletters, each saved some times, the last one often."""
    found = []
    for each in range(number):
        body = f"---\ntitle: Bulletin {each}\n{DOCUMENT.removeprefix('---').lstrip()}{STORIES}"
        saved = create(connection, f"Bulletin {each}", Contents({"": body}), who=f"Priya {each % 7}")
        for version in range(VERSIONS if each == number - 1 else 3):
            changed = Contents({"": f"{body}\nWritten {version} times.\n"})
            saved = put(connection, saved, changed, who="Sam", kind="kept", note="Text changed")
        found.append(saved)
    return found


def _packs(connection: Connection, partners: int) -> None:
    """Keep eight packs of each partner, of eight newsletters, some of them replaced or withdrawn since."""
    block = {"id": "small-acts", "title": "Small acts", "version": 1, "approved by": "A", "expires": None, "hash": "x"}
    rows = [
        {
            "key": f"{partner}-{pack}", "newsletter": f"bulletin-{pack}", "title": f"Bulletin {pack}",
            "edition": "old" if partner % 9 == 0 else "new", "toolkit": "spring-fair", "coalition": "Coalition",
            "partner": f"Charity {partner:04}", "dialect": ("mailchimp", "brevo")[partner % 2], "expires": None,
            "copy_blocks": [block | {"beside": False}] * 6, "sheets": [f"{partner}-{pack}"],
        }
        for partner in range(partners) for pack in range(8)
    ]  # fmt: skip
    connection.execute(insert(MadePack), rows)
    _run(connection, "UPDATE made_packs SET made_at = now() - interval '1 day' WHERE edition = 'old'")
    _run(connection, "UPDATE made_packs SET toolkit = 'community-makes-us' WHERE dialect = 'brevo'")
    rows = [
        {"name": f"Charity {partner:04}", "code": f"charity-{partner}", "reply": f"office@charity{partner}.org",
         "contact": f"Person {partner}"}
        for partner in range(partners)
    ]  # fmt: skip
    claim(connection, rows, ["contact"])
    _run(
        connection,
        """
        UPDATE organisation_profiles SET tool = 'brevo', region = 'North' WHERE organisation_id % 2 = 0;
        INSERT INTO organisation_contacts (organisation_id, name, email, address_key)
        SELECT id, 'Person ' || id, 'office@' || code || '.org', 'office@' || code || '.org' FROM organisations
    """,
    )
