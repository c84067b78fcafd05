"""Logging in: three ways, secrets from outside only, each failure with who has to do what."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import TypeAdapter, ValidationError

from release_core.errors import OrgRefused, OrgUnavailable
from release_core.logins import AccessTokenLogin, ClientCredentialsLogin, JwtLogin, OrgLogin
from release_core.ports import DeployOptions

LOGIN: TypeAdapter[OrgLogin] = TypeAdapter(OrgLogin)
LIMITS = {"DailyApiRequests": {"Max": 15000, "Remaining": 14000}}
JOB = "0Af000000000001CAA"


class FixedClock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.at = datetime(2030, 3, 4, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def pem(key) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def _jwt(url: str, **more: str) -> JwtLogin:
    return JwtLogin(login_url=url, client_id="client-7", username="release@acme.test", private_key_env="KEY", **more)


def _credentials(url: str) -> ClientCredentialsLogin:
    return ClientCredentialsLogin(login_url=url, client_id="client-7", client_secret_env="SECRET")


def _token(says, scripted, token="00D000000000001!fresh"):
    return says.reply(200, {"access_token": token, "instance_url": scripted.url, "id": "x"})


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        ({"method": "access_token", "instance_url": "http://localhost:80", "access_token_env": "T"}, AccessTokenLogin),
        (
            {"method": "jwt", "login_url": "https://login.salesforce.com/", "client_id": "c", "username": "u",
             "private_key_file": "key.pem"},
            JwtLogin,
        ),
        (
            {"method": "client_credentials", "login_url": "https://acme.my.salesforce.com", "client_id": "c",
             "client_secret_env": "S"},
            ClientCredentialsLogin,
        ),
    ],
)  # fmt: skip
def test_the_policy_names_a_login_by_its_method(policy, kind):
    """The word after `method` chooses the settings."""
    assert type(LOGIN.validate_python(policy)) is kind


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"instance_url": "http://acme.my.salesforce.com"}, "unencrypted"),
        ({"instance_url": "http://localhost.evil.example"}, "unencrypted"),
        ({"instance_url": "ftp://localhost"}, "no web address"),
        ({"instance_url": "acme"}, "no web address"),
        ({"instance_url": "https://user:pw@acme.my.salesforce.com"}, "user name or password"),
        ({"instance_url": "https://acme.my.salesforce.com/lightning"}, "leave only"),
        ({"access_token_file": "also.txt"}, "exactly one of access_token_env and access_token_file"),
        ({"access_token_env": None}, "exactly one of access_token_env and access_token_file"),
        ({"access_token_env": "00D000000000001!inline.token"}, "match pattern"),
        ({"access_token": "00D000000000001!inline"}, "Extra inputs are not permitted"),
        ({"method": "password"}, "method"),
    ],
)
def test_a_mistake_in_a_login_is_told_by_its_rule(change, sentence):
    """Inline secrets, plain http and double places for the secret are refused when the policy is read."""
    right = {"method": "access_token", "instance_url": "https://acme.my.salesforce.com", "access_token_env": "T"}
    with pytest.raises(ValidationError, match=sentence):
        LOGIN.validate_python(right | change)


def test_nothing_is_read_or_asked_before_the_first_call(scripted, connected):
    """A policy may be loaded where the secrets are not yet there."""
    org = connected(_jwt(scripted.url))
    assert org.calls == 0
    with pytest.raises(OrgRefused, match=r"environment variable KEY holds no private key\. Put it there"):
        org.limits()
    assert scripted.heard == []


def test_a_missing_secret_file_is_named(scripted, connected, tmp_path):
    """The sentence has the path with the reason."""
    missing = str(tmp_path / "token.txt")
    org = connected(AccessTokenLogin(instance_url=scripted.url, access_token_file=missing))
    with pytest.raises(OrgRefused, match=r"token\.txt with the access token cannot be read \(No such file"):
        org.limits()


def test_an_empty_secret_file_is_named(scripted, connected, tmp_path):
    """An empty file is as good as none."""
    (tmp_path / "token.txt").write_text("\n")
    org = connected(AccessTokenLogin(instance_url=scripted.url, access_token_file=str(tmp_path / "token.txt")))
    with pytest.raises(OrgRefused, match=r"holds no access token"):
        org.limits()


def test_a_token_of_several_words_is_refused_without_being_shown(scripted, connected):
    """A wrong paste must not reach a header, nor a log."""
    org = connected(AccessTokenLogin(instance_url=scripted.url, access_token_env="T"), T="00D1!first second")
    with pytest.raises(OrgRefused, match="a token is one word") as refusal:
        org.limits()
    assert "second" not in str(refusal.value)


def test_a_given_token_opens_the_org(scripted, says, connected, tmp_path):
    """A token from a file, with the line end that editors add."""
    (tmp_path / "token.txt").write_text("00D000000000001!given\n")
    org = connected(AccessTokenLogin(instance_url=scripted.url, access_token_file=str(tmp_path / "token.txt")))
    scripted.plays(says.reply(200, LIMITS))
    assert org.limits() == {"DailyApiRequests": (15000, 14000)}
    assert scripted.heard[0].headers["Authorization"] == "Bearer 00D000000000001!given"
    assert scripted.heard[0].path == "/services/data/v67.0/limits"


@pytest.mark.parametrize("audience", [None, "https://test.salesforce.com"])
def test_jwt_login_signs_for_the_user_at_the_audience(scripted, says, connected, key, pem, audience):
    """The assertion names client, user, audience, and lapses after three minutes of our own clock."""
    more = {"audience": audience} if audience else {}
    clock = FixedClock()
    org = connected(_jwt(scripted.url, **more), clock=clock, KEY=pem.replace("\n", "\\n"))
    scripted.plays(_token(says, scripted), says.reply(200, LIMITS))
    org.limits()
    asked = parse_qs(scripted.heard[0].body.decode())
    assert scripted.heard[0].path == "/services/oauth2/token"
    assert asked["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = jwt.decode(
        asked["assertion"][0],
        key.public_key(),
        algorithms=["RS256"],
        options={"verify_exp": False, "verify_aud": False},
    )
    assert claims == {
        "iss": "client-7",
        "sub": "release@acme.test",
        "aud": audience or scripted.url,
        "exp": int(clock.at.timestamp()) + 180,
    }
    assert scripted.heard[1].headers["Authorization"] == "Bearer 00D000000000001!fresh"


def test_a_private_key_that_is_none_is_refused(scripted, connected):
    """Somebody put the certificate there, or the key has a passphrase."""
    org = connected(_jwt(scripted.url), KEY="not a key")
    with pytest.raises(OrgRefused, match=r"environment variable KEY holds no RSA private key") as refusal:
        org.limits()
    assert "not a key" not in str(refusal.value)


def test_client_credentials_travel_as_basic_credentials(scripted, says, connected):
    """The secret is in the header, not in the form."""
    org = connected(_credentials(scripted.url), SECRET="s3cret")
    scripted.plays(_token(says, scripted), says.reply(200, LIMITS))
    org.limits()
    assert scripted.heard[0].headers["Authorization"] == "Basic Y2xpZW50LTc6czNjcmV0"
    assert scripted.heard[0].body == b"grant_type=client_credentials"


def test_a_client_secret_of_any_characters_travels(scripted, says, connected):
    """Basic credentials are sent as UTF-8."""
    org = connected(_credentials(scripted.url), SECRET="sécret→")
    scripted.plays(_token(says, scripted), says.reply(200, LIMITS))
    org.limits()
    sent = scripted.heard[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == "client-7:sécret→"


@pytest.mark.parametrize(
    ("error", "description", "step"),
    [
        ("invalid_grant", "user hasn't approved this consumer", "Permitted Users"),
        ("invalid_grant", "audience is invalid", "test.salesforce.com"),
        ("invalid_client", "invalid client credentials", "client_secret"),
        ("unsupported", "something new", "administrator"),
    ],
)
def test_a_refused_login_says_what_an_administrator_has_to_do(scripted, says, connected, error, description, step):
    """The org's own words with the next step; asked once, because a wrong secret stays wrong."""
    scripted.plays(says.reply(400, {"error": error, "error_description": description}))
    with pytest.raises(OrgRefused, match=description) as refusal:
        connected(_credentials(scripted.url), SECRET="s3cret").limits()
    assert step in str(refusal.value)
    assert refusal.value.code == error
    assert len(scripted.heard) == 1


