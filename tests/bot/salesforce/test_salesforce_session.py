"""What is written about our calls, and what is never written."""

from __future__ import annotations

import logging

import pytest

from bot.salesforce.session import redacted
from release_core.errors import OrgProblem


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer 00D000000000001!AQ.secret.token",
        "Authorization: Basic c2VjcmV0LnRva2Vu",
        "<sessionId>00D000000000001!AQ.secret.token</sessionId>",
        'access_token="secret.token"',
        "{'access_token': 'secret.token', 'x': 1}",
        "grant_type=x&assertion=eyJ.secret.token&y=1",
        "client_secret=secret.token",
        "the session 00D000000000001AAA!AQ.secret.token has ended",
    ],
)
def test_secrets_are_blacked_out(text):
    """No form in which a secret travels survives."""
    assert "secret.token" not in redacted(text)
    assert "c2VjcmV0" not in redacted(text)
    assert "[redacted]" in redacted(text)


def test_plain_words_stay():
    """The words around it are what people need."""
    words = "The bearer of job 0Af000000000001CAA has basic access: its access_token has ended."
    assert redacted(words) == words


def test_a_call_is_logged_without_its_token(scripted, says, org, caplog):
    """Verb, address, status and time are enough to find a fault."""
    caplog.set_level(logging.DEBUG)
    scripted.plays(says.reply(200, {"A": {"Max": 1, "Remaining": 1}}))
    org.limits()
    assert "/services/data/v67.0/limits -> 200 in" in caplog.text
    assert "secret.token" not in caplog.text


def test_an_org_that_repeats_our_token_in_its_error_is_not_quoted(scripted, says, org, caplog):
    """What the org says is shown in chat, so it is blacked out too."""
    caplog.set_level(logging.DEBUG)
    scripted.plays(says.error(400, "MALFORMED", "bad session 00D000000000001!AQ.secret.token"))
    with pytest.raises(OrgProblem) as problem:
        org.limits()
    assert "secret.token" not in str(problem.value)
    assert "[redacted]" in str(problem.value)


def test_a_redirect_is_not_followed_with_our_token(scripted, says, org):
    """The token stays with the host it was given for."""
    scripted.plays(says.reply(302, "", "text/plain", headers={"Location": scripted.url + "/elsewhere"}))
    with pytest.raises(OrgProblem, match="another address"):
        org.limits()
    assert len(scripted.heard) == 1


def test_a_password_file_of_the_machine_does_not_replace_our_token(scripted, says, org, tmp_path, monkeypatch):
    """requests would prefer a .netrc entry for the host to the bearer token."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    scripted.plays(says.reply(200, {"A": {"Max": 1, "Remaining": 1}}))
    org.limits()
    assert scripted.heard[0].headers["Authorization"].startswith("Bearer ")


def test_an_org_on_this_machine_is_not_asked_through_a_proxy(scripted, says, org, monkeypatch):
    """A proxy for the outside world does not know our localhost."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    scripted.plays(says.reply(200, {"A": {"Max": 1, "Remaining": 1}}))
    assert org.limits()


def test_every_call_is_counted(scripted, says, org):
    """Failed tries cost the org's budget as well."""
    scripted.plays(says.error(503, ""), says.reply(200, {"A": {"Max": 1, "Remaining": 1}}))
    org.limits()
    assert org.calls == 2
