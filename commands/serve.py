"""`daisychain serve` and `worker`: the public pages and the delivery on one machine, and delivery on others."""

from __future__ import annotations

import click

from commands.console import runs, say
from daisychain.installation import Installation


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 chooses a free one.")
@click.option("--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Jobs at once.")
@click.option("--processes", type=click.IntRange(1, 64), help="Web processes; one a core by default.")
@runs("serve", "serve --host 0.0.0.0 --port 8080")
def serve(installation: Installation, host: str, port: int, concurrency: int, processes: int | None) -> None:
    """Serve the public pages and webhooks, and deliver campaigns.

    It ends with exit code 1 if it can't deliver, for example when it loses the database.
    """
    from daisychain.work import serve as work

    work.serve(installation, host, port, concurrency, processes, announce=click.echo)


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
