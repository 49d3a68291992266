"""`python -m daisychain` is `daisychain`."""

from commands.main import main

main()
