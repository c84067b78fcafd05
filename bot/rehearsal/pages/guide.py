"""What a newcomer may try first, with the packages to try it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot.rehearsal.packages import Variant, sample_package


@dataclass(frozen=True)
class Sample:
    """A package of the rehearsal, offered for download under `/page/packages/`."""

    variant: Variant
    about: str

    @property
    def filename(self) -> str:
        """The name under which it is saved, or attached."""
        return f"discount-approvals-{self.variant}.zip"

    @property
    def url(self) -> str:
        """Where the page offers it."""
        return f"/page/packages/{self.filename}"


@dataclass(frozen=True)
class Step:
    """One thing to try: who (a handle of the cast), the words to type if any, what then happens.

    `{address}` in the words stands for the page's own.
    """

    handle: str
    name: str
    words: str
    about: str
    channel: str = "releases"


SAMPLES = (
    Sample("first", "one of its tests fails"),
    Sample("mended", "every test passes"),
    Sample("changed", "one more change, after the approvals"),
)

STEPS = (
    Step("anna", "Anna", "/release new", "Name it, press Create: REL-1 gets one post, its details go into the thread."),
    Step(
        "priya", "Priya", "/release attach", "Attach the first sample: what it changes, how each part would come back."
    ),
    Step("priya", "Priya", "/release validate", "One test fails. Attach the mended sample, then validate again."),
    Step("priya", "Priya", "/release tick 3 -- https://example.com/notes", "Her item. Tomás: tick 4, Lena: tick 5."),
    Step("anna", "Anna", "/release waive 6 -- no data is touched", "An item may be let go, with a reason."),
    Step("anna", "Anna", "/release ask", "Tomás and Lena approve with the buttons, in the thread or under Rollcall."),
    Step("anna", "Anna", "/release window in 3h for 2h", "Then /release why: what is left, and who can clear it."),
    Step(
        "anna",
        "Anna",
        "",
        "Move the clock at the top by +1 h, three times. In the thread, Deploy to PRODUCTION appears.",
    ),
    Step(
        "tomas", "Tomás", "/incident open in PRODUCTION -- Quotes cannot be saved", "The suspect is named.", "incidents"
    ),
    Step("anna", "Anna", "", "In #incidents press Roll back. Omar confirms; PRODUCTION is what it was."),
    Step(
        "lena",
        "Lena",
        "Have a look: {address}/r/REL-1",
        "A link to a release is shown with its headline, in any channel.",
        "general",
    ),
    Step("anna", "Anna", "/release timeline REL-1", "Everything that happened. /release help says what else there is."),
)


def guide_part(steps: Sequence[Step] = STEPS) -> dict[str, Any]:
    """What the templates need to draw the guide."""
    return {"steps": steps, "samples": SAMPLES}


async def send_sample(request: Request) -> Response:
    """One of the sample packages as a file, or 404 with the names there are."""
    name = request.path_params["name"]
    found = next((one for one in SAMPLES if one.filename == name), None)
    if found is None:
        names = ", ".join(one.filename for one in SAMPLES)
        return PlainTextResponse(f"There is no sample called {name}. There are: {names}.", status_code=404)
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(sample_package(found.variant), media_type="application/zip", headers=headers)
