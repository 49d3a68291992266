"""`daisychain demo`: the whole job on invented people."""

from __future__ import annotations

from pathlib import Path

import click

from commands.console import examples


@click.command()
@click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path), default="demo", show_default=True,
    help="A folder for the demo's own database, outbox and files.",
)  # fmt: skip
@click.option("--people", type=click.IntRange(10, 100_000), default=1_000, show_default=True, help="Rows of the CSV.")
@click.option("--serve", is_flag=True, help="Serve what a demo left, and print a link that signs in once.")
@examples("demo", "demo --home /tmp/demo --people 5000", "demo --serve")
def demo(home: Path, people: int, serve: bool) -> None:
    """Do the whole job on invented people, with real parts: toolkit, list, send, readers, report."""
    from commands.main import cli
    from daisychain.demo.demo import run_demo, serve_demo

    if serve:
        serve_demo(home)
    else:
        run_demo(home, people, lambda arguments: cli.main(arguments, prog_name="daisychain", standalone_mode=False))
