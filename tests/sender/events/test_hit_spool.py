"""Opens and clicks are kept for a moment and stored together: none is lost, doubled, or stored at another's time."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import Engine, create_engine, delete, insert, text, update

from daisychain import database as frame
from daisychain.database import Database
from daisychain.operations.erasure import erase_person
from sender.events import hit_spool
from sender.events.classify import classify_due
from sender.events.hit_spool import HitSpool, leave
from sender.events.page_hits import MOST_HITS, Hit
from sender.links.reader_groups import RANDOM_BITS
from sender.tables import Campaign, Delivery, Place, ReaderGroup
from tests.sender.returns import FIREFOX, Sent, sent
from tests.waiting import until


@pytest.fixture
def campaign(database: Database) -> Sent:
    return sent(database)


@pytest.fixture
def spool(database: Database) -> HitSpool:
    return HitSpool(lambda: database.engine, database.settings.home)


def home(campaign: Sent) -> Path:
    return campaign.database.settings.home


@pytest.fixture(autouse=True)
def _closed(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no spool's thread hold a connection when the database is closed."""
    made, make = [], HitSpool.__init__

    def remembered(spool: HitSpool, engine: Callable[[], Engine], home: Path) -> None:
        made.append(spool)
        make(spool, engine, home)

    monkeypatch.setattr(HitSpool, "__init__", remembered)
    yield
    for spool in made:
        spool.close()


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is stored before it is asked for, or enough."""
    monkeypatch.setattr(hit_spool, "FLUSH_AFTER", 6000.0)


def hit(
    mail: int, kind: Literal["opened", "clicked"] = "opened", *, ago: float = 0, link: int | None = None,
    user_agent: str = FIREFOX, head: bool = False,
) -> Hit:  # fmt: skip
    """Make a hit that came some seconds ago."""
    return Hit(mail, kind, user_agent, "203.0.113.0/24", link, head, came=time.monotonic() - ago)


def stored(campaign: Sent) -> list[int]:
    """Return whose hits are stored."""
    return sorted(event.delivery_id for event in campaign.events())


def add_all(spool: HitSpool, *hits: Hit) -> None:
    for each in hits:
        spool.add(each)


def test_a_hit_is_stored_within_a_moment_and_then_no_thread_is_left(spool: HitSpool, campaign: Sent) -> None:
    spool.add(hit(campaign.deliveries[0]))
    until(lambda: stored(campaign) == campaign.deliveries[:1])
    until(lambda: not [each for each in threading.enumerate() if each.name == "daisychain-hits"])
    spool.add(hit(campaign.deliveries[1]))
    until(lambda: stored(campaign) == campaign.deliveries[:2])


class Bell(threading.Event):
    """Notes for how long it is waited, and rings at once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.asked.append(timeout)
        return True


@pytest.mark.parametrize("ago", [0.0, 0.3, 0.5, 7.0])
def test_nobody_waits_longer_than_until_half_a_second_after_the_oldest_hit_came(
    spool: HitSpool, campaign: Sent, monkeypatch: pytest.MonkeyPatch, ago: float
) -> None:
    bell = Bell()
    monkeypatch.setattr(spool, "_enough", bell)
    add_all(spool, hit(campaign.deliveries[0], ago=ago), *map(hit, campaign.deliveries[1:]))
    until(lambda: stored(campaign) == campaign.deliveries)
    assert bell.asked[0] <= 0.5 - ago
    assert max(bell.asked) <= 0.5


