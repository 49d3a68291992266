from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from daisychain.database import Database
from daisychain.web.try_limits import Limit, forget_tries, within_limits


def test_one_network_s_tries_lock_nobody_out_elsewhere(database: Database) -> None:
    here, everywhere = Limit("here", 10), Limit("everywhere", 20)
    for _ in range(40):
        within_limits(database.engine, (here, "203.0.113.0/24 ann"), (everywhere, "ann"))
    assert not within_limits(database.engine, (here, "203.0.113.0/24 ann"), (everywhere, "ann"))
    assert within_limits(database.engine, (here, "198.51.100.0/24 ann"), (everywhere, "ann"))


def test_tries_are_counted_together_by_all_processes_and_begin_anew_after_the_time(database: Database) -> None:
    limit, other = Limit("sign-in here", 8), Limit("sign-in here", 8)
    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(lambda _: within_limits(database.engine, (limit, "ann")), range(20)))
    assert allowed.count(True) == 8
    assert within_limits(database.engine, (other, "bob"))
    with database.engine.begin() as connection:
        forget_tries(connection, (limit, "ann"))
    assert within_limits(database.engine, (limit, "ann"))
