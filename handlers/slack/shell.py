"""The door between Slack and the conversation: decode, ask the desk, draw the answer.

Nobody is left without an answer: every listener ends in a message, a form or a field error, also when we fail.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from handlers.conversation import Actor, Form, Message, Place
from handlers.grammar import Root, Verb, parse, parse_said, typed_name
from handlers.slack import incoming
from handlers.slack.asking import Asker, Desk, Heard, Hearing, Understood, broken
from handlers.slack.blocks import draw_message
from handlers.slack.clicks import is_link, read_click
from handlers.slack.forms import draw_form, field_errors, with_warning
from handlers.slack.homes import Homes
from handlers.slack.incoming import Carried, Payload
from handlers.slack.limits import MODAL_DEPTH
from handlers.slack.links import Links
from handlers.slack.modals import Loading, place_of, view_of
from handlers.slack.mrkdwn import Reader
from handlers.slack.recall import Recall
from handlers.slack.refusals import explain, offer, too_slow
from handlers.slack.replies import OPENED_WITHIN, Replies, announcing_files
from handlers.slack.tasks import Tasks
from handlers.words import as_read
from release_core.errors import NotFound, ReleaseError, Unclear

log = logging.getLogger(__name__)

COMMANDS: tuple[Root, ...] = ("release", "incident")
SHORTCUTS = ("release_new", "incident_open", "release_remember")
REMEMBER = "release_remember"
READ_WITHIN = 0.4  # seconds; sooner, nobody sees that something had to be read
HEARD_WITHIN = 2.0  # seconds; Slack waits for three
EVENTS = ("app_home_opened", "app_mention", "message")
WHERE_A_DOMAIN_IS_OURS = ("link_shared",)
"""Events that come only where the manifest names our domain (docs/slack.md)."""


class RollcallApp(AsyncApp):
    """A Bolt app that knows what it answered, what still goes on after its answers."""

    tasks: Tasks
    recall: Recall

    async def drain(self, seconds: float = 10.0) -> int:
        """Wait for what still goes on; returns how many were cut off."""
        return await self.tasks.drain(seconds)


def build_app(
    desk: Desk,
    *,
    verbs: Mapping[str, Verb],
    client: AsyncWebClient,
    signing_secret: str,
    now: Callable[[], datetime],
) -> RollcallApp:
    """The Bolt app that answers for the desk.

    ValueError for an empty signing secret: with one, Slack's requests cannot be told from anybody else's.
    """
    if not signing_secret.strip():
        raise ValueError("The signing secret is empty. Copy it from the app's “Basic Information” page.")
    app = RollcallApp(
        client=client,
        signing_secret=signing_secret,
        process_before_response=True,
        raise_error_for_unhandled_request=True,
    )
    app.tasks = Tasks()
    asker = Asker(desk, verbs)
    app.recall = Recall(desk, now)
    shell = _Shell(asker, verbs, app.recall, now, Replies(client, app.tasks), Homes(client, asker, app.tasks))
    for root in COMMANDS:
        app.command(f"/{root}")(shell.on_command)
    for event, listener in zip(EVENTS, (shell.on_home, shell.on_mention, shell.on_message), strict=True):
        app.event(event)(listener)
    app.event(WHERE_A_DOMAIN_IS_OURS[0])(Links(client, asker, app.tasks).on_link)
    app.action(re.compile(".*", re.DOTALL))(shell.on_click)
    app.view(re.compile(".*", re.DOTALL))(shell.on_submission)
    for callback_id in SHORTCUTS:
        app.shortcut(callback_id)(shell.on_shortcut)
    app.error(shell.on_error)
    return app


class _Shell:
    def __init__(
        self,
        asker: Asker,
        verbs: Mapping[str, Verb],
        recall: Recall,
        now: Callable[[], datetime],
        replies: Replies,
        homes: Homes,
    ) -> None:
        self._asker = asker
        self._verbs = verbs
        self._recall = recall
        self._now = now
        self._replies = replies
        self._homes = homes
        self._loading = Loading(replies, homes)

    # What people do

    async def on_command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """`/release …`, `/incident …`: the acknowledgement is the answer."""
        place = incoming.command_place(body)
        root: Root = "incident" if body.get("command") == "/incident" else "release"
        text = str(body.get("text") or "")
        user_id = incoming.asker(body)
        async with self._recall.look((root, text, user_id, place)) as look:
            if look.answer:
                ack.response = BoltResponse(status=200, body=look.answer)
                return

            def understand(actor: Actor) -> Understood:
                said = self._asker.with_names(text)
                return parse(root, said, zone=actor.zone, now=self._now(), verbs=self._verbs)

            hearing = Hearing(user_id, place, understand, infers=True)
            heard = await self._hear_or_load(body, hearing, self._asks(root, text))
            if heard is None:
                await ack()
            elif said := await self._acknowledged(ack, body, place, heard):
                look.keep(heard, said.body)

    async def _acknowledged(
        self, ack: AsyncAck, body: dict[str, Any], place: Place, heard: Heard
    ) -> BoltResponse | None:
        """Acknowledge a command with its answer; None when a form was opened instead."""
        message = heard.answer
        if isinstance(message, Form):
            if await self._opened(body, message, Carried(heard.verb, {}, place), heard.reader):
                await ack()
                return None
            message = too_slow("Open the form", heard.verb, heard.args)
        self._replies.send_files_later(incoming.asker(body), message.attachments)
        return await ack(response_type="ephemeral", **draw_message(announcing_files(message), heard.reader))

    async def on_mention(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """`@rollcall …` in a channel or thread."""
        # Slack sends a message event for the same words in direct conversations.
        if not str(event.get("channel", "")).startswith("D"):
            await self._on_words(event, body)

    async def on_message(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """A direct message."""
        if event.get("channel_type") == "im":
            await self._on_words(event, body)

    async def on_home(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """Somebody opened our Home."""
        user_id = incoming.asker(event)
        if event.get("tab", "home") == "home" and user_id and not await self._asker.seen(body):
            self._homes.refresh_later(user_id, "")

    async def on_click(self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        """A button or menu, in a message, a modal or Home."""
        if is_link(str(action.get("action_id", ""))):
            await ack()
            return

        def understand(_: Actor) -> Understood:
            click = read_click(action)
            return click.verb, click.args

        hearing = Hearing(incoming.asker(body), incoming.click_place(body), understand, incoming.clicked_message(body))
        view, page = body.get("view") or {}, incoming.page_of(body.get("view") or {})
        heard = await self._hear_or_load(body, hearing, _clicked_verb(action), page)
        if heard is not None and (heard.home is None or view.get("type") != "home"):
            depth = incoming.read_carried(view).depth if view.get("type") == "modal" else 1
            await self._answer_click(body, heard, Carried(heard.verb, {}, hearing.place, depth, home=page))
        await ack()

    async def _answer_click(self, body: Payload, heard: Heard, carried: Carried) -> None:
        user_id = incoming.asker(body)
        if body.get("view") or isinstance(heard.answer, Form):
            await self._answer_in_modal(body, heard, carried)
        else:
            self._replies.tell_later(user_id, carried.place, heard.answer, heard.reader)
        if carried.home is not None:
            self._homes.refresh_later(user_id, carried.home)

    async def on_submission(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """A form: a refusal stays in it, with what was typed."""
        user_id = incoming.asker(body)
        try:
            carried, click = incoming.submitted(view)
        except Unclear as error:
            await self._refuse(ack, view, Heard(explain(error), error))
            return
        hearing = Hearing(user_id, carried.place, lambda _: (click.verb, self._readable(click.args)), typed=False)
        heard = await self._hear(hearing, carried.home)
        if heard.error is not None:
            await self._refuse(ack, view, heard)
        elif isinstance(heard.answer, Form):
            await self._next_step(ack, heard.answer, carried, heard.reader)
        else:
            self._replies.tell_later(user_id, carried.place, heard.answer, heard.reader)
            await (ack(response_action="clear") if carried.step else ack())
        if carried.home is not None and heard.error is None:
            self._homes.refresh_later(user_id, carried.home)

    def _readable(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Values in which somebody is mentioned, with the name that people know them by."""
        named = {
            name: as_read(self._asker.with_names(v)) for name, v in args.items() if isinstance(v, str) and "<@" in v
        }
        return {**args, **named}

    async def on_shortcut(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """“New release” from anywhere, “Report as incident” or “Add to timeline” on a message."""
        callback_id = str(body.get("callback_id", ""))
        place, args = incoming.reported_message(body) if body.get("message") else (Place(), {})
        if args.get("message"):
            args["link"] = await self._replies.permalink(place.channel, args["message"])
        verb = next(v.name for v in self._verbs.values() if _callback_id(v) == callback_id)
        user_id = incoming.asker(body)
        heard = await self._hear(Hearing(user_id, place, lambda _: (verb, args), infers=bool(place.channel)))
        # An answer inside a thread that nobody opened would be lost.
        told_in = replace(place, thread=None) if place.thread == args.get("message") else place
        await self._answer_in_modal(body, heard, Carried(verb, {}, told_in))
        await ack()

    async def on_error(self, error: Exception, request: AsyncBoltRequest) -> BoltResponse:
        """The last net: what no listener took, what broke while an answer was brought."""
        body: Payload = request.body
        if isinstance(error, BoltUnhandledRequestError):
            log.warning("Nothing here answers to %s", body.get("type") or body.get("command"))
            message = Message(
                "Rollcall does not know this button or command any more. Nothing was changed.", tone="stop"
            )
        else:
            message = explain(error) if isinstance(error, ReleaseError) else broken(error)
        drawn = draw_message(message)
        if body.get("command"):
            return BoltResponse(status=200, body={"response_type": "ephemeral", **drawn})
        if body.get("type") == "view_submission":
            return BoltResponse(status=200, body=_refusal(body.get("view") or {}, message, Reader()))
        user_id = incoming.asker(body) or incoming.asker(body.get("event") or {})
        if user_id and incoming.is_spoken(body.get("event") or {"user": user_id}):
            self._replies.tell_later(user_id, _place_of(body), message, Reader())
        return BoltResponse(status=200, body="")

    # How it is answered

    def _asks(self, root: Root, text: str) -> str:
        """The verb that will ask back because its words are missing; "" when it has them, or cannot be understood."""
        try:
            verb, args = parse(root, text, zone="UTC", now=self._now(), verbs=self._verbs)
        except ReleaseError:
            return ""
        return "" if "note" in args or args.get("words") else verb

    async def _on_words(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        if not incoming.is_spoken(event) or await self._asker.seen(body):
            return
        place = incoming.event_place(event)
        user_id = incoming.asker(event)
        text, files = incoming.spoken_words(event), incoming.spoken_files(event)

        def understand(actor: Actor) -> Understood:
            try:
                about, said = self._asker.root_of(place), self._asker.with_names(text)
                verb, args = parse_said(said, zone=actor.zone, now=self._now(), verbs=self._verbs, about=about)
            except NotFound as unknown:
                raise incoming.unknown_beside_files(unknown, event) from None
            return verb, {**args, **files}

        heard = await self._hear(Hearing(user_id, place, understand, infers=True))
        message = heard.answer
        if isinstance(message, Form):
            message = offer(message, heard.verb, heard.args)
        self._replies.tell_later(user_id, place, message, heard.reader)

    async def _hear_or_load(self, body: Payload, hearing: Hearing, verb: str, page: str | None = None) -> Heard | None:
        """`_hear`; None when it has to be read for longer, so that a modal was opened which will show it."""
        if verb not in self._asker.reads_long:
            return await self._hear(hearing, page)
        asked = asyncio.ensure_future(self._asker.hear(hearing))
        await asyncio.wait({asked}, timeout=READ_WITHIN)
        if not asked.done() and await self._loading.begins(body, hearing, asked):
            return None
        return await self._hear(hearing, page, asked=asked, within=HEARD_WITHIN - READ_WITHIN - OPENED_WITHIN)

    async def _hear(
        self,
        hearing: Hearing,
        page: str | None = None,
        *,
        asked: asyncio.Future[Heard] | None = None,
        within: float = HEARD_WITHIN,
    ) -> Heard:
        """What comes of something a person did; what takes longer than Slack waits is told later.

        `page` is the part of Home that it was done from, which is drawn anew when it is done late. `asked` is the
        answer that is waited for already, `within` how many seconds are left for it.
        """
        asked = asked or asyncio.ensure_future(self._asker.hear(hearing))
        await asyncio.wait({asked}, timeout=within)
        if asked.done():
            heard = asked.result()
            if heard.home is not None:
                self._homes.show_later(hearing.user_id, heard.home, heard.reader)
            return heard
        self._replies.start(self._tell_when_heard(asked, hearing, page), f"telling {hearing.user_id}")
        return Heard(Message("This takes longer than usual. I tell you as soon as it is done.", tone="wait"))

    async def _tell_when_heard(self, asked: Awaitable[Heard], hearing: Hearing, page: str | None) -> None:
        heard = await asked
        if heard.home is not None:
            self._homes.show_later(hearing.user_id, heard.home, heard.reader)
        elif page is not None:
            self._homes.refresh_later(hearing.user_id, page)
        message = heard.answer
        if isinstance(message, Form):
            message = too_slow("Open the form", heard.verb, heard.args)
        await self._replies.tell(hearing.user_id, hearing.place, message, heard.reader)

    async def _opened(self, body: Payload, form: Form, carried: Carried, reader: Reader) -> bool:
        opening, depth = place_of(body, carried.depth, form)
        return await self._replies.open(opening, view_of(form, replace(carried, depth=depth), reader)) is not None

    async def _shown(self, body: Payload, message: Message, carried: Carried, reader: Reader) -> bool:
        opening, depth = place_of(body, carried.depth, message)
        return await self._replies.open(opening, view_of(message, replace(carried, depth=depth), reader)) is not None

    async def _answer_in_modal(self, body: Payload, heard: Heard, carried: Carried) -> None:
        """Open the form or show the message on top of what the person sees; else tell them where they are."""
        answer = heard.answer
        if isinstance(answer, Form):
            if await self._opened(body, answer, carried, heard.reader):
                return
            answer = too_slow("Open the form", heard.verb, heard.args)
        elif await self._shown(body, answer, carried, heard.reader):
            self._replies.send_files_later(incoming.asker(body), answer.attachments)
            return
        self._replies.tell_later(incoming.asker(body), carried.place, answer, heard.reader)

    async def _next_step(self, ack: AsyncAck, form: Form, carried: Carried, reader: Reader) -> None:
        """A form that follows a form: on top while Slack has room, else in its place."""
        on_top = carried.depth < MODAL_DEPTH
        depth = carried.depth + 1 if on_top else carried.depth
        following = replace(carried, verb=form.verb, args=form.args, depth=depth, step=True)
        view = draw_form(form, private_metadata=following.written(), reader=reader)
        await ack(response_action="push" if on_top else "update", view=view)

    async def _refuse(self, ack: AsyncAck, view: Payload, heard: Heard) -> None:
        message = heard.answer if isinstance(heard.answer, Message) else Message("")
        at_fault = getattr(heard.error, "field", None)
        await ack(**_refusal(view, message, heard.reader, at_fault))


def _clicked_verb(action: Payload) -> str:
    """What a click asks for; "" for one that cannot be read, which is told when it is heard."""
    try:
        return read_click(action).verb
    except Unclear:
        return ""


def _callback_id(verb: Verb) -> str:
    return f"{verb.root}_{typed_name(verb)}".replace(" ", "_")


def _refusal(view: Payload, message: Message, reader: Reader, at_fault: str | None = None) -> dict[str, Any]:
    errors = field_errors(view, message.summary, at_fault, reader)
    if errors is not None:
        return {"response_action": "errors", "errors": errors}
    return {"response_action": "update", "view": with_warning(view, message.summary)}


def _place_of(body: Payload) -> Place:
    if isinstance(body.get("event"), Mapping):
        return incoming.event_place(body["event"])
    return Place() if body.get("view") else incoming.click_place(body)