def test_a_hit_that_comes_while_others_are_stored_waits_no_longer_either(
    campaign: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def engine() -> Engine:
        if late:
            spool.add(late.pop())
        return campaign.database.engine

    late = [hit(campaign.deliveries[1], ago=7)]
    spool, bell = HitSpool(engine, home(campaign)), Bell()
    monkeypatch.setattr(spool, "_enough", bell)
    spool.add(hit(campaign.deliveries[0]))
    until(lambda: stored(campaign) == campaign.deliveries[:2])
    assert bell.asked[1:] == []


def test_hits_that_somebody_else_stored_first_end_no_thread_badly(
    spool: HitSpool, campaign: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, work = threading.Lock(), HitSpool._work

    def late(spool: HitSpool) -> None:
        with turn:
            work(spool)

    monkeypatch.setattr(HitSpool, "_work", late)
    with turn:
        spool.add(hit(campaign.deliveries[0]))
        spool.flush()
    until(lambda: spool._thread is None)
    spool.add(hit(campaign.deliveries[1]))
    until(lambda: stored(campaign) == campaign.deliveries[:2])


def test_so_many_hits_are_stored_at_once(
    spool: HitSpool, campaign: Sent, unhurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hit_spool, "FLUSH_AT", 20)
    add_all(spool, *(hit(campaign.deliveries[number % 3]) for number in range(20)))
    until(lambda: len(stored(campaign)) == 20)


def test_the_end_of_the_process_stores_what_is_left(spool: HitSpool, campaign: Sent, unhurried: None) -> None:
    add_all(spool, *map(hit, campaign.deliveries))
    spool.close()
    assert stored(campaign) == campaign.deliveries
    HitSpool(lambda: campaign.database.engine, home(campaign)).close()  # also if nothing ever came


def test_the_end_waits_for_a_locked_database_no_longer_than_it_may(
    spool: HitSpool, campaign: Sent, unhurried: None, caplog: pytest.LogCaptureFixture
) -> None:
    spool.add(hit(campaign.deliveries[0]))
    with campaign.database.engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE events")
        spool.close(within=0.01)
    assert "1 opens and clicks wait in" in caplog.text


def test_each_hit_keeps_its_own_time(spool: HitSpool, campaign: Sent, unhurried: None) -> None:
    hits = [hit(campaign.deliveries[number % 3], ago=ago) for number, ago in enumerate((3600, 240, 2.5, 0))]
    add_all(spool, *hits)
    spool.flush()
    times = sorted(event.at for event in campaign.events())
    came = sorted(each.came for each in hits)
    apart = [later - times[0] for later in times]
    assert apart == pytest.approx([timedelta(seconds=each - came[0]) for each in came], abs=timedelta(milliseconds=1))
    assert all(event.at <= event.received_at for event in campaign.events())


@pytest.mark.parametrize(("apart", "found"), [(0.1, {"machine"}), (60.0, {"human"})])
def test_a_burst_is_told_from_a_reader_by_the_times_of_hits_that_are_stored_together(
    spool: HitSpool, campaign: Sent, unhurried: None, apart: float, found: set[str]
) -> None:
    with campaign.database.engine.begin() as connection:  # long after the mail came
        connection.execute(update(Campaign).values(frozen_at=Campaign.frozen_at - timedelta(days=2)))
        connection.exec_driver_sql("UPDATE attempts SET started_at = started_at - interval '2 days'")
    mail = campaign.deliveries[0]
    add_all(spool, *(hit(mail, "clicked", link=link, ago=1000 - link * apart) for link in range(4)))
    spool.flush()
    classify_due(campaign.database, rest=0)
    assert {event.open_class for event in campaign.events()} == found


def test_a_thousand_hits_of_one_mail_are_its_first_hundred_of_each_kind_whoever_stores_them(
    campaign: Sent, unhurried: None
) -> None:
    spools = [HitSpool(lambda: campaign.database.engine, home(campaign)) for _ in range(2)]
    kinds: tuple[Literal["opened", "clicked"], ...] = ("opened", "clicked")
    for number in range(500):
        for spool in spools:
            spool.add(hit(campaign.deliveries[0], kinds[number % 2], link=0 if number % 2 else None))
    at_once(spools)
    add_all(spools[0], *map(hit, campaign.deliveries))
    spools[0].flush()
    kept = Counter((event.delivery_id, event.kind) for event in campaign.events())
    first, *others = campaign.deliveries
    assert kept == {(first, "opened"): MOST_HITS, (first, "clicked"): MOST_HITS} | {
        (other, "opened"): 1 for other in others
    }
    assert (campaign.rollup().human_opens, campaign.rollup().clicks) == (MOST_HITS, MOST_HITS)


def at_once(spools: list[HitSpool]) -> None:
    ready, done = threading.Barrier(len(spools)), []

    def flush(spool: HitSpool) -> None:
        ready.wait()
        done.append(spool.flush())

    threads = [threading.Thread(target=flush, args=(spool,)) for spool in spools]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [True] * len(spools)


def test_several_processes_store_hits_of_the_same_mails_at_the_same_time(campaign: Sent, unhurried: None) -> None:
    spools = [HitSpool(lambda: campaign.database.engine, home(campaign)) for _ in range(4)]
    for turn in range(5):
        for number, spool in enumerate(spools):
            mails = campaign.deliveries if (turn + number) % 2 else campaign.deliveries[::-1]
            add_all(spool, *map(hit, mails))
        at_once(spools)
    assert Counter(stored(campaign)) == dict.fromkeys(campaign.deliveries, 20)
    assert campaign.rollup().human_opens == 20


def unknown(campaign: Sent) -> list[int]:
    """Return the ids of a mail that is not known any more, of one that never was, and of a reader of no group."""
    with campaign.database.engine.begin() as connection:
        connection.execute(delete(Delivery).where(Delivery.id == campaign.deliveries[1]))
    return [campaign.deliveries[1], campaign.deliveries[-1] + 99, -(9 << RANDOM_BITS | 5)]


def test_mails_that_are_not_known_stop_no_others_and_are_noticed(
    spool: HitSpool, campaign: Sent, unhurried: None
) -> None:
    add_all(spool, *map(hit, [campaign.deliveries[0], *unknown(campaign), campaign.deliveries[2]]))
    assert spool.flush()
    assert stored(campaign) == [campaign.deliveries[0], campaign.deliveries[2]]
    with campaign.database.engine.connect() as connection:
        withdrawn = connection.execute(Place.__table__.select()).one().withdrawn_because
    assert withdrawn == "a link or an event came back for a mail that it does not know yet"


@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_hit_that_can_t_be_stored_loses_no_other(
    spool: HitSpool, campaign: Sent, unhurried: None, caplog: pytest.LogCaptureFixture, place: int
) -> None:
    hits = [hit(campaign.deliveries[number % 3]) for number in range(6)]
    hits.insert(place, hit(campaign.deliveries[0], user_agent="half of a letter: \udc80"))
    add_all(spool, *hits)
    assert spool.flush()
    assert len(stored(campaign)) == 6
    assert caplog.messages == ["an open or click can't be stored"]
    assert campaign.address() not in caplog.text
    assert "203.0.113" not in caplog.text
    add_all(spool, hit(campaign.deliveries[0]))
    spool.flush()
    assert len(stored(campaign)) == 7


@pytest.fixture
def away() -> Engine:
    return create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nowhere")


def test_hits_wait_for_a_database_that_is_away(
    campaign: Sent, away: Engine, unhurried: None, caplog: pytest.LogCaptureFixture
) -> None:
    engines = iter([away, away, campaign.database.engine])
    spool = HitSpool(lambda: next(engines), home(campaign))
    add_all(spool, *map(hit, campaign.deliveries))
    assert [spool.flush(), spool.flush(), stored(campaign), spool.flush()] == [False, False, [], True]
    assert stored(campaign) == campaign.deliveries
    assert (
        caplog.messages == ["3 opens and clicks wait for the database (OperationalError); 0 older ones were lost"] * 2
    )


def test_they_are_stored_by_themselves_once_it_is_back(
    campaign: Sent, away: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hit_spool, "FLUSH_AFTER", 0.01)
    monkeypatch.setattr(hit_spool, "RETRY_AFTER", 0.01)
    engines = iter([away] * 3)
    add_all(HitSpool(lambda: next(engines, campaign.database.engine), home(campaign)), *map(hit, campaign.deliveries))
    until(lambda: stored(campaign) == campaign.deliveries)


def left(campaign: Sent) -> list[Path]:
    return [*home(campaign).iterdir()]


def test_hits_that_a_process_can_t_store_at_its_end_are_stored_at_the_next_start(
    campaign: Sent, away: Engine, unhurried: None, caplog: pytest.LogCaptureFixture
) -> None:
    ending = HitSpool(lambda: away, home(campaign))
    starting = HitSpool(lambda: campaign.database.engine, home(campaign))
    odd = "half of a letter: \udc80"
    add_all(ending, *(hit(mail, ago=7200) for mail in campaign.deliveries), hit(campaign.deliveries[0], user_agent=odd))
    ending.close()
    [file] = left(campaign)
    assert f"4 opens and clicks wait in {file} for the next start" in caplog.text
    assert file.stat().st_mode & 0o777 == 0o600
    assert not [number for number in range(3) if campaign.address(number) in file.read_text()]
    ending.close()  # again, as at the end of a process whose parent ends too
    starting.take_up()
    assert [stored(campaign), left(campaign)] == [campaign.deliveries, []]
    ages = [(event.received_at - event.at).total_seconds() for event in campaign.events()]
    assert [round(age / 600) for age in ages] == [12] * 3


def test_hits_that_were_left_stay_until_the_database_has_them_and_count_once(
    campaign: Sent, away: Engine, unhurried: None
) -> None:
    hits = [*map(hit, campaign.deliveries)]
    for _ in range(2):
        leave(hits, home(campaign))
    engines = iter([away, campaign.database.engine, away])
    starting = HitSpool(lambda: next(engines, campaign.database.engine), home(campaign))
    starting.take_up()
    assert [stored(campaign), len(left(campaign))] == [[], 2]
    starting.take_up()
    assert [stored(campaign), len(left(campaign))] == [campaign.deliveries, 1]
    starting.take_up()
    assert [stored(campaign), len(left(campaign))] == [campaign.deliveries, 0]


@pytest.mark.parametrize(
    "broken", [b"", b"{", b"[1]", b"\xff", b"{}", b'{"came": "now"}', b'{"came": 1, "natural_key": 1}']
)
def test_a_broken_line_of_a_file_that_was_left_loses_no_other(
    spool: HitSpool, campaign: Sent, broken: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = leave([*map(hit, campaign.deliveries)], home(campaign))
    first, *others = file.read_bytes().splitlines()
    file.write_bytes(b"\n".join([first, broken, *others]))
    spool.take_up()
    assert [stored(campaign), left(campaign)] == [campaign.deliveries, []]
    assert caplog.messages == [f"a line of {file} is no open or click, and is left out"]


def test_a_home_that_can_t_be_written_to_loses_the_hits_and_the_log_has_how_many(
    campaign: Sent, away: Engine, unhurried: None, caplog: pytest.LogCaptureFixture
) -> None:
    home(campaign).write_text("This is no folder.")
    ending = HitSpool(lambda: away, home(campaign))
    add_all(ending, *map(hit, campaign.deliveries))
    ending.close()
    assert "3 opens and clicks were lost" in caplog.messages[-1]


def test_hits_of_a_commit_whose_answer_was_lost_count_once(campaign: Sent, unhurried: None) -> None:
    spool = HitSpool(lambda: campaign.database.engine, home(campaign))
    again = hit(campaign.deliveries[0])
    for _ in range(2):
        spool.add(again)
        spool.flush()
    assert stored(campaign) == campaign.deliveries[:1]
    assert campaign.rollup().human_opens == 1


def test_of_more_hits_than_are_kept_the_oldest_are_lost_and_the_log_has_how_many(
    campaign: Sent, away: Engine, unhurried: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hit_spool, "MOST_KEPT", 5)
    engines = iter([away, away])
    spool = HitSpool(lambda: next(engines, campaign.database.engine), home(campaign))
    add_all(spool, *(hit(campaign.deliveries[0], ago=100) for _ in range(3)))
    assert not spool.flush()
    add_all(spool, *(hit(campaign.deliveries[1]) for _ in range(5)))
    assert [spool.flush(), spool.flush()] == [False, True]
    assert stored(campaign) == [campaign.deliveries[1]] * 5
    assert "5 opens and clicks wait for the database (OperationalError); 3 older ones were lost" in caplog.text


def test_one_mail_pushes_no_hits_of_others_out_while_the_database_is_away(
    campaign: Sent, away: Engine, unhurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hit_spool, "MOST_KEPT", 2 * MOST_HITS)
    engines = iter([away])
    spool = HitSpool(lambda: next(engines, campaign.database.engine), home(campaign))
    add_all(spool, *map(hit, campaign.deliveries[:2]))
    for _ in range(2):  # the second time after what was kept has been stored
        add_all(spool, *(hit(campaign.deliveries[2]) for _ in range(3 * MOST_HITS)))
        spool.flush()
        spool.flush()
    kept = dict(zip(campaign.deliveries, (1, 1, MOST_HITS), strict=True))
    assert Counter(stored(campaign)) == kept


def test_of_somebody_who_is_erased_before_their_hits_are_stored_nothing_is_kept(
    spool: HitSpool, campaign: Sent, unhurried: None
) -> None:
    add_all(spool, *map(hit, campaign.deliveries))
    add_all(spool, hit(campaign.deliveries[0], "clicked", link=0))
    database = campaign.database
    erase_person(database.engine, database.settings, campaign.address(), by="Ann", because="asked by email, 3 May")
    spool.flush()
    assert stored(campaign) == campaign.deliveries[1:]


def test_what_does_not_count_is_not_stored(database: Database, spool: HitSpool, unhurried: None) -> None:
    off = sent(database, opens="off", clicks="off")
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).where(Delivery.id == off.deliveries[1]).values(kind="test"))
    add_all(spool, *map(hit, off.deliveries), *(hit(mail, "clicked", link=0) for mail in off.deliveries))
    spool.flush()
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(opens="own"))
    # A HEAD shows no picture to anybody, and a test mail counts nowhere.
    add_all(spool, *map(hit, off.deliveries), hit(off.deliveries[0], head=True))
    spool.flush()
    assert stored(off) == [off.deliveries[0], off.deliveries[2]]


