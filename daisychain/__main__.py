"""`python -m daisychain` is `daisychain`."""

from daisychain.cli import main

main()
