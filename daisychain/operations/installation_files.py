"""The files of a new installation: settings, the provider's key, a systemd unit, a Caddyfile, a first newsletter."""

from __future__ import annotations

import json
import os
import pwd
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from daisychain.atomic_files import PRIVATE
from daisychain.errors import ConfigurationError
from daisychain.settings import FILE_NAME, Settings, load_settings, open_to_others, read_toml
from newsletters.compose.starter import starter
from newsletters.toolkit_store.store import find_toolkit

# The setting that holds each provider's key, and the file that holds the setting.
KEYS = {"sendgrid": ("sendgrid_api_key", "sendgrid.key"), "smtp": ("smtp_url", "smtp.key")}
FIRST_NEWSLETTER, FIRST_TOOLKIT = "first.md", "community-makes-us"
SERVICE, SITE, INSTALL = "daisychain.service", "Caddyfile", "install-service.sh"
_READABLE = 0o666  # less what the umask takes away

_UNIT = """\
[Unit]
Description=Daisychain
After=network-online.target
Wants=network-online.target

[Service]
User={user}
WorkingDirectory={folder}
ExecStart={python} -P -m daisychain serve
Restart=on-failure
RestartSec=5
TimeoutStopSec=120

[Install]
WantedBy=multi-user.target
"""
# Debian's Caddy, 2.6.2, knows no `request_buffers`; `serve` reads slow bodies without a thread anyway.
_PROXY = "reverse_proxy 127.0.0.1:8000"
_INSTALL = """\
#!/bin/sh
# Installs Daisychain as a service that starts with this machine. Run it with sudo; it may be repeated.
set -eu
cd "$(dirname "$0")"
refuse() { echo "$1" >&2; exit 1; }
[ "$(id -u)" = 0 ] || refuse "Run it as root: sudo sh $0"
[ -d /run/systemd/system ] || refuse "This machine does not run systemd: let what it runs start daisychain serve."
install -m 644 --backup=numbered daisychain.service /etc/systemd/system/daisychain.service
systemctl daemon-reload
systemctl enable daisychain
systemctl restart daisychain
"""
# Other sites of the same Caddy stay as they are.
_INSTALL_SITE = """\
command -v caddy >/dev/null || { apt-get update && apt-get install -y caddy; } ||
    refuse "Caddy can't be installed from here: see https://caddyserver.com/docs/install, then run this again."
install -m 644 --backup=numbered Caddyfile /etc/caddy/daisychain.caddy
grep -qx 'import daisychain.caddy' /etc/caddy/Caddyfile || printf '\nimport daisychain.caddy\n' >>/etc/caddy/Caddyfile
systemctl reload-or-restart caddy
"""


def files_to_write(folder: Path, settings: Settings) -> dict[Path, tuple[str, int]]:
    """Return text and rights of each file in `folder` that these settings need and that has to be written.

    Raises ConfigurationError if the settings file that is there can't be changed.
    """
    values: dict[str, object] = {
        "home": str(settings.home), "provider": settings.provider, "public_url": settings.public_url,
        "system_sender": settings.system_sender,
    }  # fmt: skip
    wanted: dict[str, tuple[str, int]] = {}
    there = read_toml(folder / FILE_NAME)
    if settings.provider in KEYS:
        name, file = KEYS[settings.provider]
        in_file = getattr(load_settings({}, folder), name)
        if in_file != getattr(settings, name) or there.get(f"{name}_file") == file:
            wanted[file] = (f"{getattr(settings, name)}\n", PRIVATE)
            values |= {name: None, f"{name}_file": file}
    wanted[FILE_NAME] = (_settings_text(folder / FILE_NAME, there, values), PRIVATE)
    wanted[SERVICE] = (_unit(folder), _READABLE)
    site = _site(settings.public_url)
    if site:
        wanted[SITE] = (site, _READABLE)
    wanted[INSTALL] = (_INSTALL + (_INSTALL_SITE if site else ""), _READABLE)
    if not (folder / FIRST_NEWSLETTER).exists():
        wanted[FIRST_NEWSLETTER] = (_first_newsletter(folder, settings.system_sender), _READABLE)
    return {folder / name: file for name, file in wanted.items() if not _is_there(folder / name, *file)}


def _is_there(path: Path, text: str, rights: int) -> bool:
    try:
        same = path.read_text(encoding="utf-8") == text
    except (FileNotFoundError, UnicodeDecodeError):
        return False
    except OSError as error:
        raise ConfigurationError(str(path), f"can't be read: {error.strerror}.") from None
    return same and not (rights == PRIVATE and open_to_others(path))


def _settings_text(path: Path, there: Mapping[str, object], values: Mapping[str, object]) -> str:
    """Change these settings in the text that is there, and leave its other lines as they are; None takes one out."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for name, value in values.items():
        line = "" if value is None else f"{name} = {json.dumps(value, ensure_ascii=False)}\n"
        if there.get(name) != value:
            text, found = re.subn(rf"(?m)^[ \t]*{name}[ \t]*=.*\n?", lambda _, line=line: line, text)  # type: ignore[misc]
            text += "" if found or not line else line if text.endswith("\n") or not text else f"\n{line}"
    wanted = {name: value for name, value in {**there, **values}.items() if value is not None}
    try:
        if tomllib.loads(text) == wanted:
            return text
    except tomllib.TOMLDecodeError:
        pass
    raise ConfigurationError(
        str(path), "is written in a way that can't be changed safely here.",
        hint=f"Write {', '.join(values)} with a value on one line each, and start again.",
    )  # fmt: skip


def _unit(folder: Path) -> str:
    escaped = sys.executable.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    # systemd expands what begins with %.
    python, place = f'"{escaped}"'.replace("%", "%%"), str(folder).replace("%", "%%")
    return _UNIT.format(user=pwd.getpwuid(os.geteuid()).pw_name, folder=place, python=python)


def _site(public_url: str) -> str:
    """Return Caddy's part for this address; "" if readers are not to come over https."""
    parts = urlsplit(public_url)
    if parts.scheme != "https":
        return ""
    inside = f"handle_path {parts.path}/* {{\n\t\t{_PROXY}\n\t}}" if parts.path else _PROXY
    return f"{parts.netloc} {{\n\t{inside}\n}}\n"


def _first_newsletter(folder: Path, sender: str) -> str:
    text = starter(find_toolkit(FIRST_TOOLKIT, folder, None), FIRST_TOOLKIT, "bulletin")
    return text.replace("---\n", f"---\nfrom: {json.dumps(sender, ensure_ascii=False)}\n", 1)
