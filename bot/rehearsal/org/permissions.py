"""What the users of an org may do."""

from __future__ import annotations

from bot.rehearsal.org.people import User
from bot.rehearsal.org.results import Refusal

ALL = (
    "ApiEnabled",
    "AssignPermissionSets",
    "AuthorApex",
    "CustomizeApplication",
    "InstallPackaging",
    "ManageFlow",
    "ManageProfilesPermissionsets",
    "ManageSandboxes",
    "ManageUsers",
    "ModifyAllData",
    "ModifyMetadata",
    "RunFlow",
    "ViewAllData",
    "ViewAllUsers",
    "ViewSetup",
)
_OF_A_STANDARD_USER = frozenset({"ApiEnabled", "RunFlow"})
_NEEDED_TO_SEE = {
    "DeployRequest": ("ModifyMetadata", "ModifyAllData"),
    "SetupAuditTrail": ("ViewSetup",),
}


def of(user: User) -> frozenset[str]:
    """The permissions of a user: a System Administrator's or a standard user's, less what was taken away."""
    usual = frozenset(ALL) if user.profile == "System Administrator" else _OF_A_STANDARD_USER
    return usual - set(user.lacks)


def has_any(user: User, *names: str) -> bool:
    """Whether a user has one of the permissions."""
    return not of(user).isdisjoint(names)


def may_see(user: User, sobject: str) -> bool:
    """Whether an object exists for a user at all: what one may not query looks as if it were not there."""
    needed = _NEEDED_TO_SEE.get(sobject)
    return needed is None or has_any(user, *needed)


def require_api(user: User) -> None:
    """Refusal for a user who may not use the API."""
    if not has_any(user, "ApiEnabled"):
        raise Refusal("API_CURRENTLY_DISABLED", "API is disabled for this User", 403)


def require_metadata(user: User) -> None:
    """Refusal for a user who may not use the Metadata API."""
    if not has_any(user, "ModifyMetadata", "ModifyAllData"):
        text = "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions"
        raise Refusal("INSUFFICIENT_ACCESS", text, 403)


def as_row(user: User) -> dict[str, object]:
    """The one row of UserPermissionAccess: the running user's own permissions."""
    has = of(user)
    return {"Id": "000000000000000AAA", "LastCacheUpdate": None} | {f"Permissions{name}": name in has for name in ALL}


def changed(user: User, take: list[str], give: list[str]) -> tuple[str, ...]:
    """What a user lacks after something was taken or given; ValueError for a permission there is not."""
    for name in [*take, *give]:
        if name not in ALL:
            raise ValueError(f"There is no permission called {name!r}. There are: {', '.join(ALL)}.")
    return tuple(sorted((set(user.lacks) | set(take)) - set(give)))
