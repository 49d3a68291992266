"""Clear the addresses and values that older versions kept of people excluded by the freeze.

People who were excluded after the freeze waited for a mail, so theirs stay, as in this version.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("""
        UPDATE deliveries SET address = '', inputs = '{}', dimensions = NULL
        WHERE state = 'excluded' AND reason IN ('unsubscribed', 'suppressed')
          AND (address <> '' OR inputs <> '{}' OR dimensions IS NOT NULL)
    """)
