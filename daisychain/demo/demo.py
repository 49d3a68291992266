"""`daisychain demo`: the whole job on invented people, by the commands that a user would type.

It has a home of its own, and every part is real: PostgreSQL, MJML, MIME files, HTTP, signed webhooks. Each run is one
more campaign to the same list, so that a second run does no harm and shows who left after the first.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, closing, contextmanager, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

import click

from daisychain.demo.invented_consent import agree_to_reading
from daisychain.demo.invented_partner import write_partners
from daisychain.demo.invented_people import write_people
from daisychain.demo.invented_readers import play, read_mail, webhook_key
from daisychain.errors import DaisychainError
from daisychain.processes import shown_program

LIST = "demo-friends"
ORGANISATIONS = "demo-organisations"
ADMIN = "admin@coalition.example"
TOOLKIT = "community-makes-us"
PORT = 8000  # where `daisychain serve` listens by default, so that the demo's links lead somewhere when it runs later
PATIENCE = 60  # seconds for the pages to come up, and for the webhooks to be processed


RunCommand = Callable[[list[str]], None]


def run_demo(home: Path, people: int, run_command: RunCommand) -> None:
    """Do the whole job on `people` invented people in the folder `home`; `run_command` runs a daisychain command."""
    commands = Commands(run_command)
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    key, public_key = webhook_key(home / "webhook_key.pem")
    with chdir(home), _surroundings(home, public_key), _pages(home) as url:
        campaign_id = _prepare(commands, people)
        commands.run("campaign", "send", str(campaign_id), "--yes", "--repeat")
        _title("Readers open, click and leave; the provider reports deliveries, bounces and complaints, some twice")
        played = play(
            [read_mail(path) for path in sorted((home / "outbox" / str(campaign_id)).glob("*.eml"))],
            f"{url}/webhooks/sendgrid", key, seed=campaign_id,
        )  # fmt: skip
        click.echo(
            f"  In truth, {played['read']} people read it, {played['opened']} of them with images; "
            f"{played['clicked']} clicked, {played['left']} left, {played['complained']} complained.\n"
            f"  Apple fetched {played['prefetched']} mails unread, a scanner followed all links of "
            f"{played['scanned']}, and {played['bounced']} bounced."
        )
        _wait_for_webhooks()
        commands.run("campaign", "status", str(campaign_id))
        commands.run("events", "classify", str(campaign_id))
        commands.run("report", "show", str(campaign_id))
        commands.run("report", "show", str(campaign_id), "--output", f"report-{campaign_id}.html")
        private_link = _packs(commands)
    _where_to_look(home, campaign_id, url, private_link)


def serve_demo(home: Path) -> None:
    """Serve what the demo left in `home`, and print a link to its desk that signs in once."""
    home = home.absolute()
    if not (home / "webhook_key.pem").exists():
        raise DaisychainError(f"There is no demo in {home}.", hint="First run: daisychain demo")
    from accounts.invitations import demo_link
    from daisychain.installation import Installation
    from daisychain.work.serve import free_port, serve

    _, public_key = webhook_key(home / "webhook_key.pem")
    with chdir(home), _surroundings(home, public_key), ExitStack() as while_served:
        wanted = _port_of_links(home)
        port = free_port("127.0.0.1", wanted)
        url = os.environ["DAISYCHAIN_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
        with closing(Installation()) as installation:
            with installation.database.engine.begin() as connection:
                token = demo_link(connection, installation.settings, ADMIN)

            def announce(_: str) -> None:
                while_served.enter_context(_known_to_demos(home, port))
                if port != wanted:
                    click.echo(
                        f"Port {wanted} is in use, so this is port {port}. Links in the demo's mails lead to the"
                    )
                    click.echo("port that the demo had when it ran.")
                click.echo("Open this link within 30 minutes; it signs in once. Ctrl-C ends; start again for another.")
                click.echo(f"{url}/desk/welcome/{token}")

            serve(installation, "127.0.0.1", port, 4, None, announce)


def _prepare(commands: Commands, people: int) -> int:
    """Everything up to the draft, whose id is returned."""
    commands.run("toolkit", "show", TOOLKIT)
    if commands.json("list", "list", "--format", "json") == []:
        commands.run(
            "list", "create", LIST, "--from", "Connection Coalition <hello@coalition.example>", "--tracking",
            "per-person", "--decided-by", "the demo", "--because", "everybody in it is invented",
        )  # fmt: skip
    write_people(Path("people.csv"), people)
    commands.run("list", "import", LIST, "people.csv", "--basis", "consent", "--source", "made up for the demo")
    agreed = agree_to_reading(LIST)
    click.echo(f"  {agreed} people agreed that their own reading is recorded; the others are counted without persons.")
    commands.run("list", "sign-up", LIST, "--on", "--toolkit", TOOLKIT)
    if len(commands.json("list", "list", "--format", "json")) == 1:
        commands.run("list", "create", ORGANISATIONS, "--from", "Connection Coalition <hello@coalition.example>")
    commands.run("list", "sign-up", ORGANISATIONS, "--on", "--for", "organisations", "--toolkit", TOOLKIT)
    if not Path("bulletin.md").exists():
        commands.run("newsletter", "new", "bulletin", "--toolkit", TOOLKIT)
    commands.run("newsletter", "check", "bulletin.md", "--list", LIST)
    commands.run("newsletter", "preview", "bulletin.md", "--out", "preview", "--list", LIST)
    commands.run("newsletter", "push", "bulletin.md")
    create = ("campaign", "create", "newsletter:bulletin", "--list", LIST, "--provider", "outbox", "--format", "json")
    draft: dict[str, Any] = commands.json(*create)
    return int(draft["id"])


def _packs(commands: Commands) -> str:
    """Member organisations, the bulletin in the brand of one and without branding; return its private link."""
    _title("A member organisation sends it too, from its own tools")
    write_partners(Path())
    commands.run("partner", "import", "members.csv")
    commands.run(
        "newsletter", "pack", "bulletin.md", "--brand", "bees.yml", "--for", "mailchimp,outlook", "--out", "packs",
        "--no-previews",
    )  # fmt: skip
    commands.run("pack", "offer", "bulletin.md")
    return commands.text("partner", "link", "bees-of-bath").strip()


def _where_to_look(home: Path, campaign_id: int, url: str, private_link: str) -> None:
    shown = home.relative_to(Path.cwd()) if home.is_relative_to(Path.cwd()) else home
    _title("Where to look")
    for name, value in {
        "the bulletin": f"{shown / 'preview/index.html'}, which shows it on a phone and a desktop, light and dark",
        "the mails": shown / "outbox" / str(campaign_id),
        "refused rows": shown / "people.refused.csv",
        "the source": f"{shown / 'bulletin.md'}, and newsletter:bulletin in the database, for the desk",
        "a partner pack": shown / "packs/bees-of-bath-mailchimp/README.html",
        "the toolkit": f"{url}/toolkits/{TOOLKIT}, while this runs:",
        "a private page": f"{private_link}, of a member organisation, while this runs:",
        "the desk": f"{shown_program()} demo --serve --home {shown}, which prints a link that signs in once",
        "the figures": f"DAISYCHAIN_HOME={shown} {shown_program()} report show {campaign_id}",
        "the report": f"{shown / f'report-{campaign_id}.html'}, one file to look at, print and hand on",
    }.items():
        click.echo(f"  {name:<16}{value}")


# -- running commands as a user would


class Commands:
    """Shows commands and runs them, in this process."""

    def __init__(self, run_command: RunCommand) -> None:
        self._run_command = run_command

    def run(self, *arguments: str, stream: TextIO | None = None) -> None:
        """Show a command on `stream` and run it; raises DaisychainError if it fails."""
        shown = " ".join(f'"{word}"' if " " in word else word for word in arguments)
        click.secho(f"\n$ daisychain {shown}", bold=True, file=stream)
        try:
            self._run_command(list(arguments))
        except SystemExit as end:
            if end.code:
                raise DaisychainError(f"The demo stopped at: daisychain {shown}") from None

    def text(self, *arguments: str) -> str:
        """Show a command and run it; return its answer instead of showing it."""
        shown, answer = sys.stdout, StringIO()
        with redirect_stdout(answer):
            self.run(*arguments, stream=shown)
        return answer.getvalue()

    def json(self, *arguments: str) -> Any:
        """Show a command and run it; return its JSON instead of showing it."""
        return json.loads(self.text(*arguments))


def _title(text: str) -> None:
    click.secho(f"\n{text}", bold=True)


# -- the demo's own surroundings


@contextmanager
def _surroundings(home: Path, public_key: str) -> Iterator[None]:
    """Use settings of the demo only; the user's own for real mail are out of reach while it runs."""
    own = {"DAISYCHAIN_HOME": str(home), "DAISYCHAIN_PROVIDER": "outbox", "SENDGRID_WEBHOOK_KEYS": public_key}
    before = dict(os.environ)
    for name in before:
        if name.startswith(("DAISYCHAIN_", "SENDGRID_", "SMTP_")):
            del os.environ[name]
    os.environ.update(own)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _pages(home: Path) -> Iterator[str]:
    """Yield the URL of the public pages, which a running `demo --serve` serves, or else a process of this demo."""
    from daisychain.work.serve import free_port

    running = _port_served(home)
    port = running or free_port("127.0.0.1", _port_of_links(home))
    (home / "port").write_text(str(port))
    url = os.environ["DAISYCHAIN_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    if running:
        yield url
        return
    with (home / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "daisychain", "serve", "--port", str(port)], stdout=log, stderr=log
        )
        try:
            _wait_for(url + "/healthz", process, home / "serve.log")
            yield url
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def _port_of_links(home: Path) -> int:
    """Return the port that links of the last demo lead to, so that the next server answers them."""
    with suppress(OSError, ValueError):
        return int((home / "port").read_text())
    return PORT


@contextmanager
def _known_to_demos(home: Path, port: int) -> Iterator[None]:
    """Hold a lock on a file with the port for as long as it is served; the first server of a home has it."""
    with (home / "serving").open("a") as file:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (home / "serving").write_text(str(port))
        yield


def _port_served(home: Path) -> int | None:
    """Return the port of the `demo --serve` that runs in `home`, or None."""
    # A server that is just starting has its lock, and has not written its port yet.
    with suppress(FileNotFoundError, ValueError), (home / "serving").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(file.read())
    return None


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own address
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise DaisychainError("The pages did not come up.", hint=f"Look into {log}.")


def _wait_for_webhooks() -> None:
    """Wait until the worker has processed every webhook body."""
    from sqlalchemy import func, select

    from daisychain.database import Database
    from daisychain.settings import load_settings
    from sender.tables import WebhookBody

    deadline = time.monotonic() + PATIENCE
    with closing(Database(load_settings())) as database:
        while time.monotonic() < deadline:
            with database.engine.connect() as connection:
                if not connection.scalar(select(func.count()).where(WebhookBody.processed_at.is_(None))):
                    return
            time.sleep(0.1)
    raise DaisychainError("The webhooks were not processed in time.")
