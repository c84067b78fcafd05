"""A throw-away PostgreSQL cluster for tests, where the server's programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest


class Cluster:
    """A running server on a free port of 127.0.0.1; gives out fresh databases."""

    def __init__(self, port: int) -> None:
        self.port = port

    def database(self) -> str:
        """The SQLAlchemy URL of a new, empty database."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._address(name).replace("postgresql://", "postgresql+psycopg://")

    def _address(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"


class NotInstalled(Exception):
    """PostgreSQL cannot be run on this machine; the message says why."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """One cluster for the whole run; the test is skipped, visibly, where PostgreSQL is not installed."""
    try:
        programs = _programs()
    except NotInstalled as missing:
        pytest.skip(str(missing))
    with _running(programs) as cluster:
        yield cluster


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster that lives as long as the block; NotInstalled where there cannot be one."""
    with _running(_programs()) as running:
        yield running


@contextmanager
def _running(programs: Path) -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="rollcall-postgres-"))
    data = folder / "data"
    port = _free_port()
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        _run(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--no-locale")
        _run(programs / "pg_ctl", "start", "-w", "-D", data, "-l", folder / "log", "-o", settings)
        try:
            yield Cluster(port)
        finally:
            _run(programs / "pg_ctl", "stop", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    beside = shutil.which("initdb")
    if beside is not None:
        found.append(Path(beside))
    if not found:
        raise NotInstalled("PostgreSQL's server programs (initdb, pg_ctl) are not on this machine")
    if os.geteuid() == 0 and not _has_account("postgres"):
        raise NotInstalled("PostgreSQL does not run as root, and there is no account 'postgres' to run it as")
    return found[-1].parent


def _has_account(name: str) -> bool:
    return name in {entry.pw_name for entry in pwd.getpwall()}


def _run(*command: object) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["runuser", "-u", "postgres", "--", *words]
    # To a file, since the server would keep a pipe open for as long as it runs.
    with tempfile.TemporaryFile() as output:
        ended = subprocess.run(words, stdout=output, stderr=output, cwd="/", check=False)
        output.seek(0)
        assert ended.returncode == 0, output.read().decode()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
