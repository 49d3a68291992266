"""Settings: read once, from the environment and an optional `daisychain.toml`, into a frozen object.

The environment wins over the file. Each setting may come as NAME or as NAME_FILE, a file that holds the
value (in the file: name_file, as seen from its folder); both at once is an error. A setting that is needed and
missing is named by `Settings.need`.

The file is in the current folder, which may be anybody's: it must be the caller's or root's, and names no program.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path

from daisychain.clock import find_zone
from daisychain.errors import ConfigurationError

FILE_NAME = "daisychain.toml"
# Good enough for the outbox and for previews; a real provider refuses it.
LOCAL_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Settings:
    """Everything that differs from one installation to the next; secrets are kept out of `repr`."""

    home: Path
    database_url: str = field(default="", repr=False)
    public_url: str = ""
    secret_key: str = field(default="", repr=False)
    provider: str = "outbox"
    test_mode: bool = False
    sendgrid_api_key: str = field(default="", repr=False)
    sendgrid_api_host: str = "https://api.sendgrid.com"
    sendgrid_webhook_keys: tuple[str, ...] = ()
    smtp_url: str = field(default="", repr=False)
    alert_to: str = field(default="", repr=False)
    alert_smtp_url: str = field(default="", repr=False)
    system_sender: str = ""
    approval: str = "off"
    metrics_token: str = field(default="", repr=False)
    log_format: str = "text"
    smtp_bounce_address: str = ""
    imap_url: str = field(default="", repr=False)
    time_zone: str = "Europe/London"
    chromium: str = ""
    retention: str = ""
    privacy_contact: str = ""

    @property
    def pages_url(self) -> str:
        """Return the address of the public pages: the public URL, or where `daisychain serve` listens by default."""
        return self.public_url or LOCAL_URL

    def kept_for(self, what: str) -> int:
        """Return how long something is kept: months for `events` and `deliveries`, days for the others."""
        return KEPT_FOR[what] if not self.retention else read_retention(self.retention)[what]

    def need(self, attribute: str, *, why: str) -> str:
        """Return the text setting `attribute`; raises ConfigurationError, which names the variable, if it is empty."""
        value: str = getattr(self, attribute)
        if not value:
            raise ConfigurationError(
                VARIABLES[attribute],
                f"is not set; it is needed {why}.",
                hint=f"Set {VARIABLES[attribute]} in the environment, or {attribute} in {FILE_NAME}, "
                f"or put the value in a file and name it in {VARIABLES[attribute]}_FILE or {attribute}_file.",
            )
        return value


# Months, and days: what is kept for how long unless DAISYCHAIN_RETENTION says otherwise, and the longest.
KEPT_FOR = {"events": 13, "deliveries": 24, "bodies": 90, "files": 30, "sign_ups": 30}
_LONGEST_BODIES = 180


def read_retention(written: str) -> dict[str, int]:
    """Return how long everything is kept; raises ConfigurationError for what can't be read."""
    kept = dict(KEPT_FOR)
    for each in written.replace(",", " ").split():
        name, _, number = each.partition("=")
        if name not in kept or not re.fullmatch(r"[1-9]\d{0,3}", number):
            raise ConfigurationError(
                "DAISYCHAIN_RETENTION", f"can't be read: {each!r}.", hint=f"Such as events=6; known: {', '.join(kept)}."
            )
        kept[name] = int(number)
    if kept["bodies"] > _LONGEST_BODIES:
        raise ConfigurationError("DAISYCHAIN_RETENTION", f"may keep bodies for {_LONGEST_BODIES} days at most.")
    return kept


@dataclass(frozen=True)
class SettingShown:
    """A setting as people may see it; `source` is "environment", "daisychain.toml" or "default"."""

    variable: str
    value: str
    source: str


# The vendors' own variables keep the names that their users already know.
VARIABLES = {
    item.name: (
        item.name.upper()
        if item.name.startswith(("sendgrid_", "smtp_", "imap_"))
        else f"DAISYCHAIN_{item.name.upper()}"
    )
    for item in fields(Settings)
}


# A file with one of these could make anyone who works in that folder run a program of its author.
_ENVIRONMENT_ONLY = ("chromium",)
_TOML_TYPES: dict[str, type | tuple[type, ...]] = {"test_mode": bool, "sendgrid_webhook_keys": (str, list)}
_YES, _NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def load_settings(environment: Mapping[str, str] = os.environ, folder: Path | None = None) -> Settings:
    """The settings in force in `folder` (default: the current one); raises ConfigurationError."""
    values = _from_file((folder or Path.cwd()) / FILE_NAME)
    for attribute, variable in VARIABLES.items():
        text = _from_environment(variable, environment)
        if text is not None:
            values[attribute] = text
    return _typed(values)


def describe_settings(environment: Mapping[str, str] = os.environ, folder: Path | None = None) -> list[SettingShown]:
    """Return each setting for people to see, with where it comes from; of secrets only whether they are set."""
    in_file, in_force = _from_file((folder or Path.cwd()) / FILE_NAME), load_settings(environment, folder)
    shown = []
    for item in fields(Settings):
        variable, value = VARIABLES[item.name], getattr(in_force, item.name)
        given = environment.get(variable) or environment.get(f"{variable}_FILE")
        source = "environment" if given else FILE_NAME if item.name in in_file else "default"
        text = ", ".join(value) if isinstance(value, tuple) else str(value)
        shown.append(SettingShown(variable, text if item.repr or not text else "set, not shown", source))
    return shown


def exposed_secrets(folder: Path | None = None) -> list[str]:
    """The secrets in the file of `folder` (default: the current one) that every user of this machine can read."""
    path = (folder or Path.cwd()) / FILE_NAME
    if not path.exists() or not path.stat().st_mode & stat.S_IROTH:
        return []
    values = read_toml(path)
    return [item.name for item in fields(Settings) if not item.repr and values.get(item.name)]