def test_a_login_survives_a_busy_moment(scripted, says, connected):
    """A 503 at the login and a dropped connection are tried again."""
    scripted.plays(says.reply(503, "", "text/plain"), says.broken, _token(says, scripted), says.reply(200, LIMITS))
    assert connected(_credentials(scripted.url), SECRET="s3cret").limits()


def test_a_login_page_that_stays_broken_makes_the_org_unavailable(scripted, says, connected):
    """An HTML page with status 200 is no token."""
    scripted.plays(*[says.reply(200, "<html>", "text/html")] * 5)
    with pytest.raises(OrgUnavailable, match="did not log us in"):
        connected(_credentials(scripted.url), SECRET="s3cret").limits()


def test_a_login_that_sends_us_to_plain_http_elsewhere_is_refused(scripted, says, connected):
    """A token is never carried unencrypted over a network."""
    scripted.plays(says.reply(200, {"access_token": "00D1!x", "instance_url": "http://elsewhere.example"}))
    with pytest.raises(OrgRefused, match="unencrypted"):
        connected(_credentials(scripted.url), SECRET="s3cret").limits()


def test_an_ended_session_is_renewed_once_and_the_read_repeated(scripted, says, connected):
    """People do not notice that a session ended."""
    org = connected(_credentials(scripted.url), SECRET="s3cret")
    scripted.plays(_token(says, scripted, "00D000000000001!old"), says.error(401, "INVALID_SESSION_ID"))
    scripted.plays(_token(says, scripted), says.reply(200, LIMITS))
    assert org.limits()
    assert scripted.heard[3].headers["Authorization"] == "Bearer 00D000000000001!fresh"


