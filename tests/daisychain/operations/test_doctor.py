"""What the doctor says of files that others can read."""

from __future__ import annotations

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
