"""The installation that a process works for: its settings and its database, each opened when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from daisychain import clock
from daisychain.settings import Settings, load_settings

if TYPE_CHECKING:
    from daisychain.database import Database


class Installation:
    """Settings and database of this installation; use `close` when done."""

    @cached_property
    def settings(self) -> Settings:
        """The settings, read once; raises ConfigurationError."""
        settings = load_settings()
        clock.use_zone(settings.time_zone)
        return settings

    @cached_property
    def database(self) -> Database:
        """The database, not yet connected."""
        from daisychain.database import Database

        return Database(self.settings)

    @classmethod
    def of(cls, database: Database) -> Installation:
        """Return the installation of a database that is open already; not to be closed."""
        installation = cls()
        installation.__dict__.update(settings=database.settings, database=database)
        return installation

    def close(self) -> None:
        """Close the database if it was opened."""
        if "database" in self.__dict__:
            self.database.close()
