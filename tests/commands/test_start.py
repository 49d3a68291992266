"""`daisychain start`: from answers to a working installation, and again without losing anything."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import tomllib
import urllib.request
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from accounts.staff import list_colleagues
from accounts.tables import StaffAccount
from commands import start as start_command
from commands.main import cli
from daisychain.database import Database
from daisychain.operations import doctor
from daisychain.settings import Settings, load_settings
from tests.fakes.sendgrid import FakeSendGrid

ROOT = Path(__file__).parent.parent.parent

FILES = {"daisychain.toml", "sendgrid.key", "daisychain.service", "Caddyfile", "install-service.sh", "first.md"}
SENDER = "Your Charity <news@coalition.org>"
URL = "https://news.coalition.org"


class Machine:
    """A folder on a machine with a database, and a SendGrid on loopback."""

    def __init__(self, settings: Settings, sendgrid: FakeSendGrid) -> None:
        self.folder = settings.home.parent / "newsletters"
        self.folder.mkdir()
        self.settings, self.sendgrid = settings, sendgrid
        self.environment = {
            "DAISYCHAIN_DATABASE_URL": settings.database_url, "DAISYCHAIN_SECRET_KEY": settings.secret_key,
            "DAISYCHAIN_TEST_MODE": "1", "SENDGRID_API_HOST": sendgrid.url,
        }  # fmt: skip
        (settings.home.parent / "key.txt").write_text(f"{sendgrid.key}\n")
        self.answers = {
            "--home": str(settings.home), "--provider": "sendgrid", "--public-url": URL, "--sender": SENDER,
            "--key-file": "../key.txt", "--admin": "priya@coalition.org",
        }  # fmt: skip

    def run(self, *arguments: str, code: int = 0, stdin: str | None = None) -> Result:
        """Run a command in the folder."""
        with chdir(self.folder):
            result = CliRunner().invoke(cli, arguments, env=self.environment, input=stdin, prog_name="daisychain")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def start(self, code: int = 0, **changes: str | None) -> Result:
        """Run `start --yes` with all answers, some of them changed; None leaves one out."""
        answers = self.answers | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
        given = [word for option, value in answers.items() if value is not None for word in (option, value)]
        return self.run("start", "--yes", *given, code=code)

    def names(self) -> set[str]:
        """Return the names of all files in the folder."""
        return {path.name for path in self.folder.iterdir()}

    def toml(self) -> dict[str, object]:
        """Return the settings file."""
        return tomllib.loads((self.folder / "daisychain.toml").read_text())


@pytest.fixture
def machine(settings: Settings, sendgrid: FakeSendGrid, monkeypatch: pytest.MonkeyPatch) -> Machine:
    # The server of the tests keeps nothing through a power cut, which doctor calls wrong.
    monkeypatch.setattr(doctor, "check_durability", lambda _: "good")
    return Machine(settings, sendgrid)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions are asked as at a terminal; the answers come from standard input."""
    monkeypatch.setattr(start_command, "_at_terminal", lambda: True)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_options_answer_every_question_and_the_test_mail_arrives(machine: Machine) -> None:
    answer = machine.start()
    assert machine.names() == FILES
    assert [rights(machine.folder / name) for name in ("daisychain.toml", "sendgrid.key")] == [0o600, 0o600]
    assert machine.sendgrid.key not in answer.output + (machine.folder / "daisychain.toml").read_text()
    loaded = load_settings({}, machine.folder)
    assert (loaded.sendgrid_api_key, loaded.public_url, loaded.system_sender) == (machine.sendgrid.key, URL, SENDER)
    assert f"{URL}/desk/welcome/" in answer.stdout
    assert "SendGrid key" in answer.stdout
    machine.run("newsletter", "test", "first.md", "--to", "priya@coalition.org")
    assert list(machine.sendgrid.copies) == ["priya@coalition.org"]


def test_the_files_for_systemd_and_caddy_name_this_folder_and_address(machine: Machine) -> None:
    machine.start(public_url=f"{URL}/letters")
    unit = (machine.folder / "daisychain.service").read_text()
    assert f"WorkingDirectory={machine.folder}\n" in unit
    site = (machine.folder / "Caddyfile").read_text()
    assert site.startswith("news.coalition.org {")
    assert "handle_path /letters/*" in site


