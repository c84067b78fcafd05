"""Files: three steps for the bot, one for people, and who may open them."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

PACKAGE = b"PK\x03\x04 a package"


def encoded(content: bytes = PACKAGE) -> str:
    return base64.b64encode(content).decode()


def test_the_bot_uploads_in_three_steps(bot: WebClient, driver: Any) -> None:
    answer = bot.files_upload_v2(channel="C0RELEASES", filename="log.txt", content="line", initial_comment="The log")
    message = driver.look("channel", channel="#releases")["messages"][0]
    assert (message["plain"], message["files"][0]["name"]) == ("The log\n(log.txt)", "log.txt")
    assert bot.files_info(file=answer["file"]["id"])["file"]["size"] == 4
    assert [each["name"] for each in bot.files_list()["files"]] == ["log.txt"]


def test_a_multipart_upload_is_taken_too(bot: WebClient, workspace: Any) -> None:
    url = bot.files_getUploadURLExternal(filename="a.zip", length=len(PACKAGE))
    assert httpx.post(url["upload_url"], files={"file": ("a.zip", PACKAGE)}).status_code == 200
    done = bot.files_completeUploadExternal(files=[{"id": url["file_id"], "title": "A"}])
    headers = {"authorization": f"Bearer {workspace.bot_token}"}
    assert httpx.get(done["files"][0]["url_private"], headers=headers).content == PACKAGE


def test_an_upload_must_have_the_promised_length(bot: WebClient) -> None:
    url = bot.files_getUploadURLExternal(filename="a.zip", length=3)
    assert httpx.post(url["upload_url"], content=PACKAGE).status_code == 400
    with pytest.raises(SlackApiError, match="file_not_found"):
        bot.files_completeUploadExternal(files=[{"id": url["file_id"]}])


def test_a_file_cannot_be_shared_where_the_bot_is_not(bot: WebClient) -> None:
    url = bot.files_getUploadURLExternal(filename="a", length=1)
    httpx.post(url["upload_url"], content=b"x")
    with pytest.raises(SlackApiError, match="channel_not_found"):
        bot.files_completeUploadExternal(files=[{"id": url["file_id"]}], channel_id="C0SALESOPS")


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ({"channel_id": "#releases"}, "invalid_channel"),
        ({"channel_id": "C0NOWHERE"}, "channel_not_found"),
        ({"channel_id": "C0RELEASES", "thread_ts": "1.000001"}, "invalid_thread_ts"),
    ],
)
def test_a_file_is_shared_at_a_place_that_is_there(bot: WebClient, place: dict[str, str], error: str) -> None:
    url = bot.files_getUploadURLExternal(filename="a", length=1)
    httpx.post(url["upload_url"], content=b"x")
    with pytest.raises(SlackApiError, match=error):
        bot.files_completeUploadExternal(files=[{"id": url["file_id"]}], **place)


def test_the_steps_of_an_upload_come_in_order_and_once(bot: WebClient) -> None:
    url = bot.files_getUploadURLExternal(filename="a", length=1)
    with pytest.raises(SlackApiError, match="file_not_found"):
        bot.files_completeUploadExternal(files=[{"id": url["file_id"]}])
    assert httpx.post(url["upload_url"], content=b"x").status_code == 200
    bot.files_completeUploadExternal(files=[{"id": url["file_id"]}])
    assert httpx.post(url["upload_url"], content=b"y").status_code == 404
    with pytest.raises(SlackApiError, match="file_not_found"):
        bot.files_completeUploadExternal(files=[{"id": url["file_id"]}])


async def test_a_persons_upload_is_heard_and_downloaded(app: AsyncApp, driver: Any, workspace: Any) -> None:
    got: list[bytes] = []

    @app.event({"type": "message", "subtype": "file_share"})
    async def shared(event: Any, say: Any) -> None:
        headers = {"authorization": f"Bearer {workspace.bot_token}"}
        async with httpx.AsyncClient() as client:
            got.append((await client.get(event["files"][0]["url_private_download"], headers=headers)).content)
        await say(f"{event['text']}: {event['files'][0]['filetype']}", thread_ts=event["ts"])

    @app.event("file_shared")
    async def also() -> None:
        pass

    outcome = await driver.aact(
        "upload", channel="#releases", filename="p.zip", content_base64=encoded(), text="Mended"
    )
    assert [each["text"] for each in outcome["messages"]] == ["Mended", "Mended: zip"]
    assert got == [PACKAGE]
    assert outcome["file"]["mimetype"] == "application/zip"


def test_files_are_closed_to_strangers(driver: Any, workspace: Any, bot: WebClient) -> None:
    file = driver.act("upload", user="lena", channel="#sales-ops", filename="x.txt", content_base64=encoded())["file"]
    with pytest.raises(SlackApiError, match="file_not_found"):
        bot.files_info(file=file["id"])
    assert httpx.get(f"{workspace.url}{file['url']}").content == PACKAGE
    driver.look("file", user="tomas", file=file["id"], status=404)
    assert httpx.get(f"{workspace.url}/files-pri/T0REHEARSE-{file['id']}/x.txt").status_code == 403


def test_a_file_can_be_kept_for_a_message(driver: Any) -> None:
    kept = driver.act("upload", filename="x.txt", content_base64=encoded(), share=False)["file"]["id"]
    message = driver.act("message", channel="#general", text="see", files=[kept])["messages"][0]
    assert message["files"][0]["id"] == kept
    driver.act("message", user="omar", channel="#general", text="mine now", files=[kept], status=404)


async def test_a_file_is_put_into_a_modal(app: AsyncApp, driver: Any, kit: Any, workspace: Any) -> None:
    sizes: list[int] = []

    @app.command("/release")
    async def release(ack: Any, command: Any, client: Any) -> None:
        await ack()
        view = kit.modal(kit.ask("zip", "Package", {"type": "file_input", "filetypes": ["zip"], "max_files": 1}))
        await client.views_open(trigger_id=command["trigger_id"], view=view)

    @app.view("form")
    async def submitted(ack: Any, view: Any) -> None:
        await ack()
        file = view["state"]["values"]["zip"]["a"]["files"][0]
        headers = {"authorization": f"Bearer {workspace.bot_token}"}
        async with httpx.AsyncClient() as client:
            sizes.append(len((await client.get(file["url_private_download"], headers=headers)).content))

    view_id = (await driver.aact("command", channel="#releases", text="/release package"))["view"]["view_id"]
    wrong = await driver.aact(
        "upload", view_id=view_id, label="Package", filename="p.txt", content_base64=encoded(), status=409
    )
    assert "zip" in wrong["error"]["sentence"]
    put = await driver.aact("upload", view_id=view_id, label="Package", filename="p.zip", content_base64=encoded())
    assert put["view"]["files"][0]["name"] == "p.zip"
    await driver.aact("submit", view_id=view_id)
    assert sizes == [len(PACKAGE)]