def test_an_ended_session_is_renewed_for_soap_too(scripted, says, connected):
    """The SOAP fault means the same as the 401."""
    org = connected(_credentials(scripted.url), SECRET="s3cret")
    scripted.plays(
        _token(says, scripted, "00D000000000001!old"), says.fault("INVALID_SESSION_ID", "Invalid Session ID")
    )
    scripted.plays(_token(says, scripted), says.soap("<describeMetadataResponse><result/></describeMetadataResponse>"))
    assert org.describe() == ()
    assert b"<sessionId>00D000000000001!fresh</sessionId>" in scripted.heard[3].body


def test_a_session_that_is_refused_right_after_the_login_is_no_endless_loop(scripted, says, connected):
    """Two refusals in a row are for an administrator."""
    org = connected(_credentials(scripted.url), SECRET="s3cret")
    ended = says.error(401, "INVALID_SESSION_ID")
    scripted.plays(_token(says, scripted), ended, _token(says, scripted), ended)
    with pytest.raises(OrgRefused, match="login IP ranges"):
        org.limits()
    assert len(scripted.heard) == 4


def test_several_threads_that_find_the_session_ended_renew_it_once(scripted, says, connected):
    """One login serves them all."""
    org = connected(_credentials(scripted.url), SECRET="s3cret")
    scripted.answers(lambda heard: _by_token(says, scripted, heard))
    scripted.token = "00D1!old"
    org.limits()
    scripted.token = "00D1!new"
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: org.limits(), range(8)))
    assert [one.path for one in scripted.heard].count("/services/oauth2/token") == 2


def _by_token(says, scripted, heard):
    """Lets in whoever shows the token that is good at the moment."""
    if heard.path == "/services/oauth2/token":
        return _token(says, scripted, scripted.token)
    if heard.headers["Authorization"] == f"Bearer {scripted.token}":
        return says.reply(200, LIMITS)
    return says.error(401, "INVALID_SESSION_ID")


