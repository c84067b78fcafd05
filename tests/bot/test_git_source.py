"""A commit of a real git repository becomes a package."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest

from bot.commands import TooSlow, run
from bot.folders import zip_folder
from bot.git_source import CannotCheckOut, package_at
from release_core.errors import Unclear
from release_core.metadata_types import Component
from release_core.packages import read_package
from release_core.policy import GitRule

META = "<?xml version='1.0'?><ApexClass xmlns='http://soap.sforce.com/2006/04/metadata'><apiVersion>62.0</apiVersion></ApexClass>"
MANIFEST = (
    "<?xml version='1.0'?><Package xmlns='http://soap.sforce.com/2006/04/metadata'>"
    "<types><members>Greeter</members><name>ApexClass</name></types><version>62.0</version></Package>"
)
IN_METADATA_FORMAT = {
    "package.xml": MANIFEST,
    "classes/Greeter.cls": "public class Greeter {}",
    "classes/Greeter.cls-meta.xml": META,
}
# Does what `sf project convert source` is documented to do: reads the source folder, writes the output folder.
FAKE_SF = f"""#!/bin/sh
printf '%s\\n' "$@" > "{{log}}"
env > "{{log}}.env"
while [ $# -gt 0 ]; do
  case "$1" in
    --output-dir) out="$2" ;;
    --source-dir) from="$2" ;;
  esac
  shift
done
if [ -f "$from/broken" ]; then
  echo '{{{{"status": 1, "name": "TypeInferenceError", "message": "Could not infer a metadata type."}}}}'
  exit 1