def test_readers_without_a_person_are_stored_by_their_group_however_many_are_in_a_batch(
    database: Database, campaign: Sent, spool: HitSpool, unhurried: None
) -> None:
    with database.engine.begin() as connection:
        compiled_id = connection.execute(
            update(Campaign).values(tracking="counted").returning(Campaign.compiled_id)
        ).scalar_one()
        row = {"campaign_id": campaign.campaign_id, "compiled_id": compiled_id, "mailbox": "Gmail", "people": 5}
        group = connection.execute(insert(ReaderGroup).values(row).returning(ReaderGroup.id)).scalar_one()
    readers = [-(group << RANDOM_BITS | chance) for chance in (1, 2, 3)]
    add_all(spool, *map(hit, readers), *(hit(reader, "clicked", link=0) for reader in readers[:2]))
    add_all(spool, hit(campaign.deliveries[0]))  # no link of a counted mail has a delivery's key
    spool.flush()
    assert Counter(stored(campaign)) == {readers[0]: 2, readers[1]: 2, readers[2]: 1}


def test_no_hit_is_logged(spool: HitSpool, campaign: Sent, unhurried: None, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "daisychain"):
        add_all(spool, *map(hit, campaign.deliveries))
        spool.flush()
    assert not caplog.records


def test_hits_outlast_a_lock_that_the_server_gives_no_time_to_wait_for(
    spool: HitSpool, campaign: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = campaign.database
    monkeypatch.setattr(frame, "LOCK_COMMAND", "50ms")
    database.unchecked_engine.dispose()
    spool.add(Hit(campaign.deliveries[0], "opened", FIREFOX, "203.0.113.0/24", None))
    with database.engine.begin() as other:
        other.execute(text("LOCK TABLE events IN ACCESS EXCLUSIVE MODE"))
        spool.flush()
    spool.flush()
    assert campaign.events()
