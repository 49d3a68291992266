"""What an older home knew of consents, returns and sign-ups is in the ledger after its upgrade, in the right order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, text

from daisychain import schema
from daisychain.embedded import EmbeddedServer
from lists.consent.ledger_state import differing_members
from lists.consent.member_history import member_history
from tests.kept_database import superuser, url_of

BEFORE = "0032"
FRIENDS, OTHERS = 1, 2
# Ann signed up, left by mistake, left, and came back by a letter. Bob was imported and left. Cy was only remembered. Di
# came back by signing up again. Eve's unknown consent was filled after her unsubscribe was undone.
_PAST = """
    INSERT INTO lists (name, from_name, from_address) VALUES
        ('friends', 'Friends', 'news@friends.org'), ('others', 'Friends', 'news@friends.org');
    INSERT INTO members (email, address_key)
    SELECT name || '@x.org', name || '@x.org' FROM unnest(ARRAY['ann', 'bob', 'cy', 'di', 'eve']) AS name;
    INSERT INTO sign_up_wordings (list_id, language, version, text, hash) VALUES
        (1, 'en', 1, 'Yes', 'first'), (1, 'en', 2, 'Yes, please', 'second'), (2, 'en', 1, 'Others', 'other');
    INSERT INTO sign_ups (list_id, wording_id, token_hash, address, address_key, network_hash) VALUES
        (1, 1, 'a', 'ann@x.org', 'ann@x.org', ''), (1, 2, 'd', 'di@x.org', 'di@x.org', '');
    INSERT INTO memberships (list_id, member_id, state, basis, source, consented_at, joined_at, left_at, left_how,
                             collected_by) VALUES
        (1, 1, 'subscribed', 'consent', 'a letter', '2026-06-01', '2026-03-01', NULL, '', ''),
        (1, 2, 'unsubscribed', 'soft-opt-in-charity', 'raffle', '2026-02-10', '2026-03-02', '2026-04-02', 'one-click',
         'Friends'),
        (2, 2, 'subscribed', 'unknown', '', NULL, '2026-03-02', NULL, '', ''),
        (1, 3, 'unsubscribed', 'unknown', '', NULL, '2026-03-03', '2026-03-03', 'import', ''),
        (1, 4, 'subscribed', 'consent', 'sign-up 2: confirmed by email, wording 2 (en)', '2026-05-04', '2026-03-04',
         NULL, '', 'Friends'),
        (1, 5, 'subscribed', 'consent', 'stall', '2026-07-01', '2026-03-05', NULL, '', '');
    INSERT INTO restorations (address_key, list_id, how, because, evidence, before, at) VALUES
        ('ann@x.org', 1, 'undone on the unsubscribe page', '', '', '{"left_at": "2026-04-01 10:00:00+00:00",
          "left_how": "unsubscribe page", "basis": "consent", "collected_by": "Friends",
          "source": "sign-up 1: confirmed by email, wording 1 (en)", "consented_at": "2026-03-01 00:00:00+00:00"}',
         '2026-04-01 10:05'),
        ('ann@x.org', 1, 'by staff', 'asked', 'a letter', '{"left_at": "2026-05-01 10:00:00+00:00",
          "left_how": "one-click", "basis": "consent", "collected_by": "Friends",
          "source": "sign-up 1: confirmed by email, wording 1 (en)", "consented_at": "2026-03-01 00:00:00+00:00"}',
         '2026-06-01'),
        ('ann@x.org', NULL, 'by staff', 'a mistake', '', '{"reason": "asked"}', '2026-06-02'),
        ('di@x.org', 1, 'sign-up form', 'signed up again', 'sign-up 2: confirmed by email, wording 2 (en)',
         '{"left_at": "2026-04-04 10:00:00+00:00", "left_how": "one-click", "basis": "unknown", "source": "",
           "consented_at": null}', '2026-05-04'),
        ('eve@x.org', 1, 'undone on the unsubscribe page', '', '', '{"left_at": "2026-04-05 10:00:00+00:00",
          "left_how": "unsubscribe page", "basis": "unknown", "source": "", "consented_at": null}', '2026-04-05 10:05')
"""


@pytest.fixture
def old(server: EmbeddedServer) -> Iterator[Engine]:
    """A database of the version before the ledger, with a past."""
    with superuser(server) as connection:
        connection.execute("CREATE DATABASE before_the_ledger OWNER daisychain")
    engine = create_engine(url_of(server, "before_the_ledger"))
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        connection.execute(text("SET LOCAL timezone = 'UTC'"))
        connection.exec_driver_sql(_PAST)
    yield engine
    engine.dispose()
    with superuser(server) as connection:
        connection.execute("DROP DATABASE before_the_ledger WITH (FORCE)")


def told(connection: Connection, name: str) -> list[tuple[str, str, str, str, str | None]]:
    """The events of somebody: list, kind, source, evidence and wording."""
    return [
        (each["list"], each["kind"], each["source"], each["evidence"], (each["wording"] or {}).get("text"))
        for each in member_history(connection, f"{name}@x.org")["events"]
    ]


def test_the_past_of_each_person_is_in_the_ledger_and_adds_up_to_today(old: Engine) -> None:
    assert schema.upgrade(old)
    with closing(old.connect()) as connection:
        assert [differing_members(connection, list_id) for list_id in (FRIENDS, OTHERS)] == [[], []]
        first, second = (f"sign-up {n}: confirmed by email, wording {n} (en)" for n in (1, 2))
        assert told(connection, "ann") == [
            ("friends", "given", "sign-up form", first, "Yes"),
            ("friends", "withdrawn", "unsubscribe page", "", None),
            ("friends", "restored", "undone on the unsubscribe page", "", None),
            ("friends", "withdrawn", "one-click", "", None),
            ("friends", "returned", "by staff", "a letter", None),
        ]
        assert told(connection, "bob") == [
            ("friends", "given", "raffle", "", None),
            ("others", "given", "", "", None),
            ("friends", "withdrawn", "one-click", "", None),
        ]
        assert told(connection, "cy") == [("friends", "withdrawn", "import", "", None)]
        assert told(connection, "di") == [
            ("friends", "given", "", "", None),
            ("friends", "withdrawn", "one-click", "", None),
            ("friends", "returned", "sign-up form", second, "Yes, please"),
        ]
        assert [kind for _, kind, *_ in told(connection, "eve")] == ["given", "withdrawn", "returned"]
        assert told(connection, "eve")[-1][3] == "stall"
        event = member_history(connection, "ann@x.org")["events"][0]
    assert (event["wording"]["version"], event["wording"]["hash"], event["collected_by"]) == (1, "first", "Friends")
    assert event["at"].isoformat() == "2026-03-01T00:00:00+00:00"
