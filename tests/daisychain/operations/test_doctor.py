"""What the doctor says of files that others can read, and of test mode."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from daisychain.database import Database
from tests.command import Daisychain


def test_the_doctor_finds_what_every_user_of_the_machine_can_read(durable: Daisychain) -> None:
    doctor = durable.with_settings(public_url="")
    file, home = durable.folder / "daisychain.toml", durable.settings.home
    file.write_text('alert_smtp_url = "smtps://somebody:password@mail.org"')
    home.mkdir()

    def wrong(mode: int, code: int) -> dict[str, str]:
        file.chmod(mode & 0o644)
        home.chmod(mode)
        found = doctor.json("doctor", "--format", "json", code=code)
        return {each["subject"]: each["words"] for each in found if each["state"] == "wrong"}

    assert not wrong(0o700, 0)
    told = wrong(0o755, 1)
    assert set(told) == {"settings", "home"}
    assert "alert_smtp_url" in told["settings"]
    assert "chmod 600 daisychain.toml" in told["settings"]
    assert f"chmod 700 {home}" in told["home"]


@pytest.mark.parametrize(("mode", "wrong"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o660, 1), (0o602, 1), (0o604, 1)])
@pytest.mark.parametrize("kept", ["DAISYCHAIN_SECRET_KEY", "SENDGRID_API_KEY", "SMTP_URL", "DAISYCHAIN_METRICS_TOKEN"])
def test_the_doctor_looks_at_the_files_of_secrets(
    durable: Daisychain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str, mode: int, wrong: int
) -> None:
    doctor = durable.with_settings(public_url="", secret_key="" if "SECRET" in kept else durable.settings.secret_key)
    file = tmp_path / "value"
    file.write_text("smtp://127.0.0.1:1" if kept == "SMTP_URL" else "SG." + "x" * 40)
    file.chmod(mode)
    monkeypatch.setenv(f"{kept}_FILE", str(file))
    found = doctor.json("doctor", "--format", "json", code=None)
    told = [each["words"] for each in found if each["subject"] == "secret file"]
    assert len(told) == wrong
    assert all(f"chmod 600 {file}" in each for each in told)


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_the_doctor_looks_at_the_key_in_the_home(durable: Daisychain, mode: int) -> None:
    home = durable.settings.home
    home.mkdir(mode=0o700)
    (home / "secret_key").write_text("x" * 40)
    (home / "secret_key").chmod(mode)
    found = durable.json("doctor", "--format", "json", code=None)
    assert [each["state"] for each in found if each["subject"] == "secret file"] == ["wrong"] * (mode == 0o644)


@pytest.mark.parametrize("on", [True, False])
def test_the_doctor_says_that_test_mode_is_on(durable: Daisychain, on: bool) -> None:
    found = durable.with_settings(test_mode=on).json("doctor", "--format", "json", code=None)
    assert [each["state"] for each in found if each["subject"] == "test mode"] == ["missing"] * on


def test_the_doctor_compares_each_list_with_the_consent_ledger(durable: Daisychain, tmp_path: Path) -> None:
    doctor = durable.with_settings(public_url="")
    (tmp_path / "people.csv").write_text("email\nann@people.example\nben@people.example\n")
    for name in ("friends", "donors"):
        doctor("list", "create", name, "--from", "Friends <news@friends.example>")
        doctor("list", "import", name, "people.csv", "--basis", "consent", "--source", "a form")

    def ledger(code: int) -> str:
        [found] = [
            each for each in doctor.json("doctor", "--format", "json", code=code) if each["subject"] == "consent ledger"
        ]
        return f"{found['state']}: {found['words']}"

    assert ledger(0) == "good: says the same as all 2 lists"
    with closing(Database(doctor.settings)) as database, database.engine.begin() as connection:
        connection.execute(
            text("UPDATE memberships SET basis = 'soft-opt-in-sale' WHERE list_id = 2 AND member_id = 2")
        )
    assert ledger(1).startswith("wrong: Memberships that are not what the ledger adds up to: 1 on donors.")
