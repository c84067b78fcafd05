"""Automation hands in packages beside the running bot."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from bot.__main__ import app
from bot.artifacts import ArtifactFolder
from bot.rehearsal.packages import sample_package
from release_core.attaching import accept_package, refuse_package
from release_core.errors import ReleaseError
from release_core.packages import read_package
from release_core.ports import Ports
from release_core.store import open_store
from tests.release_core import builders
from tests.release_core.builders import DEVELOPER, STAKEHOLDER, a_release, intents, last

META = "<?xml version='1.0'?><ApexClass xmlns='http://soap.sforce.com/2006/04/metadata'><apiVersion>62.0</apiVersion></ApexClass>"
MANIFEST = (
    "<?xml version='1.0'?><Package xmlns='http://soap.sforce.com/2006/04/metadata'>"
    "<types><members>Greeter</members><name>ApexClass</name></types><version>62.0</version></Package>"
)


class Company:
    """A bot's folder, its policy file, the command line beside it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch = folder, patch
        (folder / "var").mkdir()
        self.store = builders.a_store(f"sqlite:///{folder / 'var' / 'rollcall.sqlite'}")
        self.artifacts = ArtifactFolder(folder / "var" / "artifacts")
        self.ports = Ports(self.store, builders.a_policy(), builders.SettableClock(), self.artifacts)
        for name in ("DATABASE_URL", "SLACK_BOT_TOKEN", "ROLLCALL_REHEARSAL_CLOCK"):
            patch.delenv(name, raising=False)
        patch.setenv("ROLLCALL_FOLDER", str(folder / "var"))
        patch.setenv("ROLLCALL_POLICY", str(folder / "policy.yaml"))
        patch.setenv("ROLLCALL_HTTP_PORT", "0")
        self.says(automation=DEVELOPER)
        self.zip = folder / "nightly.zip"
        self.zip.write_bytes(sample_package("mended"))

    def says(self, **changes: object) -> None:
        """The policy, with changes."""
        rules = {**builders._POLICY, **changes}
        (self.folder / "policy.yaml").write_text(yaml.safe_dump(rules))

    def runs(self, *words: str) -> tuple[int, str]:
        """`rollcall …`: the exit code with what was printed or refused."""
        done = CliRunner().invoke(app, words)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            assert isinstance(done.exception, ReleaseError | OSError | ValueError), done.exception
            return 2, str(done.exception)
        return done.exit_code, done.output.strip()


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    return Company(tmp_path, monkeypatch)


def test_a_zip_is_kept_and_left_to_the_bot(company: Company) -> None:
    key = a_release(company.ports)
    code, told = company.runs("attach", key.lower(), str(company.zip), "--note", "build 7")
    digest = builders.digest_of(sample_package("mended"))
    assert code == 0
    assert told == f"nightly.zip is handed in for {key} (SHA-256 {digest}). The bot tells in its thread."
    assert company.artifacts.load(digest) == sample_package("mended")
    fact = last(company.ports, key, "package_attached")
    assert (fact.actor, fact.details["source"], fact.details["note"]) == (DEVELOPER, "file", "build 7")
    assert len(intents(company.ports, "intake")) == 1


def test_a_folder_in_metadata_format_is_zipped_the_same_each_time(company: Company) -> None:
    key = a_release(company.ports)
    place = company.folder / "package"
    (place / "classes").mkdir(parents=True)
    (place / "package.xml").write_text(MANIFEST)
    (place / "classes" / "Greeter.cls").write_text("public class Greeter {}")
    (place / "classes" / "Greeter.cls-meta.xml").write_text(META)
    found = [json.loads(company.runs("attach", key, str(place), "--json")[1]) for _ in range(2)]
    assert found[0]["digest"] == found[1]["digest"]
    assert [str(one) for one in read_package(company.artifacts.load(found[0]["digest"])).components] == [
        "ApexClass Greeter"
    ]


def test_without_a_name_to_act_in_nothing_is_handed_in(company: Company) -> None:
    company.says()
    code, told = company.runs("attach", a_release(company.ports), str(company.zip))
    assert (code, "does not say in whose name automation acts" in told) == (2, True)
    assert company.artifacts.kept() == []