def exposed_files(environment: Mapping[str, str] = os.environ, folder: Path | None = None) -> list[Path]:
    """The files of secrets, as NAME_FILE names them, that every user of this machine can read or change."""
    folder = folder or Path.cwd()
    names = [item.name for item in fields(Settings) if not item.repr]
    values = read_toml(folder / FILE_NAME)
    files = [environment.get(f"{VARIABLES[name]}_FILE") or values.get(f"{name}_file") for name in names]
    return [path for file in files if file and open_to_others(path := _named(folder, file))]


def open_to_others(path: Path) -> bool:
    """Whether users other than a file's owner and group can read it, or its group can change it."""
    return path.exists() and bool(path.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP))


def read_toml(path: Path) -> dict[str, object]:
    """Return what a settings file says, {} without one; raises ConfigurationError if it can't be trusted or read."""
    try:
        with path.open("rb") as file:
            _refuse_strangers(path, os.fstat(file.fileno()))
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(str(path), f"can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(str(path), f"is not valid TOML: {error}") from None


def _from_file(path: Path) -> dict[str, object]:
    values = _with_named_files(path, read_toml(path))
    for name, value in values.items():
        if name in VARIABLES and not isinstance(value, _TOML_TYPES.get(name, str)):
            raise ConfigurationError(
                str(path), f"has a {name!r} of a wrong type: {value!r}.", hint="Most are text in quotes."
            )
        if name not in VARIABLES:
            raise ConfigurationError(
                str(path), f"has an unknown setting {name!r}.", hint=f"{_meant(name)}Known: {', '.join(VARIABLES)}."
            )
        if name in _ENVIRONMENT_ONLY:
            raise ConfigurationError(
                str(path), f"names a program, by {name!r}, which a file in the current folder may not.",
                hint=f"Take it out, and set {VARIABLES[name]} in the environment.",
            )  # fmt: skip
    return values


def both_names(attribute: str) -> str:
    """Return a setting's name in the environment and in the file, for people who use either."""
    return f"{VARIABLES[attribute]} ({attribute} in {FILE_NAME})"


def _meant(name: str) -> str:
    plain = name.lower().removeprefix("daisychain_")
    known = [*VARIABLES, *(f"{each}_file" for each in VARIABLES)]
    near = get_close_matches(plain, known, n=1)
    return f"Did you mean {near[0]!r}? " if near else ""


def _with_named_files(path: Path, values: dict[str, object]) -> dict[str, object]:
    """Put the content of the file that NAME_file names in NAME's place."""
    for name in [each for each in values if each.removesuffix("_file") in VARIABLES and each not in VARIABLES]:
        plain, file = name.removesuffix("_file"), values.pop(name)
        if plain in values:
            raise ConfigurationError(
                str(path), f"sets {plain!r} twice, also by {name!r}.", hint="Take one of them out."
            )
        try:
            values[plain] = _named(path.parent, file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(str(path), f"names, by {name!r}, a file that can't be read: {error}") from None
    return values


def _named(folder: Path, file: object) -> Path:
    return folder / Path(str(file)).expanduser()


def _refuse_strangers(path: Path, status: os.stat_result) -> None:
    """Raise ConfigurationError if `path` is neither the caller's nor root's, or others may write to it."""
    if status.st_uid not in (os.geteuid(), 0):
        raise ConfigurationError(
            str(path), f"belongs to another user (id {status.st_uid}), whose settings are not taken.",
            hint="If it is meant for you, make it yours with chown; else work in another folder.",
        )  # fmt: skip
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigurationError(
            str(path), "may be written to by other users.", hint=f"See what it says, then: chmod go-w {path}"
        )


def _from_environment(variable: str, environment: Mapping[str, str]) -> str | None:
    direct, file = environment.get(variable), environment.get(f"{variable}_FILE")
    if direct and file:
        raise ConfigurationError(variable, f"is set twice, here and by {variable}_FILE.", hint="Unset one of them.")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{variable}_FILE", f"can't be read: {error}") from None
    return direct or None


def _typed(values: dict[str, object]) -> Settings:
    typed: dict[str, object] = dict(values)
    typed["home"] = Path(str(values.get("home") or Path.home() / ".daisychain")).expanduser().absolute()
    if "test_mode" in values:
        answer = str(values["test_mode"]).lower()
        if answer not in _YES | _NO:
            raise ConfigurationError("DAISYCHAIN_TEST_MODE", f"is {answer!r}; it is 1 or 0.")
        typed["test_mode"] = answer in _YES
    keys = values.get("sendgrid_webhook_keys", ())
    if isinstance(keys, str):
        keys = keys.split(",")
    typed["sendgrid_webhook_keys"] = tuple(str(key).strip() for key in keys if str(key).strip())  # type: ignore[attr-defined]
    if not re.fullmatch(r"off|always|over \d{1,9}", str(typed.get("approval", "off"))):
        raise ConfigurationError("DAISYCHAIN_APPROVAL", "can't be read.", hint='Write off, always, or "over 500".')
    if "time_zone" in typed:
        try:
            find_zone(str(typed["time_zone"]))
        except ValueError as error:
            raise ConfigurationError("DAISYCHAIN_TIME_ZONE", str(error), hint="Like Europe/London or UTC.") from None
    read_retention(str(typed.get("retention", "")))
    for name in ("public_url", "sendgrid_api_host"):
        if name in typed:
            typed[name] = str(typed[name]).rstrip("/")
    return Settings(**typed)  # type: ignore[arg-type]