def test_the_service_serves_whatever_is_in_the_folder_that_it_runs_in(machine: Machine) -> None:
    """The five commands leave a clone named `daisychain` there, which is no package of that name."""
    machine.start(provider="outbox", key_file=None)
    for name in ("daisychain", "multiprocessing", "pages"):
        (machine.folder / name).mkdir()
        (machine.folder / name / "__init__.py").write_text("raise SystemExit('the wrong one')")
    unit = (machine.folder / "daisychain.service").read_text()
    [command] = [line.removeprefix("ExecStart=") for line in unit.splitlines() if line.startswith("ExecStart=")]
    # As systemd runs it, but for the port; the package of the tests is found by PYTHONPATH.
    environment = {**os.environ, **machine.environment, "PYTHONPATH": str(ROOT)}
    serving = subprocess.Popen(
        [*shlex.split(command), "--port", "0", "--processes", "1"], cwd=machine.folder, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with serving:
        try:
            assert serving.stdout is not None
            url = serving.stdout.readline().strip()
            with urllib.request.urlopen(f"{url}/healthz", timeout=60) as answer:
                assert answer.status == 200
        finally:
            serving.terminate()
    assert serving.returncode == 0


def installed(machine: Machine, place: Path, systemd: bool = True, user: int = 0) -> subprocess.CompletedProcess[str]:
    """Run install-service.sh with its places below `place`, and with programs that only write down that they ran."""
    programs = place / "bin"
    for folder in (programs, place / "etc/systemd/system", place / "etc/caddy", place / "run/systemd/system"):
        folder.mkdir(parents=True, exist_ok=True)
    if not systemd:
        (place / "run/systemd/system").rmdir()
    for name in ("systemctl", "caddy", "apt-get"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{place}/ran\n')
    (programs / "id").write_text(f"#!/bin/sh\necho {user}\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    script = (machine.folder / "install-service.sh").read_text()
    (machine.folder / "tried.sh").write_text(script.replace("/etc/", f"{place}/etc/").replace("/run/", f"{place}/run/"))
    command, environment = ["sh", str(machine.folder / "tried.sh")], {"PATH": f"{programs}:{os.environ['PATH']}"}
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)


def test_the_service_is_installed_beside_other_sites_and_again_without_harm(machine: Machine, tmp_path: Path) -> None:
    machine.start()
    (tmp_path / "etc/caddy").mkdir(parents=True)
    sites = tmp_path / "etc/caddy/Caddyfile"
    sites.write_text("other.coalition.org {\n}")  # without a line's end
    for _ in range(2):
        assert installed(machine, tmp_path).returncode == 0
    assert sites.read_text() == "other.coalition.org {\n}\nimport daisychain.caddy\n"
    for name, to in (("daisychain.service", "systemd/system"), ("Caddyfile", "caddy")):
        there = tmp_path / "etc" / to / ("daisychain.caddy" if name == "Caddyfile" else name)
        assert there.read_text() == (machine.folder / name).read_text()
    ran = (tmp_path / "ran").read_text().splitlines()
    assert ran[: len(ran) // 2] == [
        "systemctl daemon-reload", "systemctl enable daisychain", "systemctl restart daisychain",
        "systemctl reload-or-restart caddy",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("machine_is", "said"), [({"systemd": False}, "does not run systemd"), ({"user": 1000}, "sudo")]
)
def test_a_service_that_can_t_be_installed_is_explained_and_changes_nothing(
    machine: Machine, tmp_path: Path, machine_is: dict[str, int], said: str
) -> None:
    machine.start()
    done = installed(machine, tmp_path, **machine_is)  # type: ignore[arg-type]
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "ran").exists()
    assert list((tmp_path / "etc/systemd/system").iterdir()) == []


@pytest.mark.parametrize("url", [URL, f"{URL}/letters", "https://news.coalition.org:8443/a/b"])
def test_caddy_takes_the_file_as_it_is(machine: Machine, url: str) -> None:
    """Debian's Caddy is 2.6.2, which refuses directives that came later."""
    if not shutil.which("caddy"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("caddy is not installed")
    machine.environment["DAISYCHAIN_TEST_MODE"] = "1"
    machine.start(public_url=url)
    done = subprocess.run(
        ["caddy", "adapt", "--adapter", "caddyfile", "--config", "Caddyfile"], cwd=machine.folder,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "not formatted" not in done.stderr
    assert '"127.0.0.1:8000"' in done.stdout


@pytest.mark.parametrize(
    ("program", "arguments"), [("shellcheck", "install-service.sh"), ("systemd-analyze", "verify ./daisychain.service")]
)
def test_the_script_and_the_unit_are_without_reproach(machine: Machine, program: str, arguments: str) -> None:
    if not shutil.which(program):
        missing = pytest.fail if os.environ.get("CI") and program == "shellcheck" else pytest.skip
        missing(f"{program} is not installed")
    machine.start()
    command = [program, *arguments.split()]
    done = subprocess.run(command, cwd=machine.folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_same_answers_again_change_nothing(machine: Machine) -> None:
    machine.start()
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in machine.folder.iterdir()}
    answer = machine.run("start", "--yes", "--admin", "priya@coalition.org")
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in machine.folder.iterdir()} == before
    assert ": new" not in answer.output


def test_a_changed_answer_keeps_the_old_file_and_all_other_settings(machine: Machine) -> None:
    file = machine.folder / "daisychain.toml"
    file.write_text(
        '# ours\ntime_zone = "UTC"\nsendgrid_api_key = "old" # inline\nalert_to = "https://alerts.coalition.org/hook"'
    )
    file.chmod(0o600)
    (machine.folder / "first.md").write_text("mine")
    answer = machine.start()
    assert "The old daisychain.toml is daisychain.toml.1 now." in answer.output
    assert 'sendgrid_api_key = "old"' in (machine.folder / "daisychain.toml.1").read_text()
    assert rights(machine.folder / "daisychain.toml.1") == 0o600
    assert file.read_text().startswith("# ours\n")
    assert (machine.toml()["time_zone"], machine.toml()["alert_to"]) == ("UTC", "https://alerts.coalition.org/hook")
    assert (machine.folder / "first.md").read_text() == "mine"
    machine.start(sender="Other <other@coalition.org>")
    assert machine.toml()["system_sender"] == "Other <other@coalition.org>"
    assert {"daisychain.toml.1", "daisychain.toml.2"} <= machine.names()


def test_a_second_run_knows_that_there_is_an_admin(machine: Machine, database: Database) -> None:
    machine.start()
    with database.engine.begin() as connection:
        columns = {"email": "a@coalition.org", "name": "A", "role": "admin", "password_hash": "x", "made_by": "test"}
        connection.execute(StaffAccount.__table__.insert().values(columns))  # type: ignore[attr-defined]
        assert len(list_colleagues(connection)) == 1
    assert "/desk/welcome/" not in machine.start(admin=None).output


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"provider": "pigeon"}, "There is no provider 'pigeon'"),
        ({"sender": "nobody"}, "nobody"),
        ({"admin": "priya"}, "priya"),
        ({"key_file": "nowhere.txt"}, "The key can't be read"),
        ({"key_file": "/etc/passwd"}, "one word"),
        ({"home": "/dev/null"}, "can't be used"),
        ({"home": "/dev/null/home"}, "can't be used"),
        ({"public_url": "https://news.coalition.org/{x}"}, "no public address"),
        ({"provider": None, "sender": None, "public_url": None}, "--sender"),
    ],
)
def test_a_wrong_answer_is_named_and_nothing_is_written(
    machine: Machine, changes: dict[str, str | None], words: str
) -> None:
    assert words in machine.start(code=1, **changes).stderr
    assert machine.names() == set()


