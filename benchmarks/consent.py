"""The consent ledger of a million people: the history of one of them, and the audit of their list."""

from __future__ import annotations

import sys
import time

from sqlalchemy import text

from benchmarks.stage import Figure, add_people, house, measured, written
from lists.consent.list_audit import audit_list
from lists.consent.member_history import member_history

PEOPLE, ASKED = 1_000_000, 200
# Each was added; one in ten left and came back.
_EVENTS = """
    INSERT INTO consent_terms (basis, source)
    VALUES ('consent', 'the form on our website'), ('', 'one-click'), ('consent', 'by staff');
    INSERT INTO consent_events (member_id, list_id, terms_id, at, kind)
    SELECT member_id, list_id, 1, NULL, 'given' FROM memberships ORDER BY member_id;
    INSERT INTO consent_events (member_id, list_id, terms_id, at, kind)
    SELECT member_id, list_id, n, now(), CASE n WHEN 2 THEN 'withdrawn' ELSE 'returned' END
    FROM memberships, generate_series(2, 3) AS n WHERE member_id % 10 = 0 ORDER BY n, member_id;
    UPDATE memberships SET source = 'by staff', consented_at = now() WHERE member_id % 10 = 0
"""


def main(people: int = PEOPLE) -> list[Figure]:
    """Ask for the history of people across the list, one in twenty may take longer, and for one audit."""
    with house("consent") as database:
        with database.engine.begin() as connection:
            add_people(connection, "everybody", people)
            connection.execute(text(_EVENTS))
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
        with database.engine.connect() as connection:
            waits = []
            for number in range(1, people, max(people // ASKED, 1)):
                begun = time.perf_counter()
                assert member_history(connection, f"reader{number}@people.org")["events"]
                waits.append(time.perf_counter() - begun)
            with measured() as whole:
                audit = audit_list(connection, "everybody", addresses=True)
            assert (audit.people, audit.findings) == (people, [])
    figures = [
        Figure("the history of a person, 19 of 20 within", 1, sorted(waits)[len(waits) * 19 // 20], "50 ms"),
        Figure("the audit of a list", people, whole["seconds"], ""),
    ]
    written("consent", figures)
    return figures


if __name__ == "__main__":
    for figure in main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        sys.stdout.write(f"{figure}\n")
