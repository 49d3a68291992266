"""The embedded server's life, as root and as a plain user, with several processes and after SIGKILL."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from daisychain.embedded import EmbeddedServer
from daisychain.errors import DatabaseError
from tests.waiting import until

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parent.parent.parent
PLAIN_USER = "nobody"

# A process that uses the home's server, says so, and leaves when it is told to. It becomes a plain user by itself:
# the interpreter, and the wheel's programs, may lie where only root can start them.
USER = textwrap.dedent("""
    import sys, os, pathlib, psycopg
    from daisychain.embedded import EmbeddedServer
    home, uid, gid, copy = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), pathlib.Path(sys.argv[4])
    if uid != os.geteuid():
        os.setgroups([]), os.setgid(gid), os.setuid(uid)
        EmbeddedServer._binaries = lambda self: copy
    server = EmbeddedServer(home)
    server.start()
    with psycopg.connect(server.conninfo()) as connection:
        print(connection.execute("SELECT current_user, pg_postmaster_start_time()::text").fetchone(), flush=True)
    sys.stdin.readline()
""")

Starter = Callable[[], subprocess.Popen[str]]


@pytest.fixture(params=["as ourselves", "as a plain user"])
def start(request: pytest.FixtureRequest, tmp_path: Path, server: EmbeddedServer) -> Iterator[Starter]:
    """Starts processes that share one home, as the account that runs the tests and as one without rights."""
    uid, gid = os.geteuid(), os.getegid()
    plain = request.param == "as a plain user" and uid == 0
    home = tmp_path / "home"
    if plain:
        uid, gid = pwd.getpwnam(PLAIN_USER).pw_uid, pwd.getpwnam(PLAIN_USER).pw_gid
        # pytest's own folder is root's alone: the plain user gets a place that it can reach.
        home = Path("/tmp") / f"daisychain-test-{os.getpid()}" / "home"  # noqa: S108
        home.parent.mkdir()
        shutil.chown(home.parent, uid, gid)
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", USER, str(home), str(uid), str(gid), str(server._binaries())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/",
            env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home.parent)},
        )  # fmt: skip
        process.home, process.plain = home, plain or uid != 0  # type: ignore[attr-defined]
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    folder = home / "postgres" if plain or uid else EmbeddedServer(home).place
    if (folder / "data/postmaster.pid").exists():
        # The process that was killed last has left the server running; one more user stops it.
        start().communicate("\n", timeout=300)
    shutil.rmtree(home.parent if plain else EmbeddedServer(home).folder)


def answer(process: subprocess.Popen[str]) -> str:
    """What a process says once it is connected."""
    assert process.stdout is not None
    return process.stdout.readline()


def leave(process: subprocess.Popen[str]) -> None:
    """Let a process end by itself."""
    process.communicate("\n", timeout=300)
    assert process.returncode == 0


def place(process: subprocess.Popen[str]) -> Path:
    """Where the server's files are: in the home, or where the account of these tests has its clusters."""
    home: Path = process.home  # type: ignore[attr-defined]
    return home / "postgres" if process.plain else EmbeddedServer(home).place  # type: ignore[attr-defined]


def postmaster(process: subprocess.Popen[str]) -> Path:
    """The server's pid file."""
    return place(process) / "data/postmaster.pid"


def test_the_last_one_out_stops_the_server_and_nobody_before(start: Starter) -> None:
    first, second = start(), start()
    assert answer(first) == answer(second)
    pid_file = postmaster(first)
    leave(first)
    assert pid_file.exists()
    leave(second)
    assert not pid_file.exists()


def test_a_killed_user_does_not_keep_the_server_running(start: Starter) -> None:
    first, second = start(), start()
    answer(first), answer(second)
    pid_file = postmaster(first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    leave(second)
    assert not pid_file.exists()


def test_a_server_left_by_a_killed_user_is_joined(start: Starter) -> None:
    first = start()
    before = answer(first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = start()
    assert answer(second) == before
    leave(second)


def test_a_killed_server_is_started_again(start: Starter) -> None:
    first = start()
    before = answer(first)
    pid = int(postmaster(first).read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    second = start()
    after = answer(second)
    assert after.startswith("('daisychain'")
    assert after != before
    leave(second)


def test_two_that_start_at_once_make_one_server(start: Starter) -> None:
    assert len({answer(process) for process in [start(), start(), start()]}) == 1


def test_nobody_but_the_owner_gets_in(server: EmbeddedServer) -> None:
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
    with psycopg.connect(server.conninfo()) as connection:
        (superuser,) = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() or (
            None,
        )
        assert superuser is False
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user to be turned away")
def test_another_user_of_the_machine_is_turned_away(server: EmbeddedServer) -> None:
    found = subprocess.run(
        [str(server._binaries() / "psql"), server.conninfo()],
        user=PLAIN_USER, extra_groups=[], capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    assert found.returncode != 0
    assert "Permission denied" in found.stderr


def test_the_modes_of_other_folders_are_left_alone(tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    parent.mkdir(mode=0o700)
    server = EmbeddedServer(parent / "home")
    try:
        server.start()
        assert stat.S_IMODE(parent.stat().st_mode) == 0o700
    finally:
        server.release()
        shutil.rmtree(server.folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="a plain user's database lies in the home itself")
def test_a_home_made_anew_never_meets_its_old_database(tmp_path: Path) -> None:
    first = EmbeddedServer(tmp_path / "home").folder
    assert EmbeddedServer(tmp_path / "home").folder == first
    shutil.rmtree(tmp_path / "home")
    assert EmbeddedServer(tmp_path / "home").folder != first


@pytest.mark.skipif(os.geteuid() != 0, reason="a plain user's database lies in the home itself")
def test_a_copied_home_does_not_share_the_database_of_the_first(tmp_path: Path) -> None:
    first = EmbeddedServer(tmp_path / "home")
    first.start()
    first.release()
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    try:
        with pytest.raises(DatabaseError, match="belongs to"):
            EmbeddedServer(tmp_path / "copy").start()
        shutil.move(tmp_path / "home", tmp_path / "moved")
        moved = EmbeddedServer(tmp_path / "moved")
        moved.start()
        moved.release()
    finally:
        shutil.rmtree(first.folder)


@pytest.mark.parametrize("name", ["", "../../../etc", "/etc", "0123456789ABCDEF"])
@pytest.mark.skipif(os.geteuid() != 0, reason="only root's database lies apart from its home")
def test_a_home_cannot_point_root_at_another_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "cluster").write_text(name)
    with pytest.raises(DatabaseError, match="name of a cluster"):
        EmbeddedServer(tmp_path)


def test_the_server_is_given_none_of_our_secrets(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.not for the server")
    process = start()
    answer(process)
    pid = int(postmaster(process).read_text().split()[0])
    assert b"SENDGRID" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_path_too_long_for_a_socket_is_said_to_be_so(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    server.socket = tmp_path / ("long" * 30)
    with pytest.raises(DatabaseError, match="too long for a Unix socket"):
        server.start()


def test_a_user_that_is_killed_while_it_creates_the_cluster_leaves_nothing_half_done(start: Starter) -> None:
    first = start()
    folder = place(first)
    until(lambda: list(folder.glob("data.new.*")))
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = start()
    assert answer(second).startswith("('daisychain'")
    leave(second)
