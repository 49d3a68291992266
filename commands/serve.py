"""`daisychain serve`: the public pages and the delivery, on one machine."""

from __future__ import annotations

import click

from commands.console import runs
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
