from __future__ import annotations

import os
from pathlib import Path

import pytest

from daisychain.errors import ConfigurationError
from daisychain.secret import installation_secret
from daisychain.settings import VARIABLES, Settings, exposed_files, exposed_secrets, load_settings


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "daisychain.toml").write_text('provider = "smtp"\npublic_url = "https://file.org/"\n')
    settings = load_settings({"DAISYCHAIN_PROVIDER": "sendgrid"}, tmp_path)
    assert (settings.provider, settings.public_url) == ("sendgrid", "https://file.org")


OF_A_FORM = {"home", "test_mode", "approval", "retention", "sendgrid_webhook_keys"}  # not any text
TEXTS = [name for name in VARIABLES if name not in OF_A_FORM]


@pytest.mark.parametrize("attribute", TEXTS)
def test_every_setting_may_come_from_a_file_that_holds_it(attribute: str, tmp_path: Path) -> None:
    secret = tmp_path / "value"
    secret.write_text("UTC\n")  # a text that each of them may be
    settings = load_settings({f"{VARIABLES[attribute]}_FILE": str(secret)}, tmp_path)
    assert getattr(settings, attribute) == "UTC"


@pytest.mark.parametrize(("text", "reads"), [("off", True), ("always", True), ("over 500", True), ("500", False)])
def test_who_approves_a_send_is_off_always_or_over_a_number(text: str, reads: bool, tmp_path: Path) -> None:
    if reads:
        assert load_settings({"DAISYCHAIN_APPROVAL": text}, tmp_path).approval == text
        return
    with pytest.raises(ConfigurationError, match="over 500"):
        load_settings({"DAISYCHAIN_APPROVAL": text}, tmp_path)


@pytest.mark.parametrize("attribute", ["secret_key", "sendgrid_api_key", "smtp_url", "public_url"])
def test_a_missing_setting_is_named(attribute: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=VARIABLES[attribute]):
        load_settings({}, tmp_path).need(attribute, why="for this test")


@pytest.mark.parametrize(
    ("environment", "toml", "words"),
    [
        ({"SMTP_URL": "a", "SMTP_URL_FILE": "b"}, "", "set twice"),
        ({"SMTP_URL_FILE": "/nowhere/at/all"}, "", "can't be read"),
        ({}, "nonsense = 1", "unknown setting 'nonsense'"),
        ({}, 'DAISYCHAIN_ALERT_TO = "a"', "Did you mean 'alert_to'?"),
        ({}, 'SENDGRID_API_KEY_FILE = "a"', "Did you mean 'sendgrid_api_key_file'?"),
        ({}, "= 1", "not valid TOML"),
        ({}, "sendgrid_webhook_keys = 4", "wrong type"),
        ({}, "home = 5", "wrong type"),
        ({}, 'provider = ["smtp"]', "wrong type"),
        ({}, 'chromium = "./show.sh"', "names a program.*\n.*DAISYCHAIN_CHROMIUM in the environment"),
        ({"DAISYCHAIN_TEST_MODE": "banana"}, "", "is 'banana'"),
        ({}, 'time_zone = "Mars/Base"', "no time zone"),
    ],
)
def test_wrong_settings_are_told_apart(environment: dict[str, str], toml: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "daisychain.toml").write_text(toml)
    with pytest.raises(ConfigurationError, match=words):
        load_settings(environment, tmp_path)


@pytest.mark.parametrize("mode", [0o620, 0o602], ids=oct)
def test_a_file_that_others_may_write_to_is_refused(mode: int, tmp_path: Path) -> None:
    file = tmp_path / "daisychain.toml"
    file.write_text('provider = "smtp"')
    file.chmod(mode)
    with pytest.raises(ConfigurationError, match=r"may be written to by other users\.\n  .*chmod go-w"):
        load_settings({}, tmp_path)


def test_a_file_of_somebody_else_is_refused_and_one_of_root_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "daisychain.toml"
    file.write_text('provider = "smtp"')
    if os.geteuid() == 0:
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
        assert load_settings({}, tmp_path).provider == "smtp"
        os.chown(file, 12345, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        load_settings({}, tmp_path)


@pytest.mark.parametrize(
    ("toml", "mode", "exposed"),
    [
        ('smtp_url = "smtps://a:b@c"\nprovider = "smtp"', 0o644, ["smtp_url"]),
        ('smtp_url = "smtps://a:b@c"', 0o640, []),
        ('provider = "smtp"', 0o644, []),
        (None, 0, []),
    ],
)
def test_secrets_are_exposed_in_a_file_that_everybody_can_read(
    toml: str | None, mode: int, exposed: list[str], tmp_path: Path
) -> None:
    if toml:
        file = tmp_path / "daisychain.toml"
        file.write_text(toml)
        file.chmod(mode)
    assert exposed_secrets(tmp_path) == exposed


def test_secrets_are_not_in_the_repr(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path, database_url="s3cret", secret_key="s3cret", sendgrid_api_key="s3cret", smtp_url="s3cret"
    )
    assert "s3cret" not in repr(settings)


def test_webhook_keys_are_split_at_commas(tmp_path: Path) -> None:
    assert load_settings({"SENDGRID_WEBHOOK_KEYS": "one, two,"}, tmp_path).sendgrid_webhook_keys == ("one", "two")


def test_an_embedded_installation_makes_its_secret_once_and_keeps_it_to_itself(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    first = installation_secret(settings)
    assert installation_secret(settings) == first
    assert (tmp_path / "home/secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["secret_key"]


@pytest.mark.parametrize("secret", ["daisychain2026", "x" * 31])
def test_a_secret_that_could_be_guessed_is_refused(secret: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="too short"):
        installation_secret(Settings(home=tmp_path, secret_key=secret))


def test_a_secret_file_that_was_emptied_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    with pytest.raises(ConfigurationError, match="too short"):
        installation_secret(Settings(home=tmp_path))


def test_a_home_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="DAISYCHAIN_HOME"):
        installation_secret(Settings(home=tmp_path / "file" / "home"))


def test_with_a_server_the_secret_must_be_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="DAISYCHAIN_SECRET_KEY"):
        installation_secret(Settings(home=tmp_path, database_url="postgresql://server/daisychain"))


def test_the_file_may_name_a_file_that_holds_a_secret(tmp_path: Path) -> None:
    toml, key = tmp_path / "daisychain.toml", tmp_path / "mail.key"
    toml.write_text('sendgrid_api_key_file = "mail.key"\n')
    key.write_text("SG.kept\n")
    key.chmod(0o644)
    assert load_settings({}, tmp_path).sendgrid_api_key == "SG.kept"
    assert (exposed_files({}, tmp_path), exposed_secrets(tmp_path)) == ([key], [])
    for text, words in [
        ('smtp_url = "a"\nsmtp_url_file = "mail.key"', "twice"), ('smtp_url_file = "nowhere"', "can't be read"),
        ('nonsense_file = "mail.key"', "unknown setting"), ('chromium_file = "mail.key"', "names a program"),
    ]:  # fmt: skip
        toml.write_text(text)
        with pytest.raises(ConfigurationError, match=words):
            load_settings({}, tmp_path)
