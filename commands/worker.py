"""`daisychain worker`: delivery on this machine, without pages."""

from __future__ import annotations

import click

from commands.console import runs, say
from daisychain.installation import Installation


@click.command()
@click.option("--until-idle", is_flag=True, help="Stop when there are no more jobs.")
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Jobs at once in each process."
)
@click.option("--processes", type=click.IntRange(1, 64), help="Default: one a core; with --until-idle, one.")
@runs("worker", "worker --until-idle")
def worker(installation: Installation, until_idle: bool, concurrency: int, processes: int | None) -> None:
    """Deliver campaigns and process webhooks on this machine, without pages.

    After SIGTERM or Ctrl-C it finishes the batches in flight, and stops.
    """
    from daisychain.work.worker import work

    work(installation, until_idle=until_idle, concurrency=concurrency, processes=processes, announce=say)
