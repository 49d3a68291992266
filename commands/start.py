"""`daisychain start`: ask for what an installation needs, write its files, and let the first admin in."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from commands.account import show_first_admin_link
from commands.console import examples, say
from commands.doctor import show_findings
from daisychain.errors import ConfigurationError, DaisychainError, InputError
from daisychain.installation import Installation
from daisychain.processes import shown_program
from daisychain.settings import FILE_NAME, VARIABLES, Settings, describe_settings, load_settings


@click.command()
@click.option("--home", help="The folder of the database and the secret key.")
@click.option("--provider", help="sendgrid, smtp, or outbox, which only writes files.")
@click.option("--public-url", help="The address at which readers reach your pages.")
@click.option("--sender", help="Name <address> that mail comes from.")
@click.option("--key-file", help="A file with SendGrid's API key or the relay's URL; - reads standard input.")
@click.option("--admin", help="The address of the first admin.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the options, and what is set already.")
@examples(
    "start",
    "start --yes --provider sendgrid --key-file key.txt --public-url https://news.your-charity.org "
    '--sender "Your Charity <news@your-charity.org>" --admin priya@your-charity.org',
)
def start(yes: bool, key_file: str | None, sender: str | None, admin: str | None, **given: str | None) -> None:
    """Set up an installation in this folder: settings, key, service, proxy, first newsletter and first admin.

    It may be repeated: what is set stays unless you answer otherwise, and files that change are kept beside.
    Exit code 1 if something is missing or the checks find something wrong.
    """
    from daisychain.atomic_files import replace_together
    from daisychain.operations.doctor import examine_installation
    from daisychain.operations.installation_files import files_to_write
    from daisychain.secret import installation_secret

    if not yes and not _at_terminal():
        raise InputError("There is no terminal to ask at.", hint="Answer by options, and add --yes.")
    given |= {"system_sender": sender, "key": key_file and _read_key(key_file)}
    if admin:
        _check_address(admin)
    settings = _ask(given, yes)
    _refuse_environment(settings)
    folder = Path.cwd()
    files = files_to_write(folder, settings)
    for path in files:
        say(f"{path.name}: {'changes; the old one is kept beside it' if path.exists() else 'new'}")
    if not yes and files:
        click.confirm("Write these files?", default=True, abort=True, err=True)
    with closing(Installation()) as installation:
        installation.__dict__["settings"] = settings
        try:
            # A home or a database that can't be used is reported before anything is written.
            settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            installation.database.engine.connect().close()
            installation_secret(settings)
            kept = replace_together(files)
        except OSError as error:
            raise InputError(f"The files can't be written: {error}.", hint="Nothing was changed.") from None
        for path, old in kept.items():
            say(f"The old {path.name} is {old.name} now.")
        show_findings(found := list(examine_installation(installation)))
        _finish(installation, admin, yes)
    sys.exit(1 if any(item.state == "wrong" for item in found) else 0)


def _at_terminal() -> bool:
    return sys.stdin.isatty()


def _read_key(file: str) -> str:
    try:
        return (sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The key can't be read: {error}") from None


# -- questions


def _ask(answered: dict[str, str | None], yes: bool) -> Settings:
    """Return the settings that are answered; raises InputError if some are missing."""
    from daisychain.operations.installation_files import KEYS

    settings, missing = load_settings(), []
    questions = [
        ("home", "--home", "Home, the folder of the database and the secret key"),
        ("provider", "--provider", "Provider: sendgrid, smtp or outbox"),
        ("public_url", "--public-url", "Public address, such as https://news.your-charity.org"),
        ("system_sender", "--sender", "Sender, such as Your Charity <news@your-charity.org>"),
        ("key", "--key-file", ""),
    ]
    for name, option, words in questions:
        if name == "key" and settings.provider not in KEYS:
            continue
        now = str(getattr(settings, KEYS[settings.provider][0] if name == "key" else name, ""))
        if answered[name] is None and not yes:
            settings = _prompt(settings, name, words, now)
        elif (text := answered[name] or now) or (name == "public_url" and settings.provider == "outbox"):
            settings = _take(settings, name, text)
        else:
            missing.append(option)
    if missing:
        raise InputError(f"These answers are missing: {', '.join(missing)}.", hint="Nothing was written.")
    return settings


_KEY_WORDS = {
    "sendgrid": "SendGrid's API key",
    "smtp": "The relay's URL, such as smtp+starttls://user:password@mail.your-charity.org",
}


def _prompt(settings: Settings, name: str, words: str, now: str) -> Settings:
    """Ask until the answer is good."""
    if name == "key":
        words = _KEY_WORDS[settings.provider] + (" (Enter keeps the one that is set)" if now else "")
    optional = name == "public_url" and settings.provider == "outbox"

    def take(text: str) -> Settings:
        if not text and not optional:
            wanted, _, example = words.partition(", such as ")
            wanted = wanted if name == "key" else f"A {wanted[0].lower()}{wanted[1:]}"
            raise InputError(f"{wanted} is needed{example and f', such as {example}'}.")
        return _take(settings, name, text)

    answer: Settings = click.prompt(
        words, default=now, show_default=bool(now) and name != "key", hide_input=name == "key",
        value_proc=_asked_again(take), err=True,
    )  # fmt: skip
    if name == "key":
        from sender.providers.open_provider import open_provider

        try:
            open_provider(answer.provider, answer).reach()
        except DaisychainError as error:
            say(str(error))
            if not click.confirm("Use it anyway?", default=False, err=True):
                return _prompt(settings, name, words, now)
    return answer


def _asked_again(take: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what click asks again after: its reason is shown."""

    def checked(text: str) -> Any:
        try:
            return take(text.strip())
        except (DaisychainError, ConfigurationError) as error:
            raise click.UsageError(str(error)) from None

    return checked