def test_a_name_without_the_right_is_refused(company: Company) -> None:
    company.says(automation=STAKEHOLDER)
    code, told = company.runs("attach", a_release(company.ports), str(company.zip), "--json")
    assert (code, json.loads(told)["state"]) == (2, "not_handed_in")
    assert company.artifacts.kept() == []


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("nowhere.zip", "There is no file"),
        (".", "has no package.xml"),
        ("http://example.com/a.zip", "only https"),
        ("ftp://example.com/a.zip", "only https"),
    ],
)
def test_a_place_that_holds_no_package_is_told(company: Company, place: str, words: str) -> None:
    company.patch.chdir(company.folder)
    code, told = company.runs("attach", a_release(company.ports), place)
    assert (code, words in told) == (2, True), told


def test_a_release_that_is_over_takes_no_package(company: Company) -> None:
    key = builders.a_soaking_release(company.ports)
    code, told = company.runs("attach", key, str(company.zip))
    assert (code, "cannot take another package" in told) == (2, True)


def test_a_token_that_is_not_set_is_told_by_the_name_of_its_variable(company: Company) -> None:
    address = "https://example.com/a.zip?sig=5ecret"
    code, told = company.runs("attach", a_release(company.ports), address, "--token-env", "CI_TOKEN")
    assert (code, "CI_TOKEN is not set" in told, "5ecret" in told) == (2, True, False)


def test_waiting_ends_with_what_the_bot_made_of_it(company: Company) -> None:
    key = a_release(company.ports)
    reads = threading.Timer(1.0, lambda: accept_package(company.ports, 1, read_package(sample_package("mended"))))
    reads.start()
    assert company.runs("attach", key, str(company.zip), "--wait") == (
        0,
        f"nightly.zip is the package of {key} now: 18 components.",
    )
    reads.join()


def test_waiting_ends_with_exit_code_one_when_it_is_refused(company: Company) -> None:
    key = a_release(company.ports)
    reads = threading.Timer(1.0, lambda: refuse_package(company.ports, 1, "It lists what it lacks."))
    reads.start()
    code, told = company.runs("attach", key, str(company.zip), "--wait")
    reads.join()
    assert (code, told) == (1, f"nightly.zip was not accepted for {key}: It lists what it lacks.")


def test_waiting_does_not_go_on_for_ever(company: Company) -> None:
    code, told = company.runs("attach", a_release(company.ports), str(company.zip), "--wait", "--timeout", "1")
    assert (code, "See that the bot runs" in told) == (75, True)


def test_a_folder_without_a_bot_is_told_and_stays_as_it_is(company: Company, tmp_path: Path) -> None:
    company.patch.setenv("ROLLCALL_FOLDER", str(tmp_path / "elsewhere"))
    code, told = company.runs("attach", "REL-1", str(company.zip))
    assert (code, "There is no database" in told) == (2, True)
    assert not (tmp_path / "elsewhere").exists()


def test_tables_of_an_older_shape_are_told(company: Company, tmp_path: Path) -> None:
    company.patch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'empty.sqlite'}")
    store = open_store(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with store.reading() as session:
        session.connection()
    store.close()
    code, told = company.runs("attach", "REL-1", str(company.zip))
    assert (code, "rollcall migrate" in told) == (2, True)


def test_everything_missing_is_told_at_once(company: Company) -> None:
    company.patch.delenv("ROLLCALL_POLICY")
    company.patch.setenv("DATABASE_URL", "mysql://host/name")
    code, told = company.runs("attach", "REL-1", str(company.zip))
    assert (code, "ROLLCALL_POLICY is not set" in told, "DATABASE_URL names mysql" in told) == (2, True, True)


@pytest.fixture
def nudged(company: Company) -> Iterator[list[str]]:
    """The paths that a bot on this machine was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is written."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    company.patch.setenv("ROLLCALL_HTTP_PORT", str(server.server_address[1]))
    yield asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_bot_is_nudged_so_that_it_looks_at_once(company: Company, nudged: list[str]) -> None:
    assert company.runs("attach", a_release(company.ports), str(company.zip))[0] == 0
    assert nudged == ["/nudge"]


def test_artifacts_are_counted_and_nothing_is_deleted(company: Company) -> None:
    digest = company.artifacts.save(b"x" * 250_000)
    assert company.runs("artifacts") == (0, "1 file is kept, 0.2 MB.\nNothing would be deleted now.")
    path = company.folder / "var" / "artifacts" / digest[:2] / digest
    os.utime(path, (0, 0))
    code, told = company.runs("artifacts")
    assert (code, told.splitlines()[-1]) == (0, "  referred to by nothing, 7 d old: 1 file, 0.2 MB")
    found = json.loads(company.runs("artifacts", "--json")[1])
    assert found["would_delete"]["leftovers"] == [digest]
    assert path.exists()