def test_everything_that_is_missing_is_named_at_once(machine: Machine) -> None:
    del machine.environment["DAISYCHAIN_TEST_MODE"]
    answer = machine.run("start", "--yes", "--provider", "smtp", code=1)
    assert "--public-url, --sender, --key-file" in answer.stderr
    assert machine.names() == set()


def test_without_a_terminal_it_asks_nothing(machine: Machine) -> None:
    assert "--yes" in machine.run("start", code=1, stdin="").stderr
    assert machine.names() == set()


@pytest.mark.usefixtures("terminal")
def test_questions_are_repeated_until_the_answer_is_good(machine: Machine) -> None:
    lines = [str(machine.settings.home), "pigeon", "sendgrid", URL, "nobody", SENDER, "two words", machine.sendgrid.key,
             "y", "priya", "priya@coalition.org"]  # fmt: skip
    answer = machine.run("start", stdin="\n".join(lines) + "\n")
    assert machine.names() == FILES
    assert "There is no provider 'pigeon'" in answer.output
    assert machine.sendgrid.key not in answer.output
    # Enter keeps each answer.
    machine.run("start", stdin="\n" * 5 + "priya@coalition.org\n")
    assert machine.names() == FILES


@pytest.mark.usefixtures("terminal")
def test_no_answer_is_asked_for_again_with_the_reason(machine: Machine) -> None:
    lines = [str(machine.settings.home), "sendgrid", URL, "", SENDER, "", machine.sendgrid.key, "y", "",
             "priya@coalition.org"]  # fmt: skip
    answer = machine.run("start", stdin="\n".join(lines) + "\n").output
    assert "A sender is needed, such as Your Charity <news@your-charity.org>." in answer
    assert "SendGrid's API key is needed." in answer
    assert "The address '' can't be used" in answer
    assert machine.names() == FILES


