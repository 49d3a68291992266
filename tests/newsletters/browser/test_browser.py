"""Chromium, as pictures and answers are taken with it; nothing here is asked of a network."""

from __future__ import annotations

import http.server
import io
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from daisychain.embedded import EmbeddedServer
from daisychain.errors import ConfigurationError
from daisychain.operations import doctor
from daisychain.secret import installation_secret
from newsletters.browser import browser as browser_module
from newsletters.browser import profile
from newsletters.browser.browser import Browser, BrowserError, Page, View, chromium, open_browser
from sender.providers.sendgrid_setup import SetupFinding
from tests.command import Daisychain
from tests.newsletters.browser.page_files import files_in
from tests.newsletters.sample_toolkits import picture

needs_chromium = pytest.mark.usefixtures("chromium")

PAGE = """<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<style>body { margin: 0; background: #fff } @media (prefers-color-scheme: dark) { body { background: #102030 } }
img { display: block; width: 50px; height: 50px } p { margin: 0; height: 900px }</style>
<img src="tent.png" alt=""><p></p>"""
GREEN = (0x1D, 0x5C, 0x53)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


def seen(png: bytes) -> Image.Image:
    """A picture, to be asked for its pixels."""
    return Image.open(io.BytesIO(png)).convert("RGB")


@needs_chromium
@pytest.mark.parametrize(
    ("view", "size", "corner", "ground"),
    [
        (View(300), (300, 950), GREEN, (255, 255, 255)),
        (View(300, scale=2, height=400), (600, 800), GREEN, (255, 255, 255)),
        (View(300, dark=True), (300, 950), GREEN, (0x10, 0x20, 0x30)),
        (View(300, dark=True, images=False), (300, 950), (0x10, 0x20, 0x30), (0x10, 0x20, 0x30)),
    ],
    ids=["whole", "sharp, and only its top", "dark", "images off"],
)
def test_a_page_is_seen_as_the_view_says(
    browser: Browser, view: View, size: tuple[int, int], corner: tuple[int, int, int], ground: tuple[int, int, int]
) -> None:
    taken = seen(browser.picture(Page(PAGE, {"tent.png": picture()}.get), view))
    assert (taken.size, taken.getpixel((40, 40)), taken.getpixel((200, 300))) == (size, corner, ground)


class Site(http.server.ThreadingHTTPServer):
    """A site on this machine that gives one page at every address, and keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.page = b""
        self.asked: list[str] = []
        self.called = 0
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def verify_request(self, *_: object) -> bool:
        """Count whoever calls, whatever they say then."""
        self.called += 1
        return True


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers for a `Site`."""

    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.server.page)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def sites() -> Iterator[tuple[Site, Site]]:
    with Site() as one, Site() as two:
        yield one, two
        one.shutdown()
        two.shutdown()


@needs_chromium
def test_a_page_gets_its_own_files_and_nothing_else(browser: Browser, tmp_path: Path, sites: tuple[Site, Site]) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "secret.png").write_bytes(picture())
    (site / "linked.png").symlink_to(tmp_path / "secret.png")
    (site / "tent one.png").write_bytes(picture(4, 2))
    sources = ["tent%20one.png", "missing.png", "linked.png", f"{sites[0].url}/x.png",
               (tmp_path / "secret.png").as_uri()]  # fmt: skip
    page = "".join(f"<img src='{source}'>" for source in sources)
    found = browser.answer(Page(page, files_in(site)), "[...document.images].map((image) => image.naturalWidth)")
    assert (found, sites[0].asked) == ([4, 0, 0, 0, 0], [])
    assert files_in(site)("../secret.png") is None


@needs_chromium
def test_a_picture_has_also_what_a_page_loads_only_when_it_is_scrolled_to(browser: Browser) -> None:
    image = "<img loading='lazy' src='tent.png' width='90' height='90'>"
    below = f"<body style='margin:0'><div style='height:7000px'></div>{image}"
    taken = seen(browser.picture(Page(below, {"tent.png": picture()}.get), View(100, scripts=True)))
    assert taken.getpixel((40, 7040)) == GREEN


