"""Who is in the chat, as our own rows remember it."""

from __future__ import annotations

import threading

import structlog
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from bot.chat_problems import ChatProblem
from bot.courier import Courier
from release_core.models import Person, TeamMember
from release_core.ports import Ports
from release_core.store import Contended

log = structlog.get_logger(__name__)

REFRESH_EVERY = 600.0  # seconds; users.list and usergroups.users.list allow about twenty calls a minute


class Directory:
    """Keeps names, zones and user groups fresh, in a thread of its own."""

    def __init__(self, ports: Ports, courier: Courier) -> None:
        self._ports = ports
        self._courier = courier
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._forever, name="directory", daemon=True)

    def start(self) -> None:
        """Begin with a refresh at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def refresh(self) -> None:
        """Read everybody and every group that the policy names; people of the chat who left are kept as such."""
        now = self._ports.clock.now()
        everybody = [person for person in self._courier.people() if not person.bot]
        groups = {team.group for team in self._ports.policy.teams.values() if team.group}
        members = {group: self._courier.group_members(group) for group in sorted(groups)}
        with self._ports.store.transaction() as session:
            for one in everybody:
                session.merge(
                    Person(
                        id=one.id,
                        handle=one.handle,
                        name=one.name,
                        zone=one.zone or self._ports.policy.zone,
                        deactivated=not one.active,
                        seen_at=now,
                    )
                )
            for group, people in members.items():
                for row in session.exec(select(TeamMember).where(TeamMember.team_id == group)):
                    if row.person_id not in people:
                        session.delete(row)
                for person in people:
                    session.merge(TeamMember(team_id=group, person_id=person))

    def _forever(self) -> None:
        wait = 0.0
        while not self._stopped.wait(wait):
            try:
                self.refresh()
                wait = REFRESH_EVERY
            except (ChatProblem, Contended, OperationalError) as problem:
                log.warning("directory.not_refreshed", problem=str(problem))
                wait = 15.0
            except Exception:
                # A loop that must outlive every fault: a thread that ended would leave names and groups as they are.
                log.exception("directory.broke")
                wait = REFRESH_EVERY
