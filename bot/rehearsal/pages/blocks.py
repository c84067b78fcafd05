"""Block Kit's blocks as HTML: pure functions of the block and of who looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from markupsafe import Markup

from bot.rehearsal.pages.elements import GROUPS, control_id, draw_element, draw_picture
from bot.rehearsal.pages.markdown import draw_markdown
from bot.rehearsal.pages.rich_text import Part, draw_cell, draw_rich_text, parts_of
from bot.rehearsal.pages.surface import Surface, draw_words, words_of

_TASK_DRAWINGS = {"complete": "check", "in_progress": "turning", "error": "cross", "pending": "white"}


def draw_blocks(blocks: Sequence[Part], surface: Surface) -> Markup:
    """Draw all blocks, in order; a block of an unknown type is named, never dropped silently."""
    return Markup("").join(draw_block(block, surface) for block in blocks)


def draw_block(block: Part, surface: Surface) -> Markup:
    """Draw one block inside its own `<div class="block …">`."""
    kind = str(block.get("type") or "?")
    draw = _BLOCKS.get(kind)
    if draw is None:
        return Markup('<div class="block unknown">This page cannot draw a block of type “{}”.</div>').format(kind)
    block_id = str(block.get("block_id") or "")
    return Markup('<div class="block block-{}" data-key="{}">{}</div>').format(
        kind, block_id, draw(block, block_id, surface)
    )


def _draw_section(block: Part, block_id: str, surface: Surface) -> Markup:
    text = block.get("text")
    words = Markup('<div class="words">{}</div>').format(draw_words(text, surface.reader)) if text else Markup("")
    fields = parts_of(block, "fields")
    if fields:
        drawn = Markup("").join(
            Markup('<div class="field">{}</div>').format(draw_words(one, surface.reader)) for one in fields
        )
        words += Markup('<div class="fields">{}</div>').format(drawn)
    accessory = block.get("accessory")
    if isinstance(accessory, dict):
        return Markup('<div class="section-main">{}</div><div class="accessory">{}</div>').format(
            words, draw_element(accessory, block_id, surface)
        )
    return Markup('<div class="section-main">{}</div>').format(words)


def _draw_header(block: Part, _block_id: str, surface: Surface) -> Markup:
    return Markup("<h3>{}</h3>").format(draw_words(block.get("text"), surface.reader))


def _draw_context(block: Part, _block_id: str, surface: Surface) -> Markup:
    return Markup("").join(
        draw_picture(part, "tiny")
        if part.get("type") == "image"
        else Markup('<span class="context-part">{}</span>').format(draw_words(part, surface.reader))
        for part in parts_of(block, "elements")
    )


def _draw_actions(block: Part, block_id: str, surface: Surface) -> Markup:
    return Markup("").join(draw_element(part, block_id, surface) for part in parts_of(block, "elements"))


def _draw_input(block: Part, block_id: str, surface: Surface) -> Markup:
    element = block.get("element")
    if not isinstance(element, dict):
        return Markup("")
    hint, error = words_of(block.get("hint")), surface.errors.get(block_id)
    optional = Markup(' <span class="optional">(optional)</span>') if block.get("optional") else ""
    control = control_id(element, block_id, surface)
    kind = str(element.get("type"))
    tied = Markup(' id="{}-label"').format(control) if kind in GROUPS or kind.startswith("multi_") else ""
    return Markup('<label class="label" for="{}"{}>{}{}</label>{}{}{}').format(
        control,
        tied,
        draw_words(block.get("label"), surface.reader),
        optional,
        draw_element(element, block_id, replace(surface, labelled=True), acts=bool(block.get("dispatch_action"))),
        Markup('<p class="field-error" id="{}" role="alert">{}</p>').format(surface.id_of(block_id, "error"), error)
        if error
        else "",
        Markup('<p class="hint">{}</p>').format(draw_words(block.get("hint"), surface.reader)) if hint else "",
    )


def _draw_image(block: Part, _block_id: str, surface: Surface) -> Markup:
    title = draw_words(block.get("title"), surface.reader)
    caption = Markup("<figcaption>{}</figcaption>").format(title) if title else ""
    return Markup("<figure>{}{}</figure>").format(draw_picture(block, "picture"), caption)


def _draw_table(block: Part, _block_id: str, surface: Surface) -> Markup:
    rows = block.get("rows")
    settings = block.get("column_settings")
    columns = settings if isinstance(settings, list) else []
    drawn = Markup("").join(
        _draw_row(row, at == 0, columns, surface)
        for at, row in enumerate(rows if isinstance(rows, list) else [])
        if isinstance(row, list)
    )
    return Markup(
        '<div class="table-scroll" tabindex="0" role="region" aria-label="Table">'
        '<table class="bk-table">{}</table></div>'
    ).format(drawn)


def _draw_row(row: list[Part], is_head: bool, columns: list[Part | None], surface: Surface) -> Markup:
    cells: list[Markup] = []
    for at, cell in enumerate(row):
        setting = columns[at] if at < len(columns) else None
        align = str((setting or {}).get("align") or "left")
        wrap = " wrap" if (setting or {}).get("is_wrapped") else ""
        css = f"{align if align in ('left', 'center', 'right') else 'left'}{wrap}"
        drawn = draw_cell(cell, surface.reader) if isinstance(cell, dict) else Markup("")
        cells.append(Markup('<{0} class="{1}">{2}</{0}>').format("th" if is_head else "td", css, drawn))
    return Markup("<tr>{}</tr>").format(Markup("").join(cells))


def _draw_plan(block: Part, _block_id: str, surface: Surface) -> Markup:
    tasks = parts_of(block, "tasks")
    done = sum(task.get("status") == "complete" for task in tasks)
    drawn = Markup("").join(_draw_task(task, "", surface) for task in tasks)
    return Markup('<p class="plan-title">{} <small>{} of {}</small></p><div class="plan">{}</div>').format(
        draw_words(block.get("title"), surface.reader), done, len(tasks), drawn
    )


def _draw_task(block: Part, _block_id: str, surface: Surface) -> Markup:
    status = str(block.get("status") or "pending")
    details = [block.get("details"), block.get("output")]
    more = Markup("").join(
        Markup('<div class="task-more">{}</div>').format(
            draw_rich_text(detail, surface.reader) if isinstance(detail, dict) else draw_words(detail, surface.reader)
        )
        for detail in details
        if detail
    )
    return Markup(
        '<div class="task"><svg class="emoji" role="img" aria-label="{}" viewBox="0 0 16 16"><use href="#e-{}"></use>'
        "</svg><div><span>{}</span>{}</div></div>"
    ).format(
        status.replace("_", " "),
        _TASK_DRAWINGS.get(status, "white"),
        draw_words(block.get("title"), surface.reader),
        more,
    )


_BLOCKS: dict[str, Callable[[Part, str, Surface], Markup]] = {
    "section": _draw_section,
    "header": _draw_header,
    "divider": lambda _block, _block_id, _surface: Markup("<hr>"),
    "context": _draw_context,
    "actions": _draw_actions,
    "context_actions": _draw_actions,
    "input": _draw_input,
    "image": _draw_image,
    "table": _draw_table,
    "plan": _draw_plan,
    "task_card": _draw_task,
    "rich_text": lambda block, _, surface: draw_rich_text(block, surface.reader),
    "markdown": lambda block, _block_id, _surface: draw_markdown(str(block.get("text") or "")),
    "alert": lambda block, _, surface: Markup('<div role="note">{}</div>').format(
        draw_words(block.get("text"), surface.reader)
    ),
}
