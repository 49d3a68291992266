"""The command line: all command groups. A group is imported when it is called."""

from __future__ import annotations

import atexit
import gc
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from commands.console import LazyGroup, plain_errors
from daisychain.installation import Installation

COMMANDS = {
    "toolkit": ("commands.newsletters.toolkit:toolkit", "List, show and add toolkits of campaign copy."),
    "newsletter": ("commands.newsletters.newsletter:newsletter", "Write, check, preview and test newsletters."),
    "partner": (
        "commands.partners.partner:partner",
        "Add, find, import and export member organisations, and their links.",
    ),
    "pack": ("commands.partners.pack:pack", "Verify, list, withdraw and offer partner packs."),
    "list": ("commands.lists:lists", "Create and import mailing lists; export, unsubscribe, suppress."),
    "segment": ("commands.segment:segment", "Ask questions about the people of a list, and keep them."),
    "member": ("commands.member:member", "Add, show and correct one person; export, restrict, erase."),
    "complaint": ("commands.complaint:complaint", "Log complaints about data protection."),
    "retention": ("commands.retention:retention", "Delete what has been kept for long enough."),
    "campaign": ("commands.campaigns.campaign:campaign", "Create, send and steer campaigns, and see the result."),
    "confirm-here": (
        "commands.campaigns.steering:confirm_here",
        "Allow a restored or moved database to send from here.",
    ),
    "events": ("commands.events:events", "Replay the events of readers and providers."),
    "bounces": ("commands.events:bounces", "Read the mailbox for bounces."),
    "report": ("commands.reports.report:report", "Show the figures of a campaign, each with its definition."),
    "account": ("commands.account:account", "Let people into the desk: the first admin, a lost second factor."),
    "start": ("commands.start:start", "Set up an installation: settings, key, service, first admin."),
    "serve": ("commands.serve:serve", "Serve the public pages and deliver campaigns."),
    "worker": ("commands.serve:worker", "Deliver campaigns on this machine, without pages."),
    "db": ("commands.db:db", "Upgrade, back up and restore the database."),
    "doctor": ("commands.doctor:doctor", "Check what is set up, what is missing, and how to fix it."),
    "demo": ("commands.demo:demo", "Do the whole job on invented people: list, send, readers, report."),
}


class FrontDoor(LazyGroup):
    """The outermost group: our own errors become a message and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a bug keeps its traceback."""
        # Libraries log what they then raise; `serve` and `worker` set up their own log.
        logging.getLogger().addHandler(logging.NullHandler())
        with plain_errors(), _reachable():
            return super().invoke(ctx)


@contextmanager
def _reachable() -> Iterator[None]:
    """Report in plain words a database that goes away in the middle of a command."""
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
    # Python would look at all of them once more before it ends, and take them to pieces: 0.15 s of CPU.
    atexit.register(gc.freeze)
    cli(prog_name="daisychain")
