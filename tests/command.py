"""The command line as users run it: in this process where that is enough, in one of its own where it may be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import chdir
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from commands.main import cli
from daisychain.settings import VARIABLES, Settings

ROOT = Path(__file__).parent.parent
RUN = "\nfrom commands.main import main\nmain()"


def environment(settings: Settings) -> dict[str, str]:
    """The environment that gives just these settings."""
    values: dict[str, Any] = vars(settings) | {
        "test_mode": "1" if settings.test_mode else "",
        "sendgrid_webhook_keys": ",".join(settings.sendgrid_webhook_keys),
    }
    return {VARIABLES[name]: str(value) for name, value in values.items() if value}


@dataclass(frozen=True)
class Daisychain:
    """Runs commands with these settings, standing in this folder."""

    settings: Settings
    folder: Path

    def __call__(self, *arguments: str, code: int | None = 0, stdin: str | None = None) -> Result:
        """Run a command in this process; fail the test unless it ends with `code`, if that is given."""
        with chdir(self.folder):
            result = CliRunner().invoke(
                cli, arguments, env=environment(self.settings), input=stdin, prog_name="daisychain"
            )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert code is None or result.exit_code == code, result.output
        return result

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        """The answer of a command that speaks JSON."""
        return json.loads(self(*arguments, code=code).stdout)

    def start(
        self, *arguments: str, before: str = "", under: tuple[str, ...] = (), **options: Any
    ) -> subprocess.Popen[str]:
        """Start a command in a process of its own, which runs the statements of `before` first; `under` starts it."""
        own = {
            name: value for name, value in os.environ.items() if not name.startswith(("DAISYCHAIN", "SENDGRID", "SMTP"))
        }
        return subprocess.Popen(
            [*under, sys.executable, *(("-c", f"{before}{RUN}") if before else ("-m", "daisychain")), *arguments],
            cwd=self.folder, env={**own, "PYTHONPATH": str(ROOT), **environment(self.settings)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
        )  # fmt: skip

    def with_settings(self, **changes: Any) -> Daisychain:
        """The same with other settings."""
        return replace(self, settings=replace(self.settings, **changes))
