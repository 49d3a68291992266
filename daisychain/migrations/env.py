"""Alembic's way in: the tables of every room, on the connection that `daisychain.schema` hands over."""

from alembic import context

import accounts.tables  # noqa: F401  (imported for the tables they declare, as are those that sender.tables imports)
import daisychain.operations.tables
import daisychain.web.try_limits  # noqa: F401
import lists.consent.consent_tables
import lists.preferences.leaving_reasons
import lists.privacy.tables
import lists.segments.saved_segments
import lists.sign_up.tables
import lists.uploads.upload_tables  # noqa: F401
import partners.tables  # noqa: F401
import reports.tables  # noqa: F401
import sender.tables  # noqa: F401
from daisychain.database import Base


def include_name(name: str | None, type_: str, parent_names: object) -> bool:
    """Leave out what Procrastinate owns: its own schema file made it."""
    return not (type_ == "table" and name is not None and name.startswith("procrastinate_"))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_name=include_name,
    compare_server_default=True,
)
context.run_migrations()
