"""The methods about people, user groups and the team."""

from __future__ import annotations

from bot.rehearsal.workspace import cast
from bot.rehearsal.workspace.model import Json
from bot.rehearsal.workspace.payloads import members_of, user_json, usergroup_json
from bot.rehearsal.workspace.refusals import SlackError
from bot.rehearsal.workspace.web.arguments import Arguments, page
from bot.rehearsal.workspace.workspace import Workspace


def _with_email(workspace: Workspace) -> bool:
    return "users:read.email" in workspace.manifest.scopes


def info(workspace: Workspace, arguments: Arguments) -> Json:
    """users.info"""
    person = workspace.people.get(arguments.text("user"))
    if person is None:
        raise SlackError("user_not_found")
    return {"user": user_json(workspace, person, with_email=_with_email(workspace))}


def listing(workspace: Workspace, arguments: Arguments) -> Json:
    """users.list"""
    rows, cursor = page(list(workspace.people.values()), arguments)
    return {
        "members": [user_json(workspace, each, with_email=_with_email(workspace)) for each in rows],
        "cache_ts": int(workspace.clock.now().timestamp()),
        "response_metadata": {"next_cursor": cursor},
    }


def by_email(workspace: Workspace, arguments: Arguments) -> Json:
    """users.lookupByEmail: active people only"""
    email = arguments.required("email").lower()
    for person in workspace.people.values():
        if person.email == email and person.active:
            return {"user": user_json(workspace, person, with_email=True)}
    raise SlackError("users_not_found")


def usergroups(workspace: Workspace, arguments: Arguments) -> Json:
    """usergroups.list"""
    with_users = arguments.flag("include_users")
    groups = workspace.usergroups.values()
    return {"usergroups": [usergroup_json(workspace, each, with_users=with_users) for each in groups]}


def usergroup_users(workspace: Workspace, arguments: Arguments) -> Json:
    """usergroups.users.list"""
    group = workspace.usergroups.get(arguments.required("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": members_of(workspace, group)}


def team_info(workspace: Workspace, arguments: Arguments) -> Json:
    """team.info"""
    if arguments.text("team", cast.TEAM_ID) != cast.TEAM_ID:
        raise SlackError("team_not_found")
    team = {"id": cast.TEAM_ID, "name": cast.TEAM_NAME, "domain": cast.TEAM_DOMAIN, "email_domain": "example.com"}
    return {"team": team | {"url": f"{workspace.base_url}/", "icon": {"image_default": True}}}


def auth_test(workspace: Workspace, arguments: Arguments) -> Json:
    """auth.test"""
    return {
        "url": f"{workspace.base_url}/",
        "team": cast.TEAM_NAME,
        "user": workspace.bot.handle,
        "team_id": cast.TEAM_ID,
        "user_id": cast.BOT_USER_ID,
        "bot_id": cast.BOT_ID,
        "is_enterprise_install": False,
    }


def bot_info(workspace: Workspace, arguments: Arguments) -> Json:
    """bots.info: of the app itself, which is the only bot"""
    if arguments.text("bot", cast.BOT_ID) != cast.BOT_ID:
        raise SlackError("bot_not_found")
    return {
        "bot": {
            "id": cast.BOT_ID,
            "deleted": False,
            "name": workspace.bot.name,
            "updated": int(workspace.clock.now().timestamp()),
            "app_id": cast.APP_ID,
            "user_id": cast.BOT_USER_ID,
            "icons": {},
        }
    }


def api_test(workspace: Workspace, arguments: Arguments) -> Json:
    """api.test"""
    if arguments.text("error"):
        raise SlackError(arguments.text("error"), args=arguments.values)
    return {"args": arguments.values}