def _check_address(text: str) -> str:
    from lists.addresses import require_address

    return require_address(text).written


def _take(settings: Settings, name: str, text: str) -> Settings:
    """Return the settings with one more answer; raises InputError or ConfigurationError if it can't be right."""
    from daisychain.operations.installation_files import KEYS
    from lists.lists import parse_sender
    from sender.providers.guards import check_public_url
    from sender.providers.open_provider import PROVIDERS, open_provider

    if name == "home":
        return replace(settings, home=_usable(Path(text).expanduser().absolute()))
    if name == "provider" and text not in PROVIDERS:
        raise InputError(f"There is no provider {text!r}.", hint=f"One of {', '.join(PROVIDERS)}.")
    if name == "public_url" and text:
        text, parts = text.rstrip("/"), urlsplit(text)
        if not settings.test_mode:
            check_public_url(text)
        # It becomes a part of Caddy's file, where other signs have a meaning.
        if any(not (each.isalnum() or each in "-._~:[]/") for each in parts.netloc + parts.path):
            raise InputError(f"{text!r} is no public address.", hint="Use letters, digits, dots and hyphens.")
    if name == "system_sender":
        parse_sender(text)
    if name == "key" and (not text.isascii() or not text.isprintable() or " " in text):
        raise InputError("The key must be one word.", hint="Copy it again, as a whole and without spaces.")
    settings = replace(settings, **{KEYS[settings.provider][0] if name == "key" else name: text})  # type: ignore[arg-type]
    if name == "key" and settings.system_sender:
        open_provider(settings.provider, settings).check(parse_sender(settings.system_sender)[1])
    return settings


def _usable(home: Path) -> Path:
    there = next(each for each in (home, *home.parents) if each.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{home} can't be used: {there} is no folder that you may write to.", hint="Name another one.")
    return home


def _refuse_environment(settings: Settings) -> None:
    """Raise ConfigurationError if a variable would win over an answer; the service does not have variables at all."""
    in_force, names = load_settings(), {variable: name for name, variable in VARIABLES.items()}
    for variable in [shown.variable for shown in describe_settings() if shown.source == "environment"]:
        if getattr(in_force, names[variable]) != getattr(settings, names[variable]):
            raise ConfigurationError(variable, "is set in the environment, and would win.", hint="Unset it.")
        say(f"{variable} is set in the environment, which the service lacks: see that {FILE_NAME} has it.")


def _finish(installation: Installation, admin: str | None, yes: bool) -> None:
    """Print the next commands, and the first admin's link if there is no admin yet."""
    from accounts.staff import list_colleagues
    from daisychain.operations.installation_files import FIRST_NEWSLETTER, INSTALL

    program = shown_program()
    with installation.database.engine.connect() as connection:
        has_admin = any(one.role == "admin" for one in list_colleagues(connection))
    if not (has_admin or admin or yes):
        admin = click.prompt(
            "Address of the first admin, yourself", default="", show_default=False,
            value_proc=_asked_again(_check_address), err=True,
        )  # fmt: skip
    say(f"Next, run it as a service:  sudo sh {INSTALL}")
    to = shlex.quote(admin or "you@your-charity.org")
    say(f"Then send yourself a test:  {program} newsletter test {FIRST_NEWSLETTER} --to {to}")
    if admin and not has_admin:
        show_first_admin_link(installation, admin)
    if not has_admin:
        say(f"For another link:  {program} account first-admin {to}")
