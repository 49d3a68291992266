"""SpamAssassin's opinion: read from a program that reports as it does, and the real one's where it is installed."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import pytest

from newsletters.checks import spam
from newsletters.checks.finding import Finding
from tests.newsletters.checks.planting import Look, Planted, newsletter
from tests.waiting import until

REPORT = """\
Content preview:  Hello

Content analysis details:   ({points} points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
-0.1 DKIM_VALID             Message has a valid signature
 9.0 NO_RELAYS              Informational: message was not relayed via SMTP
 {points} US_DOLLARS_3           BODY: Mentions millions of $
"""
WORDS = "Viagra 100% free money, click here to claim your prize of $1,000,000 dear friend."
SHOUTED = "subject: WIN MONEY NOW\npreheader: act now"


@contextmanager
def on_the_path(script: str, name: str = "spamc") -> Iterator[None]:
    """A program of that name, and no other, on the path."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        program = Path(folder) / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        patch.setenv("PATH", folder)
        yield


def reported(points: float) -> Look:
    """What is found where spamc reports so many points."""

    def look(code: str) -> list[Finding]:
        lines = "\n".join(f"echo '{line}'" for line in REPORT.format(points=points).splitlines())
        with on_the_path(lines):
            return newsletter()(code)

    return look


PLANTED = [
    Planted("spam-points", reported(2.5), reported(1.5), "may.md", "gives 2.5 points: US_DOLLARS_3 (2.5: BODY:"),
]


@pytest.mark.parametrize("script", ["exit 69", "echo '0/0'", "exec /bin/sleep 30"])
def test_a_client_that_finds_no_server_says_nothing(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spam, "TIMEOUT", 0.2)
    with on_the_path(script):
        assert newsletter()("spam-points") == []


def test_where_there_is_no_spamassassin_nothing_is_said() -> None:
    with on_the_path("exit 1", name="another"):
        assert newsletter(deep=True)("spam-points") == []


@pytest.mark.slow
def test_spamassassin_itself_finds_the_words_of_spam_in_a_deep_check(monkeypatch: pytest.MonkeyPatch) -> None:
    program = which("spamassassin")
    if program is None:
        pytest.skip("SpamAssassin is not installed: apt-get install spamassassin")
    monkeypatch.setattr(spam, "which", lambda name: program if name == "spamassassin" else None)
    assert newsletter(WORDS, front=SHOUTED)("spam-points") == []
    assert "DRUGS_ERECTILE" in newsletter(WORDS, front=SHOUTED, deep=True)("spam-points")[0].message
    assert newsletter("We met in the hall, and there was tea.", deep=True)("spam-points") == []


@pytest.mark.slow
def test_a_running_spamd_is_asked_through_spamc(tmp_path: Path) -> None:
    client, server = which("spamc"), which("spamd") or which("/usr/sbin/spamd")
    if client is None or server is None:
        pytest.skip("spamc and spamd are not installed: apt-get install spamc spamd")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [server, "--local", "--max-children=1", "--nouser-config", f"--port={port}", "--listen=127.0.0.1"]
    spamd = subprocess.Popen([*command, "--syslog=null", f"--pidfile={tmp_path / 'pid'}"], stderr=subprocess.DEVNULL)
    try:
        until(lambda: _listens(port))
        with on_the_path(f'exec {client} -p {port} "$@"'):
            found = newsletter(WORDS, front=SHOUTED)("spam-points")
    finally:
        spamd.terminate()
        spamd.wait()
    assert "DRUGS_ERECTILE" in found[0].message


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0
