"""`daisychain worker`: delivery on this machine, without pages."""

from __future__ import annotations

import click

from commands.console import pass_installation, say
from daisychain.installation import Installation


@click.command()
@click.option("--until-idle", is_flag=True, help="End when no job is left.")
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Jobs at once in each process."
)
@click.option("--processes", type=click.IntRange(1, 64), help="Default: one a core; with --until-idle, one.")
@pass_installation
def worker(installation: Installation, until_idle: bool, concurrency: int, processes: int | None) -> None:
    """Deliver campaigns and process webhooks on this machine, without pages.

    SIGTERM and Ctrl-C let the batches in flight finish first.
    """
    from daisychain.work.worker import work

    work(installation, until_idle=until_idle, concurrency=concurrency, processes=processes, announce=say)
