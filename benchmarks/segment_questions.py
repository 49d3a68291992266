"""Questions about a list of a million people, after three campaigns to all of them."""

from __future__ import annotations

import sys

from sqlalchemy import Connection, text

from benchmarks.stage import Figure, add_people, draft, house, measured, written
from daisychain.database import Database
from lists.lists import create_list, find_list
from lists.segments.segment_answers import count_segment
from sender.campaigns.freeze import freeze
from sender.segments.engagement import engagement

PEOPLE = 1_000_000
TYPICAL = "under 1 s"
QUESTIONS = {
    'region is "North" and joined in last 30 days': TYPICAL,
    'town contains "town 1" or not role is volunteer': TYPICAL,
    'since > 2000 and group in ("Group 1", "Group 2")': TYPICAL,
    'on list "volunteers" and first_name is not empty': TYPICAL,
    'region is "North" or on list "volunteers"': "",
    "opened last campaign": TYPICAL,
    'region is "North" and clicked "a" of last 3 campaigns': TYPICAL,
    "opened any of last 3 campaigns": "",
    "was sent any of last 3 campaigns and not opened any of last 3 campaigns": "",
}
# They joined over 1,000 days; a third opened each campaign, and one in twenty clicked.
_JOINED = "UPDATE memberships SET joined_at = now() - interval '1 day' * (member_id % 1000)"
_VOLUNTEERS = "INSERT INTO memberships (list_id, member_id) SELECT :list_id, id FROM members WHERE id % 20 = 0"
_READ = """
    UPDATE deliveries SET state = 'accepted' WHERE campaign_id = :id;
    INSERT INTO delivery_rollups (delivery_id, campaign_id, delivered_at, first_human_open_at, human_opens, clicks)
    SELECT id, campaign_id, now(), CASE WHEN hashint8(id) % 3 = 0 THEN now() END, 1,
           CASE WHEN hashint8(id) % 20 = 0 THEN 1 ELSE 0 END
    FROM deliveries WHERE campaign_id = :id ORDER BY id;
    INSERT INTO link_clickers SELECT delivery_id, 0 FROM delivery_rollups WHERE campaign_id = :id AND clicks > 0
"""
_TABLES = "members, memberships, deliveries, delivery_rollups, link_clickers"


def main(people: int = PEOPLE) -> list[Figure]:
    """Ask each, and freeze with and without a segment."""
    with house("segments") as database:
        stage(database, people)
        with database.engine.connect() as connection:
            list_id = find_list(connection, "everybody")["id"]
            figures = [ask(connection, list_id, question, people, aim) for question, aim in QUESTIONS.items()]
        figures += [frozen(database, people, segment) for segment in ("", next(iter(QUESTIONS)))]
    written("segment_questions", figures)
    return figures


def stage(database: Database, people: int) -> None:
    """Fill the house."""
    with database.engine.begin() as connection:
        add_people(connection, "everybody", people)
        connection.execute(text(_JOINED))
        volunteers = create_list(connection, "volunteers", sender="Coalition <hello@coalition.org>")
        connection.execute(text(_VOLUNTEERS), {"list_id": volunteers})
    for _ in range(3):
        campaign_id = draft(database, "everybody", "outbox")
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE campaigns SET opens = 'own', clicks = 'own'"))
            freeze(connection, campaign_id, batch_size=1000)
            for statement in _READ.split(";"):
                connection.execute(text(statement), {"id": campaign_id})
    with database.engine.connect() as opened, opened.execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"VACUUM ANALYZE {_TABLES}"))


def ask(connection: Connection, list_id: int, question: str, people: int, aim: str) -> Figure:
    """Count the second time, as the first one reads what is on disk."""
    count_segment(connection, list_id, question, engagement(connection))
    with measured() as whole:
        count_segment(connection, list_id, question, engagement(connection))
    return Figure(f"segment count: {question}", people, whole["seconds"], aim, cpu_seconds=whole["cpu"])


def frozen(database: Database, people: int, segment: str) -> Figure:
    """Freeze a campaign for everybody, or for a segment."""
    campaign_id = draft(database, "everybody", "outbox")
    with database.engine.begin() as connection:
        segmented = text("UPDATE campaigns SET segment = :text WHERE id = :id")
        connection.execute(segmented, {"text": segment, "id": campaign_id})
        with measured() as whole:
            freeze(connection, campaign_id, batch_size=1000)
    return Figure(f"freeze {segment and 'of a segment'}", people, whole["seconds"], "", cpu_seconds=whole["cpu"])


if __name__ == "__main__":
    for figure in main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        sys.stdout.write(f"{figure}\n")