def test_a_login_that_names_its_user_needs_no_userinfo(scripted, says, connected):
    """The userinfo service wants a scope that many connected apps lack."""
    org = connected(_credentials(scripted.url), SECRET="s3cret")
    identity = {"id": "https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA"}
    scripted.plays(
        says.reply(200, {"access_token": "00D1!x", "instance_url": scripted.url, **identity}),
        says.reply(200, {"Id": "005000000000001AAA", "Username": "release@acme.test"}),
        says.reply(200, {"done": True, "records": [{"Id": "00D000000000001", "Name": "Acme", "IsSandbox": True}]}),
    )
    who = org.identity()
    assert (who.user_id, who.username, who.org_id) == ("005000000000001AAA", "release@acme.test", "00D000000000001EAA")
    assert scripted.heard[1].path == "/services/data/v67.0/sobjects/User/005000000000001AAA"


def test_an_ended_session_does_not_repeat_a_deployment_but_the_next_call_works(scripted, says, connected):
    """The caller looks first, then asks again; the new session is there already."""
    org = connected(_credentials(scripted.url), SECRET="s3cret")
    scripted.plays(_token(says, scripted), says.error(401, "INVALID_SESSION_ID"), _token(says, scripted, "00D1!new"))
    with pytest.raises(OrgUnavailable, match="Nothing was started") as problem:
        org.deploy(b"PK", DeployOptions(check_only=True))
    assert problem.value.code == "INVALID_SESSION_ID"
    scripted.plays(says.reply(201, {"id": JOB}))
    assert org.deploy(b"PK", DeployOptions(check_only=True)) == JOB
    assert [one.path.rpartition("/")[2] for one in scripted.heard] == [
        "token",
        "deployRequest",
        "token",
        "deployRequest",
    ]


def test_a_long_idle_session_is_renewed_before_a_job_is_started(scripted, says, connected):
    """After a night without a call, the deployment at six does not stumble over an ended session."""
    clock = FixedClock()
    org = connected(_credentials(scripted.url), clock=clock, SECRET="s3cret")
    scripted.plays(_token(says, scripted, "00D1!old"), says.reply(200, LIMITS))
    org.limits()
    clock.at = clock.at.replace(hour=18)
    scripted.plays(_token(says, scripted, "00D1!new"), says.reply(201, {"id": JOB}))
    org.quick_deploy(JOB)
    assert scripted.heard[3].headers["Authorization"] == "Bearer 00D1!new"


def test_a_given_token_that_has_ended_asks_for_a_new_one(scripted, says, org):
    """Nobody but a person can renew it."""
    scripted.plays(says.error(401, "INVALID_SESSION_ID"))
    with pytest.raises(OrgRefused, match="put a new token in its place") as refusal:
        org.limits()
    assert refusal.value.code == "INVALID_SESSION_ID"
    assert len(scripted.heard) == 1


def test_a_given_token_that_the_userinfo_service_refuses_asks_for_a_new_one(scripted, says, org):
    """That service answers 403 with words of its own to an ended session."""
    scripted.plays(says.reply(403, "Bad_OAuth_Token", "text/html"))
    with pytest.raises(OrgRefused, match="put a new token in its place"):
        org.identity()


def test_a_given_token_that_was_replaced_in_its_file_is_taken(scripted, says, connected, tmp_path):
    """A job beside us that keeps the file fresh is enough."""
    file = tmp_path / "token.txt"
    file.write_text("00D1!old")
    org = connected(AccessTokenLogin(instance_url=scripted.url, access_token_file=str(file)))
    scripted.plays(says.reply(200, LIMITS), says.error(401, "INVALID_SESSION_ID"), says.reply(200, LIMITS))
    org.limits()
    file.write_text("00D1!new")
    org.limits()
    assert scripted.heard[2].headers["Authorization"] == "Bearer 00D1!new"