@pytest.mark.usefixtures("terminal")
def test_a_key_that_the_provider_refuses_is_asked_for_again_or_kept_knowingly(machine: Machine) -> None:
    given = [word for pair in machine.answers.items() for word in pair if "--key-file" not in pair]
    lines = ["SG.revoked", "n", machine.sendgrid.key, "y"]
    answer = machine.run("start", *given, stdin="\n".join(lines) + "\n")
    assert "Use it anyway?" in answer.output
    assert load_settings({}, machine.folder).sendgrid_api_key == machine.sendgrid.key
    machine.run("start", *given, stdin="SG.revoked\ny\ny\n", code=1)
    assert load_settings({}, machine.folder).sendgrid_api_key == "SG.revoked"


def test_without_an_admin_s_address_it_prints_how_to_get_the_link(machine: Machine) -> None:
    answer = machine.start(admin=None)
    assert "account first-admin you@your-charity.org" in answer.stderr
    assert "/desk/welcome/" not in answer.output


@pytest.mark.usefixtures("terminal")
def test_no_to_the_last_question_writes_nothing(machine: Machine) -> None:
    given = [word for pair in machine.answers.items() for word in pair]
    machine.run("start", *given, stdin="n\n", code=1)
    assert machine.names() == set()


def test_a_variable_that_would_win_over_an_answer_is_named(machine: Machine) -> None:
    machine.environment["DAISYCHAIN_PUBLIC_URL"] = "https://elsewhere.coalition.org"
    assert "DAISYCHAIN_PUBLIC_URL" in machine.start(code=1).stderr
    assert machine.names() == set()


def test_a_settings_file_that_can_t_be_edited_safely_is_left_as_it_is(machine: Machine) -> None:
    file = machine.folder / "daisychain.toml"
    file.write_text('system_sender = """\nOld <old@coalition.org>"""\n')
    file.chmod(0o600)
    machine.start(code=1)
    assert machine.names() == {"daisychain.toml"}


def test_a_file_that_can_t_be_written_leaves_all_as_it_was(machine: Machine) -> None:
    (machine.folder / "Caddyfile").mkdir()
    machine.start(code=1)
    assert machine.names() == {"Caddyfile"}
    assert list((machine.folder / "Caddyfile").iterdir()) == []


def test_a_key_that_others_could_read_is_closed_again(machine: Machine) -> None:
    machine.start()
    (machine.folder / "sendgrid.key").chmod(0o644)
    machine.start()
    assert rights(machine.folder / "sendgrid.key") == 0o600
    assert rights(machine.folder / "sendgrid.key.1") == 0o600


def test_a_revoked_key_is_reported_by_the_checks(machine: Machine) -> None:
    (machine.folder.parent / "key.txt").write_text("SG.revoked")
    assert "wrong" in machine.start(code=1).stdout
