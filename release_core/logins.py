"""How we log in to an org, as the policy file says it.

Secrets never stand in the policy: each is named by the environment variable or the file that holds it, and is read
only when the login happens.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1"})


def checked_org_url(url: str) -> str:
    """The address without a trailing slash; ValueError with a sentence when tokens must not be sent there."""
    parts = urlsplit(url.strip())
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        raise ValueError(f"{url!r} is no web address; write it like https://acme.my.salesforce.com")
    if parts.username or parts.password:
        raise ValueError("an org's address must not hold a user name or password; leave only the host")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"{url!r} has a path; leave only https:// and the host")
    if parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS:
        raise ValueError(
            f"{url!r} would send tokens unencrypted; write https:// (http is only for localhost and 127.0.0.1)"
        )
    return f"{parts.scheme}://{parts.netloc}"


OrgUrl = Annotated[str, AfterValidator(checked_org_url)]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
FilePath = Annotated[str, Field(min_length=1)]


class Login(BaseModel):
    """What all ways of logging in share: one secret, named by exactly one of `<secret>_env` and `<secret>_file`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hidden_field: ClassVar[str]

    @property
    def secret_env(self) -> str | None:
        """The name of the environment variable that holds the secret, if it is kept there."""
        name: str | None = getattr(self, f"{self.hidden_field}_env")
        return name

    @property
    def secret_file(self) -> str | None:
        """The path of the file that holds the secret, if it is kept there."""
        path: str | None = getattr(self, f"{self.hidden_field}_file")
        return path

    @model_validator(mode="after")
    def _one_place_for_the_secret(self) -> Self:
        if (self.secret_env is None) == (self.secret_file is None):
            raise ValueError(f"give exactly one of {self.hidden_field}_env and {self.hidden_field}_file")
        return self


class AccessTokenLogin(Login):
    """A token that somebody hands to us; it cannot be renewed by us."""

    hidden_field: ClassVar[str] = "access_token"

    method: Literal["access_token"] = "access_token"
    instance_url: OrgUrl
    access_token_env: EnvironmentName | None = None
    access_token_file: FilePath | None = None


class JwtLogin(Login):
    """OAuth JWT bearer: a signed assertion for one user.

    `audience` is what the assertion is addressed to; it defaults to `login_url`. With a My Domain address as
    `login_url` most orgs want https://login.salesforce.com (https://test.salesforce.com for a sandbox) here.
    """

    hidden_field: ClassVar[str] = "private_key"

    method: Literal["jwt"] = "jwt"
    login_url: OrgUrl
    client_id: Annotated[str, Field(min_length=1)]
    username: Annotated[str, Field(min_length=1)]
    audience: OrgUrl | None = None
    private_key_env: EnvironmentName | None = None
    private_key_file: FilePath | None = None


class ClientCredentialsLogin(Login):
    """OAuth client credentials: the org's run-as user; `login_url` is the org's My Domain address."""

    hidden_field: ClassVar[str] = "client_secret"

    method: Literal["client_credentials"] = "client_credentials"
    login_url: OrgUrl
    client_id: Annotated[str, Field(min_length=1)]
    client_secret_env: EnvironmentName | None = None
    client_secret_file: FilePath | None = None


OrgLogin = Annotated[AccessTokenLogin | JwtLogin | ClientCredentialsLogin, Field(discriminator="method")]
