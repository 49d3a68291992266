"""The front door for the terminal: gathers the rooms' commands and hands them a desk. Rooms load when called."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from daisychain.console import Desk, LazyGroup, told_plainly

COMMANDS = {
    "toolkit": ("newsletters.toolkit_cli:toolkit", "Toolkits of campaign copy: list, show, add."),
    "newsletter": ("daisychain.cli:newsletter", "Newsletters: new, check, preview, pack, test."),
    "pack": ("newsletters.pack_cli:pack", "Partner packs: verify, list, withdraw, offer, dialects."),
    "list": ("lists.cli:lists", "Mailing lists: create, import, export, unsubscribe, suppress."),
    "campaign": ("sender.cli:campaign", "Campaigns: create, send, steer, and know what became of them."),
    "confirm-here": ("sender.steering_cli:confirm_here", "Let a restored or moved database send from here."),
    "events": ("sender.events_cli:events", "What readers and providers did: replay."),
    "bounces": ("sender.bounces_cli:bounces", "Read the mailbox to which bounces come."),
    "report": ("reports.cli:report", "What a campaign did, in figures that say what they are."),
    "serve": ("daisychain.serve:serve", "Serve the public pages and deliver campaigns."),
    "worker": ("daisychain.worker:worker", "Deliver campaigns on this machine, without pages."),
    "db": ("daisychain.db_cli:db", "The database: upgrade, backup, restore."),
    "doctor": ("daisychain.doctor:doctor", "Say what is set up, what is missing, and what to do about it."),
    "demo": ("daisychain.demo:demo", "The whole job on invented people: toolkit, list, send, readers, report."),
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
    """A database that goes away in the middle of a command is told in plain words as well."""
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
    context.obj = Desk(people=_people, sources=_sources)
    context.call_on_close(context.obj.close)


def _people(connection: Any, name: str) -> Any:
    """Checks want a list's people, and the room of newsletters does not know the room of lists: we hand them over."""
    from lists.people import open_people

    return open_people(connection, name)


def _sources(connection: Any, campaign_id: int) -> Mapping[str, str]:
    """A newsletter may begin with a campaign's documents, and the room of newsletters does not know campaigns."""
    from sender.campaigns import sources_of

    return sources_of(connection, campaign_id)


def __getattr__(name: str) -> click.Group:
    """The group `newsletter`, with those commands of it that belong to the sender's room."""
    if name != "newsletter":
        raise AttributeError(name)
    from newsletters.cli import newsletter
    from newsletters.pack_cli import make
    from sender.trials_cli import send_test, test_set

    newsletter.add_command(make)
    newsletter.add_command(send_test)
    newsletter.add_command(test_set)
    return newsletter


def main() -> None:
    """Run the command line."""
    cli(prog_name="daisychain")
