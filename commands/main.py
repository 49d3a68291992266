"""The front door for the terminal: all command groups. A group is imported when it is called."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from commands.console import LazyGroup, told_plainly
from daisychain.installation import Installation

COMMANDS = {
    "toolkit": ("commands.toolkit:toolkit", "Toolkits of campaign copy: list, show, add."),
    "newsletter": ("commands.newsletter:newsletter", "Newsletters: new, check, preview, pack, test."),
    "pack": ("commands.pack:pack", "Partner packs: verify, list, withdraw, offer, dialects."),
    "list": ("commands.lists:lists", "Mailing lists: create, import, export, unsubscribe, suppress."),
    "campaign": ("commands.campaign:campaign", "Campaigns: create, send, pause, and see the results."),
    "confirm-here": ("commands.steering:confirm_here", "Let a restored or moved database send from here."),
    "events": ("commands.events:events", "What readers and providers did: replay."),
    "bounces": ("commands.bounces:bounces", "Read the mailbox to which bounces come."),
    "report": ("commands.report:report", "What a campaign did, in figures that say what they are."),
    "serve": ("commands.serve:serve", "Serve the public pages and deliver campaigns."),
    "worker": ("commands.worker:worker", "Deliver campaigns on this machine, without pages."),
    "db": ("commands.db:db", "The database: upgrade, backup, restore."),
    "doctor": ("commands.doctor:doctor", "Say what is set up, what is missing, and what to do about it."),
    "demo": ("commands.demo:demo", "The whole job on invented people: toolkit, list, send, readers, report."),
}


class FrontDoor(LazyGroup):
    """The outermost group: our own errors become a message and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a bug keeps its traceback."""
        # Libraries log what they then raise; `serve` and `worker`, which nobody watches, log for themselves.
        logging.getLogger().addHandler(logging.NullHandler())
        with told_plainly(), _reachable():
            return super().invoke(ctx)


@contextmanager
def _reachable() -> Iterator[None]:
    """Report a database that goes away in the middle of a command in plain English too."""
    try:
        yield
    except Exception as error:
        if "daisychain.database" not in sys.modules:
            raise
        from daisychain.database import reachable

        with reachable():
            raise error


@click.group(
    cls=FrontDoor,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Start with `daisychain demo`. Settings come from the environment and from daisychain.toml.",
)
@click.version_option(package_name="daisychain")
@click.pass_context
def cli(context: click.Context) -> None:
    """Email newsletters for coalitions: toolkit copy in, responsive email out, and a ledger that balances."""
    context.obj = Installation()
    context.call_on_close(context.obj.close)


def main() -> None:
    """Run the command line."""
    # Imports leave some 150,000 objects that stay; looking for garbage among them at every 700th takes 0.1 s.
    gc.set_threshold(200_000)
    cli(prog_name="daisychain")