@needs_chromium
def test_scripts_of_a_page_run_only_where_an_answer_is_wanted(browser: Browser) -> None:
    page = Page("<body style='margin:0'><script>document.body.style.background = 'rgb(29, 92, 83)'</script>")
    assert seen(browser.picture(page, View(100))).getpixel((5, 5)) == (255, 255, 255)
    asking = "new Promise((done) => setTimeout(() => done([document.body.style.background, dark, given]), 1))"
    before = "var given = 7, dark = matchMedia('(prefers-color-scheme: dark)').matches"
    assert browser.answer(page, asking, View(dark=True, scripts=True), before=before) == ["rgb(29, 92, 83)", True, 7]


@needs_chromium
def test_a_mail_is_asked_about_without_its_own_scripts(browser: Browser) -> None:
    page = Page("<body onload='given = 8'><script>given = 9</script>")
    asking = "new Promise((done) => setTimeout(() => done(given), 1))"
    assert browser.answer(page, asking, before="window.given ??= 7") == 7
    assert browser.answer(page, asking, View(scripts=True), before="window.given ??= 7") == 8


@needs_chromium
def test_a_proxy_in_the_environment_is_no_way_to_a_network(
    monkeypatch: pytest.MonkeyPatch, sites: tuple[Site, Site]
) -> None:
    proxy, _ = sites
    monkeypatch.setattr(profile, "PASSED", (*profile.PASSED, "http_proxy"))
    monkeypatch.setenv("http_proxy", proxy.url)
    calling = "new Promise((done) => { new WebSocket('ws://a.org/').onerror = () => done('nothing') })"
    with open_browser() as browser:
        assert browser.answer(Page("x"), calling, View(scripts=True)) == "nothing"
    assert proxy.called == 0


@needs_chromium
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked at in /proc")
def test_the_browser_gets_none_of_our_secrets_and_is_never_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", "a secret")
    with open_browser() as browser:
        process = Path(f"/proc/{browser.process}")
        given = dict(pair.partition(b"=")[::2] for pair in (process / "environ").read_bytes().split(b"\0"))
        assert process.stat().st_uid != 0
        folder = Path(os.fsdecode(given[b"HOME"])).parent
        assert folder.name.startswith(profile.PREFIX)
        assert b"SENDGRID_API_KEY" not in given
    assert not folder.exists()


NOT_ROOT = "only root's Chromium is another user"
SANDBOXLESS = """#!/bin/sh
case " $* " in *" --no-sandbox "*) exec "{chromium}" "$@";; esac
echo No usable sandbox >&2; exit 1
"""


