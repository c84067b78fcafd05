"""Runs migrations on the connection that `release_core.store.migrate` hands over."""

from alembic import context
from sqlmodel import SQLModel

from release_core import models

assert models, "importing the models fills the metadata"

context.configure(
    connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
