"""Who answers for a seat: askings, absences, what a yes was given for."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import release_core.models

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "asking",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("bound", sa.JSON(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("seats", sa.JSON(), nullable=False),
        sa.Column("asked_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("asked_at", release_core.models.Instant(timezone=True), nullable=False),
        sa.Column("remind_at", release_core.models.Instant(timezone=True), nullable=False),
        sa.Column("alternates_at", release_core.models.Instant(timezone=True), nullable=False),
        sa.Column("manager_at", release_core.models.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("release_id", "number"),
    )
    with op.batch_alter_table("asking", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_asking_release_id"), ["release_id"], unique=False)

    op.create_table(
        "rollcall",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("org", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("seats", sa.JSON(), nullable=False),
        sa.Column("called_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("called_at", release_core.models.Instant(timezone=True), nullable=False),
        sa.Column("due_at", release_core.models.Instant(timezone=True), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("release_id", "number"),
    )
    with op.batch_alter_table("rollcall", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rollcall_release_id"), ["release_id"], unique=False)

    op.create_table(
        "rollcallvoice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("roll_call_id", sa.Integer(), nullable=False),
        sa.Column("seat", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("person_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("said", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", release_core.models.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["roll_call_id"], ["rollcall.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("rollcallvoice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rollcallvoice_roll_call_id"), ["roll_call_id"], unique=False)

    op.create_table(
        "absence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("starts_at", release_core.models.Instant(timezone=True), nullable=False),
        sa.Column("ends_at", release_core.models.Instant(timezone=True), nullable=False),
        sa.Column("stand_in", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("set_at", release_core.models.Instant(timezone=True), nullable=False),
        sa.Column("ended_at", release_core.models.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("absence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_absence_person_id"), ["person_id"], unique=False)

    with op.batch_alter_table("approval", schema=None) as batch_op:
        batch_op.add_column(sa.Column("for_people", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        batch_op.add_column(sa.Column("expires_at", release_core.models.Instant(timezone=True), nullable=True))

    with op.batch_alter_table("checklistitem", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("evidence", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(sa.Column("condition", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
        for name in ("waived_until", "remind_at", "snoozed_until"):
            batch_op.add_column(sa.Column(name, release_core.models.Instant(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("checklistitem", schema=None) as batch_op:
        for name in ("snoozed_until", "remind_at", "waived_until", "condition", "evidence"):
            batch_op.drop_column(name)

    with op.batch_alter_table("rollcallvoice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rollcallvoice_roll_call_id"))

    op.drop_table("rollcallvoice")
    with op.batch_alter_table("rollcall", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rollcall_release_id"))

    op.drop_table("rollcall")
    with op.batch_alter_table("approval", schema=None) as batch_op:
        batch_op.drop_column("expires_at")
        batch_op.drop_column("for_people")

    with op.batch_alter_table("absence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_absence_person_id"))

    op.drop_table("absence")
    with op.batch_alter_table("asking", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_asking_release_id"))

    op.drop_table("asking")