@pytest.fixture
def without_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Chromium as in a container that has no room for its sandbox, in a folder that every user can read."""
    with tempfile.TemporaryDirectory(prefix="daisychain-test-") as folder:
        program = Path(folder) / "chromium"
        program.write_text(SANDBOXLESS.format(chromium=chromium()))
        for path in (program, program.parent):
            path.chmod(0o755)
        monkeypatch.setenv("DAISYCHAIN_CHROMIUM", str(program))
        yield program


@needs_chromium
@pytest.mark.skipif(os.geteuid() != 0, reason=NOT_ROOT)
def test_root_s_browser_is_a_user_that_owns_nothing_and_reads_nothing_of_the_home(
    daisychain: Daisychain, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = daisychain.settings.home
    for setting in ("database_url", "secret_key"):
        daisychain = daisychain.with_settings(**{setting: ""})
    daisychain.start("list", "create", "friends", "--from", "Ann <ann@daisies.org>").communicate()
    installation_secret(daisychain.settings)
    (home / "outbox" / "1").mkdir(parents=True)
    (home / "outbox" / "1" / "mail.eml").write_text("a mail")
    cluster = EmbeddedServer(home).folder
    with open_browser() as browser:
        process = Path(f"/proc/{browser.process}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        user = pwd.getpwnam("daisychain-browser")
        assert set(status["Uid"].split()) == {str(user.pw_uid)}
        assert set(status["Gid"].split()) == {str(user.pw_gid)}
        assert (status["Groups"].split(), status["NoNewPrivs"].strip()) == ([], "1")
        assert user.pw_uid != pwd.getpwnam("daisychain").pw_uid
        # Which home a cluster is of is no secret.
        files = {home, cluster / "server", *home.rglob("*"), *cluster.rglob("*")} - {cluster / "home"}
        assert {"secret_key", "mail.eml", "PG_VERSION"} <= {path.name for path in files}
        as_it = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        look = (
            "import os, sys; print([p for p in sys.stdin.read().split(chr(0)) if os.access(p, 2) or os.access(p, 4)])"
        )
        found = subprocess.run(
            [*as_it, "/usr/bin/env", "python3", "-c", look, *map(str, files)],
            text=True, capture_output=True, check=True, env={"PATH": os.environ["PATH"]}, cwd="/",
        )  # fmt: skip
        assert found.stdout == "[]\n"
    shutil.rmtree(cluster)


@needs_chromium
def test_the_sandbox_is_tried_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_browser() as browser:
        given = Path(f"/proc/{browser.process}/cmdline").read_bytes().split(b"\0")
        assert (b"--no-sandbox" in given) != browser.sandboxed
        if not browser.sandboxed:
            pytest.skip("there can be no sandbox here")
        assert len(seen(browser.picture(Page("x"), View(10, 10))).tobytes()) == 300


@needs_chromium
@pytest.mark.skipif(os.geteuid() != 0, reason=NOT_ROOT)
def test_root_s_browser_goes_without_a_sandbox_only_if_there_can_be_none(without_sandbox: Path) -> None:
    for _ in range(2):
        with open_browser() as browser:
            assert not browser.sandboxed
            assert seen(browser.picture(Page("<body bgcolor='#1d5c53'>"), View(100, 50))).getpixel((5, 5)) == GREEN


@needs_chromium
def test_anybody_else_s_browser_never_goes_without(without_sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletters.browser.browser.os.geteuid", lambda: 1000)
    with pytest.raises(BrowserError, match="ended by itself"), open_browser():
        pass


@needs_chromium
@pytest.mark.skipif(os.geteuid() != 0, reason=NOT_ROOT)
def test_the_doctor_says_whether_there_is_a_sandbox(
    durable: Daisychain, without_sandbox: Path, look_at_browser: Callable[[], SetupFinding],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(doctor, "_browser", look_at_browser)

    def said() -> list[tuple[str, str]]:
        found = durable.json("doctor", "--format", "json", code=None)
        return [(each["state"], each["words"]) for each in found if each["subject"] == "browser"]

    [(state, words)] = said()
    assert state == "missing"
    assert "daisychain-browser, which owns nothing, but without its sandbox" in words
    without_sandbox.write_text(f'#!/bin/sh\nexec "{shutil.which("chromium")}" "$@"\n')
    browser_module._WITHOUT_SANDBOX.clear()
    [(state, words)] = said()
    assert (state, words) in [("good", f"{without_sandbox}, in its sandbox"), ("missing", words)]


def test_what_a_killed_process_left_goes_at_the_next_start_and_what_is_in_use_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    used = profile.Profile()
    left, young, link = (tmp_path / f"{profile.PREFIX}{name}" for name in ("left", "young", "link"))
    (left / "profile").mkdir(parents=True)
    young.mkdir()
    (tmp_path / "mine").mkdir()
    link.symlink_to(tmp_path / "mine")
    for folder in (left, used.path.parent, tmp_path / "mine"):
        os.utime(folder, (0, 0))
    profile.Profile().close()
    assert set(tmp_path.iterdir()) == {used.path.parent, young, link, tmp_path / "mine"}
    used.close()
    assert not used.path.exists()


@needs_chromium
def test_what_goes_wrong_is_told_and_the_browser_goes_on(browser: Browser) -> None:
    with pytest.raises(BrowserError, match="A script failed in the page: ReferenceError"):
        browser.answer(Page("x"), "nobody()")
    assert seen(browser.picture(Page("<body bgcolor='#1d5c53'>"), View(100, 50))).getpixel((5, 5)) == GREEN


@needs_chromium
def test_a_browser_that_dies_is_an_error_and_leaves_nothing_behind() -> None:
    with open_browser() as browser:
        os.kill(browser.process, signal.SIGKILL)
        with pytest.raises(BrowserError, match="ended by itself"):
            browser.picture(Page("x"))
    with pytest.raises(ChildProcessError):
        os.waitpid(browser.process, os.WNOHANG)


def test_a_browser_can_be_named_and_must_then_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DAISYCHAIN_CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="DAISYCHAIN_CHROMIUM names"):
        chromium()
    program = tmp_path / "mine"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setenv("DAISYCHAIN_CHROMIUM", str(program))
    assert chromium() == str(program)
    with pytest.raises(BrowserError, match="ended by itself"), open_browser():
        pass