fi
mkdir -p "$out/classes"
cp "$from"/main/default/classes/* "$out/classes/"
cat > "$out/package.xml" <<'END'
{MANIFEST}
END
echo '{{{{"status": 0, "result": {{{{"location": "package"}}}}}}}}'
"""


def git(folder: Path, *words: str) -> str:
    who = {"GIT_AUTHOR_NAME": "P", "GIT_AUTHOR_EMAIL": "p@example.com"}
    who |= {"GIT_COMMITTER_NAME": "P", "GIT_COMMITTER_EMAIL": "p@example.com"}
    done = subprocess.run(["git", *words], cwd=folder, env={**os.environ, **who}, check=True, capture_output=True)
    return done.stdout.decode().strip()


def a_repository(folder: Path, files: dict[str, str], branch: str = "main") -> str:
    """A repository with one commit; its SHA."""
    folder.mkdir()
    git(folder, "init", "--quiet", f"--initial-branch={branch}")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "one")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def sf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for `sf` on the PATH; the file to which it writes what it was asked."""
    programs, log = tmp_path / "programs", tmp_path / "sf.log"
    programs.mkdir()
    (programs / "sf").write_text(FAKE_SF.format(log=log))
    (programs / "sf").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return log


def source_format(**more: str) -> dict[str, str]:
    return {
        "sfdx-project.json": '{"packageDirectories": [{"path": "force-app", "default": true}]}',
        "force-app/main/default/classes/Greeter.cls": "public class Greeter {}",
        "force-app/main/default/classes/Greeter.cls-meta.xml": META,
        **more,
    }


def test_a_project_in_metadata_format_is_zipped_as_it_is(tmp_path: Path) -> None:
    sha = a_repository(tmp_path / "repo", {f"org/{path}": text for path, text in IN_METADATA_FORMAT.items()})
    commit = package_at(GitRule(repository=str(tmp_path / "repo"), project="org"), "main")
    assert commit.sha == sha
    assert read_package(commit.archive).components == (Component("ApexClass", "Greeter"),)


@pytest.mark.parametrize("ref", ["release/2026-11", "v1.0", "SHA"])
def test_a_branch_a_tag_or_a_sha_is_fetched(tmp_path: Path, ref: str) -> None:
    sha = a_repository(tmp_path / "repo", IN_METADATA_FORMAT, branch="release/2026-11")
    git(tmp_path / "repo", "tag", "v1.0")
    rule = GitRule(repository=f"file://{tmp_path / 'repo'}")
    assert package_at(rule, sha if ref == "SHA" else ref).sha == sha


def test_the_same_commit_always_gives_the_same_bytes(tmp_path: Path) -> None:
    a_repository(tmp_path / "repo", IN_METADATA_FORMAT)
    rule = GitRule(repository=str(tmp_path / "repo"))
    assert package_at(rule, "main").archive == package_at(rule, "main").archive


def test_a_project_in_source_format_is_converted_by_sf_with_a_home_of_its_own(tmp_path: Path, sf: Path) -> None:
    a_repository(tmp_path / "repo", source_format())
    commit = package_at(GitRule(repository=str(tmp_path / "repo")), "main")
    assert read_package(commit.archive).components == (Component("ApexClass", "Greeter"),)
    asked = sf.read_text().split()
    assert asked[:5] == ["project", "convert", "source", "--source-dir", "force-app"]
    environ = Path(f"{sf}.env").read_text()
    assert "SF_DISABLE_TELEMETRY=true" in environ
    assert f"HOME={os.environ['HOME']}\n" not in environ


def test_secrets_of_the_bot_are_not_handed_to_sf(tmp_path: Path, sf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-5ecret")
    a_repository(tmp_path / "repo", source_format())
    package_at(GitRule(repository=str(tmp_path / "repo")), "main")
    assert "5ecret" not in Path(f"{sf}.env").read_text()


def test_what_sf_says_is_told(tmp_path: Path, sf: Path) -> None:
    a_repository(tmp_path / "repo", source_format(**{"force-app/broken": ""}))
    with pytest.raises(CannotCheckOut, match=r"Could not infer a metadata type\. Mend"):
        package_at(GitRule(repository=str(tmp_path / "repo")), "main")


def test_without_sf_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_repository(tmp_path / "repo", source_format())
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(
        next(Path(p) / "git" for p in os.environ["PATH"].split(os.pathsep) if (Path(p) / "git").exists())
    )
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(CannotCheckOut, match="npm install --global @salesforce/cli"):
        package_at(GitRule(repository=str(tmp_path / "repo")), "main")


def test_a_project_that_names_a_folder_outside_is_refused(tmp_path: Path, sf: Path) -> None:
    outside = '{"packageDirectories": [{"path": "../../../etc"}]}'
    a_repository(tmp_path / "repo", source_format() | {"sfdx-project.json": outside})
    with pytest.raises(Unclear, match="not in the project"):
        package_at(GitRule(repository=str(tmp_path / "repo")), "main")
    assert not sf.exists()


def test_a_ref_that_is_not_there_is_told(tmp_path: Path) -> None:
    a_repository(tmp_path / "repo", IN_METADATA_FORMAT)
    with pytest.raises(CannotCheckOut, match="git could not bring nowhere"):
        package_at(GitRule(repository=str(tmp_path / "repo")), "nowhere")


def test_a_project_without_package_or_project_file_is_told(tmp_path: Path) -> None:
    a_repository(tmp_path / "repo", {"README.md": "Hello"})
    with pytest.raises(Unclear, match=r"neither package\.xml"):
        package_at(GitRule(repository=str(tmp_path / "repo")), "main")


def test_a_folder_that_the_ref_does_not_have_is_told(tmp_path: Path) -> None:
    a_repository(tmp_path / "repo", IN_METADATA_FORMAT)
    with pytest.raises(CannotCheckOut, match="no folder org"):
        package_at(GitRule(repository=str(tmp_path / "repo"), project="org"), "main")


def test_a_link_in_the_repository_does_not_bring_in_a_file_of_this_machine(tmp_path: Path) -> None:
    """Git writes it as a plain file that holds the path; what it points to is never read."""
    (tmp_path / "secret").write_text("5ecret")
    a_repository(tmp_path / "repo", IN_METADATA_FORMAT)
    (tmp_path / "repo" / "classes" / "Leak.cls").symlink_to(tmp_path / "secret")
    git(tmp_path / "repo", "add", "--all")
    git(tmp_path / "repo", "commit", "--quiet", "--message", "two")
    archive = package_at(GitRule(repository=str(tmp_path / "repo")), "main").archive
    held = zipfile.ZipFile(io.BytesIO(archive))
    assert all(b"5ecret" not in held.read(name) for name in held.namelist())


def test_hooks_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template folder is how a hook would come into every new clone."""
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    (hooks / "post-checkout").chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text(f"[init]\n\ttemplateDir = {tmp_path / 'template'}\n")
    a_repository(tmp_path / "repo", IN_METADATA_FORMAT)
    package_at(GitRule(repository=str(tmp_path / "repo")), "main")
    assert not (tmp_path / "ran").exists()


def test_a_repository_over_a_protocol_that_runs_programs_is_not_asked(tmp_path: Path) -> None:
    rule = GitRule.model_construct(repository=f"ext::sh -c touch% {tmp_path / 'ran'}", project=".")
    with pytest.raises(CannotCheckOut, match="not allowed"):
        package_at(rule, "main")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "repository",
    [
        "http://host/a.git",
        "https://user:pw@host/a.git",
        "ext::sh -c id",
        "relative/path",
        "--upload-pack=id",
        "ssh://-oProxyCommand=id/a",
    ],
)
def test_a_policy_names_no_repository_that_could_do_harm(repository: str) -> None:
    with pytest.raises(ValueError, match="expected an address"):
        GitRule(repository=repository)


@pytest.mark.parametrize(
    "repository",
    ["https://host/a.git", "ssh://git@host:22/a.git", "git@host:team/a.git", "file:///srv/a.git", "/srv/a.git"],
)
def test_the_usual_addresses_of_repositories_are_taken(repository: str) -> None:
    assert GitRule(repository=repository).repository == repository


def test_a_program_that_takes_too_long_is_ended_with_what_it_started(tmp_path: Path) -> None:
    with pytest.raises(TooSlow, match="did not end within 1 seconds"):
        run(["/bin/sh", "-c", f"(sleep 3; touch {tmp_path / 'late'}) & sleep 30"], folder=tmp_path, seconds=1)
    assert subprocess.run(["sleep", "3"], check=True).returncode == 0
    assert not (tmp_path / "late").exists()


def test_a_folder_is_zipped_the_same_whatever_its_dates_and_rights(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "classes").mkdir(parents=True)
        for path, text in IN_METADATA_FORMAT.items():
            (tmp_path / name / path).write_text(text)
    os.utime(tmp_path / "two" / "package.xml", (0, 0))
    (tmp_path / "two" / "package.xml").chmod(stat.S_IRUSR)
    (tmp_path / "two" / ".DS_Store").write_text("litter")
    assert zip_folder(tmp_path / "one") == zip_folder(tmp_path / "two")


def test_a_folder_with_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "package.xml").symlink_to("/etc/passwd")
    with pytest.raises(Unclear, match="link"):
        zip_folder(tmp_path)
