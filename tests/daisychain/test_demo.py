"""`daisychain demo --serve`: a link that signs in once, in a browser, and an end by Ctrl-C."""

from __future__ import annotations

import http.cookiejar
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.error import HTTPError

import pytest

from daisychain.demo import demo as demo_module
from daisychain.demo.demo import PORT, _pages, _surroundings
from daisychain.demo.invented_readers import webhook_key
from daisychain.embedded import EmbeddedServer
from daisychain.processes import shown_program
from daisychain.work.serve import free_port
from tests.command import ROOT

pytestmark = pytest.mark.processes


@pytest.fixture
def home(tmp_path: Path, server: EmbeddedServer) -> Iterator[Path]:
    """A home that a demo could have left."""
    home = tmp_path / "demo"
    home.mkdir()
    webhook_key(home / "webhook_key.pem")
    yield home
    shutil.rmtree(EmbeddedServer(home).folder)


def demo(home: Path) -> subprocess.Popen[str]:
    """Start `demo --serve` as a person would, in a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "daisychain", "demo", "--serve", "--home", str(home)], cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


class Reader:
    """A browser with cookies, without script."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def ask(self, url: str, **fields: str) -> tuple[int, str]:
        """Open a page, or send a form; returns status and text."""
        data = urllib.parse.urlencode(fields).encode() if fields else None
        try:
            with self._opener.open(url, data, timeout=120) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def sign_in(self, link: str) -> tuple[int, str]:
        """Open a link and press its button."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.ask(link)[1])
        assert token is not None
        return self.ask(link, csrf_token=token[1])


def test_the_printed_link_signs_in_once_and_ctrl_c_ends_all(home: Path) -> None:
    with ExitStack() as stack:
        # If it can't be bound, the port is taken already.
        with suppress(OSError):
            stack.enter_context(socket.create_server(("127.0.0.1", PORT)))
        serving = demo(home)
        try:
            assert serving.stdout is not None
            assert f"Port {PORT} is in use" in serving.stdout.readline()
            link = next(line for line in iter(serving.stdout.readline, "") if "/desk/welcome/" in line).strip()
            first = Reader()
            assert "<h1>Home</h1>" in first.sign_in(link)[1]
            status, page = first.ask(link)
            assert (status, "was used" in page, ">Home<" in page) == (409, True, True)
            assert Reader().ask(link)[0] == 409
        finally:
            serving.send_signal(signal.SIGINT)
            _, errors = serving.communicate(timeout=300)
    assert (serving.returncode, "Traceback" in errors) == (0, False)


def test_links_of_a_demo_lead_to_its_server_that_runs_or_comes_next(home: Path) -> None:
    port = free_port("127.0.0.1")
    (home / "port").write_text(str(port))
    serving = demo(home)
    try:
        assert serving.stdout is not None
        link = next(line for line in iter(serving.stdout.readline, "") if "/desk/welcome/" in line)
        assert link.startswith(f"http://127.0.0.1:{port}/")
        with _surroundings(home, ""), _pages(home) as url:
            assert url == f"http://127.0.0.1:{port}"
            assert Reader().ask(f"{url}/healthz")[0] == 200
        assert Reader().ask(f"{url}/healthz")[0] == 200
    finally:
        serving.send_signal(signal.SIGINT)
        serving.communicate(timeout=300)


def test_without_a_demo_it_says_what_to_run_first(tmp_path: Path) -> None:
    done = demo(tmp_path)
    assert "daisychain demo" in done.communicate(timeout=300)[1]
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_each_command_at_the_end_is_written_as_it_can_be_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo_module._where_to_look(tmp_path, 1, "http://127.0.0.1:8000", "https://private")
    shown = capsys.readouterr().out
    commands = re.findall(r"(\S+) (?:demo --serve|report show)", shown)
    assert commands == [shown_program()] * 2
