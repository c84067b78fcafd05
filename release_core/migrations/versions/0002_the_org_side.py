"""The org side: where packages come from, who accepts what, tasks, watches."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import release_core.models

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "orgwatch",
        sa.Column("org", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("looked_at", release_core.models.Instant(timezone=True), nullable=True),
        sa.Column("seen_until", release_core.models.Instant(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("org"),
    )
    op.create_table(
        "acceptance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("about", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("seat", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", release_core.models.Instant(timezone=True), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"],
            ["release.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("acceptance", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_acceptance_release_id"), ["release_id"], unique=False)

    op.create_table(
        "task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("phase", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("org", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("owner_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("team", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("planned_minutes", sa.Integer(), nullable=False),
        sa.Column("started_at", release_core.models.Instant(timezone=True), nullable=True),
        sa.Column("finished_at", release_core.models.Instant(timezone=True), nullable=True),
        sa.Column("changed_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("changed_at", release_core.models.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["release_id"],
            ["release.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("release_id", "number"),
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_task_release_id"), ["release_id"], unique=False)

    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.add_column(sa.Column("word_due_at", release_core.models.Instant(timezone=True), nullable=True))

    op.create_table(
        "muted",
        sa.Column("person_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("topic", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "topic"),
    )

    with op.batch_alter_table("deployment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("run_tests", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        batch_op.add_column(sa.Column("leave", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        batch_op.add_column(sa.Column("calls", sa.Integer(), nullable=False, server_default=sa.text("0")))
        batch_op.add_column(sa.Column("resubmitted", sa.Integer(), nullable=False, server_default=sa.text("0")))

    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("test_level", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(sa.Column("run_tests", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        batch_op.add_column(sa.Column("path", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        batch_op.add_column(sa.Column("watch_ended_at", release_core.models.Instant(timezone=True), nullable=True))

    with op.batch_alter_table("releasepackage", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("source", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=sa.text("'upload'"))
        )
        batch_op.add_column(sa.Column("source_ref", sa.Text(), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(sa.Column("manifest", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
        batch_op.add_column(sa.Column("last_changed", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        batch_op.add_column(
            sa.Column("diff_digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(
            sa.Column("compared_org", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(sa.Column("earlier_diffs", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))

    with op.batch_alter_table("rollbackrequest", schema=None) as batch_op:
        batch_op.add_column(sa.Column("leave", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        batch_op.add_column(sa.Column("looked_at", release_core.models.Instant(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("drift", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        batch_op.add_column(
            sa.Column("live_digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(sa.Column("seen", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        batch_op.add_column(sa.Column("look_problem", sa.Text(), nullable=False, server_default=sa.text("''")))

    with op.batch_alter_table("waiver", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("org", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=sa.text("''"))
        )


def downgrade() -> None:
    with op.batch_alter_table("waiver", schema=None) as batch_op:
        batch_op.drop_column("org")

    with op.batch_alter_table("rollbackrequest", schema=None) as batch_op:
        batch_op.drop_column("look_problem")
        batch_op.drop_column("seen")
        batch_op.drop_column("live_digest")
        batch_op.drop_column("drift")
        batch_op.drop_column("looked_at")
        batch_op.drop_column("leave")

    with op.batch_alter_table("releasepackage", schema=None) as batch_op:
        batch_op.drop_column("earlier_diffs")
        batch_op.drop_column("compared_org")
        batch_op.drop_column("diff_digest")
        batch_op.drop_column("last_changed")
        batch_op.drop_column("manifest")
        batch_op.drop_column("source_ref")
        batch_op.drop_column("source")

    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.drop_column("watch_ended_at")
        batch_op.drop_column("path")
        batch_op.drop_column("run_tests")
        batch_op.drop_column("test_level")

    with op.batch_alter_table("deployment", schema=None) as batch_op:
        batch_op.drop_column("resubmitted")
        batch_op.drop_column("calls")
        batch_op.drop_column("leave")
        batch_op.drop_column("run_tests")

    op.drop_table("muted")
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.drop_column("word_due_at")

    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_task_release_id"))

    op.drop_table("task")
    with op.batch_alter_table("acceptance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_acceptance_release_id"))

    op.drop_table("acceptance")
    op.drop_table("orgwatch")
