"""How risky a release is, what its org told, whether it is held or starts by itself."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import release_core.models

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "orgreading",
        sa.Column("org", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("asked_at", release_core.models.Instant(timezone=True), nullable=False),
        sa.Column("changes_since", release_core.models.Instant(timezone=True), nullable=True),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("org"),
    )
    with op.batch_alter_table("releasepackage", schema=None) as batch_op:
        batch_op.add_column(sa.Column("dependents", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))

    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.add_column(sa.Column("risk_points", sa.Integer(), server_default=sa.text("0"), nullable=False))
        batch_op.add_column(
            sa.Column("risk_level", sqlmodel.sql.sqltypes.AutoString(), server_default=sa.text("''"), nullable=False)
        )
        batch_op.add_column(
            sa.Column("held_by", sqlmodel.sql.sqltypes.AutoString(), server_default=sa.text("''"), nullable=False)
        )
        batch_op.add_column(sa.Column("held_because", sa.Text(), server_default=sa.text("''"), nullable=False))
        batch_op.add_column(sa.Column("held_at", release_core.models.Instant(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("starts_by", sqlmodel.sql.sqltypes.AutoString(), server_default=sa.text("''"), nullable=False)
        )
        batch_op.add_column(sa.Column("starts_window", sa.Integer(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("release", schema=None) as batch_op:
        for column in ("starts_window", "starts_by", "held_at", "held_because", "held_by"):
            batch_op.drop_column(column)
        batch_op.drop_column("risk_level")
        batch_op.drop_column("risk_points")

    with op.batch_alter_table("releasepackage", schema=None) as batch_op:
        batch_op.drop_column("dependents")

    op.drop_table("orgreading")
