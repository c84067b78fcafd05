// The rehearsal's page: swaps fragments that the server renders, and acts through the same API as every other client.
"use strict";

(() => {
  const body = document.body;
  const me = body.dataset.as;
  const zone = body.dataset.zone;
  const here = { channel: body.dataset.channel, thread: body.dataset.thread, tab: body.dataset.tab };
  const known = JSON.parse(document.getElementById("known").textContent);
  let seq = Number(body.dataset.seq) || 0;

  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  /* ---------- swapping: the tree is changed only where it differs, so focus, drafts and scroll positions stay ---------- */

  const keyOf = (node) => (node.nodeType === 1 && node.dataset ? node.dataset.key || null : null);
  const OURS = new Set(["open", "aria-busy"]);

  function morph(old, fresh) {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || keyOf(old) !== keyOf(fresh)) {
      old.replaceWith(fresh);
      return;
    }
    if (old.nodeType !== 1) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    if (old.hasAttribute("data-keep") || old.isEqualNode(fresh)) return;
    for (const { name, value } of [...fresh.attributes]) {
      if (!OURS.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      if (!OURS.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    morphChildren(old, fresh);
  }

  function morphChildren(old, fresh) {
    const wanted = new Set([...fresh.children].map(keyOf).filter(Boolean));
    const kept = new Map([...old.children].filter(keyOf).map((node) => [keyOf(node), node]));
    let at = old.firstChild;
    const dropGone = () => {
      while (at && keyOf(at) && !wanted.has(keyOf(at))) {
        const gone = at;
        at = at.nextSibling;
        gone.remove();
      }
    };
    for (const next of [...fresh.childNodes]) {
      dropGone();
      const key = keyOf(next);
      const match = key ? kept.get(key) : at && !keyOf(at) ? at : null;
      if (!match) {
        old.insertBefore(next, at);
        continue;
      }
      if (match === at) at = at.nextSibling;
      else old.insertBefore(match, at);
      morph(match, next);
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  const isAtEnd = (scroller) => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48;
  const toEnd = (scroller) => {
    scroller.scrollTop = scroller.scrollHeight;
  };

  // Who reads the newest words goes on reading them when the input below grows.
  const reading = new WeakMap();
  const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => {
    if (reading.get(target) !== false) toEnd(target);
  }));
  const watchSize = (scroller) => sizes.observe(scroller);

  function swap(part, html) {
    const root = document.getElementById(part === "views" ? "modal" : part);
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const before = new Map(all("[data-stick]", root).map((scroller) => [scroller, isAtEnd(scroller)]));
    const lastBefore = lastMessage(root);
    const calm = all(".org-part:not([data-urgent])", root);
    const held = heldIn(root);
    morphChildren(root, fresh.content);
    if (held && part !== "views") holdOn(root, held);
    for (const scroller of all("[data-stick]", root)) {
      if (before.get(scroller) !== false || isAnswer(scroller, lastBefore)) toEnd(scroller);
    }
    all("[data-stick]", root).forEach(watchSize);
    all("details.multi", root).forEach(sayChosen);
    all("[data-composer]", root).forEach(wakeComposer);
    const goesOn = before.has(one("[data-stick]", root)); // the conversation that was there before
    if (part === "channel") afterChannel(root, lastBefore, goesOn);
    if (part === "thread" && goesOn) hearNew(root, lastBefore);
    if (part === "views") afterViews(root);
    if (part === "clock") readClock();
    for (const details of calm) details.open ||= details.hasAttribute("data-urgent"); // what just failed opens by itself
    if (part === "orgs") sayLive();
    if (part === "sidebar" && one(".entry.current .count", root)) markRead(`${lastMessage(one("#channel"))}+${seq}`);
  }

  // Whoever uses the keyboard stays where they were when the button they pressed has left the page.
  function heldIn(root) {
    const focused = document.activeElement;
    return root.contains(focused) ? { focused, key: focused.closest(".message")?.dataset.key } : null;
  }

  function holdOn(root, { focused, key }) {
    if (document.activeElement === focused && focused.isConnected) return;
    const messages = all(".message", root);
    const place = key && (messages.find((each) => each.dataset.key === key) || messages.at(-1));
    (place || one(".scroll", root) || root).focus({ preventScroll: true });
  }

  // What only I was told just after I did something is the answer to it, wherever I had scrolled to.
  let actedAt = 0;

  function isAnswer(scroller, lastBefore) {
    const last = all(".message", scroller).at(-1);
    const fresh = last && lastBefore && last.dataset.ts !== lastBefore;
    return fresh && last.classList.contains("ephemeral") && Date.now() - actedAt < 4000;
  }

  // Told to screen readers, which the conversation itself would tell every redrawn word.
  function hearNew(root, lastBefore) {
    const last = all(".message", root).at(-1);
    if (!last || last.dataset.ts === lastBefore || "mine" in last.dataset) return;
    const button = one("[data-to-end]", root);
    if (button) button.hidden = isAtEnd(one("[data-stick]", root));
    const privately = last.classList.contains("ephemeral") ? "Only to you, " : "";
    one("#news").textContent = `${privately}${last.getAttribute("aria-label")}: ${one(".body", last).innerText.trim().slice(0, 160)}`;
  }

  const lastMessage = (root) => all(".message", root).at(-1)?.dataset.ts || "";

  function afterChannel(root, lastBefore, goesOn) {
    if (goesOn) hearNew(root, lastBefore);
    markRead(all(".message", root).at(-1)?.dataset.ts);
  }

  const read = new Map();

  function markRead(ts) {
    if (!ts || document.hidden || read.get(here.channel) === ts) return;
    read.set(here.channel, ts);
    post("read", { channel: here.channel, wait_seconds: 0 }).then(() => refresh("sidebar"));
  }

  /* ---------- looking ---------- */

  const underWay = new Map();

  function refresh(...parts) {
    return Promise.all(parts.map(refreshPart));
  }

  function refreshPart(part) {
    const run = underWay.get(part);
    if (run) {
      run.again = true;
      return run.done;
    }
    const entry = { again: false };
    entry.done = (async () => {
      do {
        entry.again = false;
        await load(part);
      } while (entry.again);
      underWay.delete(part);
    })();
    underWay.set(part, entry);
    return entry.done;
  }

  const address = (path) => `${path}?${new URLSearchParams({ as: me, ...here })}`;

  async function load(part) {
    if (part === "thread") one("#thread").hidden = !here.thread;
    const asked = address(`/page/${part}`);
    try {
      const answer = await fetch(asked);
      if (!answer.ok) return;
      const html = await answer.text();
      if (asked !== address(`/page/${part}`)) return; // the reader has moved on
      seq = Math.max(seq, Number(answer.headers.get("x-seq")) || 0);
      swap(part, html);
    } catch {
      sayLost(true);
    }
  }

  /* ---------- what the server tells us ---------- */

  let stream = null;
  const dirty = new Set();
  let dirtyTimer = 0;

  function soon(...parts) {
    parts.forEach((part) => dirty.add(part));
    clearTimeout(dirtyTimer);
    dirtyTimer = setTimeout(() => {
      const now = [...dirty];
      dirty.clear();
      refresh(...now);
    }, 25);
  }

  const TOLD = {
    view: ["views"],
    clock: ["clock", "sidebar", "channel", "thread", "orgs"],
    channel: ["sidebar", "channel"],
  };

  function hear(change) {
    seq = Math.max(seq, change.seq);
    if (TOLD[change.kind]) return soon(...TOLD[change.kind]);
    if (change.kind === "home") return here.tab === "home" ? soon("channel") : undefined;
    soon("sidebar");
    if (change.channel === here.channel && here.tab !== "home") soon("channel");
    if (here.thread && (change.thread_ts === here.thread || change.ts === here.thread)) soon("thread");
    return undefined;
  }

  function listen() {
    stream?.close();
    stream = new EventSource(`/rehearsal/events?${new URLSearchParams({ as: me, since: seq })}`);
    stream.onopen = () => sayLost(false);
    stream.onmessage = (event) => hear(JSON.parse(event.data));
    stream.onerror = () => {
      stream.close();
      sayLost(true);
      setTimeout(comeBack, 1500);
    };
  }

  async function comeBack() {
    try {
      const answer = await fetch(address("/page/sidebar"));
      seq = Number(answer.headers.get("x-seq")) || seq; // a restarted workspace counts from the beginning
      await refresh("sidebar", "channel", "thread", "views", "clock");
      listen();
    } catch {
      setTimeout(comeBack, 2500);
    }
  }

  const sayLost = (lost) => body.toggleAttribute("data-lost", lost);

  // Browsers allow six connections to one host: a page in the background gives its own back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stream?.close();
    else comeBack();
  });

  /* ---------- acting ---------- */

  async function post(path, data) {
    try {
      const answer = await fetch(`/rehearsal/api/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ as: me, ...data }),
      });
      return await answer.json();
    } catch {
      return { ok: false, error: { code: "unreachable", sentence: "The rehearsal does not answer. Is it still running?" } };
    }
  }

  async function act(path, data, source) {
    if (source?.getAttribute("aria-busy") === "true") return { ok: true, field_errors: {} };
    source?.setAttribute("aria-busy", "true");
    actedAt = Date.now();
    const outcome = await post(path, data);
    source?.removeAttribute("aria-busy");
    soon("views", "channel", "sidebar", ...(here.thread ? ["thread"] : []));
    return outcome;
  }

  async function actAloud(path, data, source) {
    const outcome = await act(path, data, source);
    const gone = outcome.error?.code === "not_visible" && (path === "click" || path === "choose");
    if (!outcome.ok) toast(gone ? "That message has just changed, so nothing was done. Look again." : sentenceOf(outcome));
    return outcome;
  }

  const sentenceOf = (outcome) => outcome.error?.sentence || "That did not work, and no reason was given.";

  function toast(sentence) {
    const box = document.createElement("div");
    box.className = "toast";
    const words = document.createElement("p");
    words.textContent = sentence;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "icon-btn";
    close.setAttribute("aria-label", "Dismiss");
    close.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#i-close"></use></svg>';
    close.onclick = () => box.remove();
    box.append(words, close);
    // A modal lies above everything else, so what is said while it is open is said inside it.
    (one("dialog[open]") || body).append(one("#toasts"));
    one("#toasts").append(box);
    setTimeout(() => box.remove(), 9000);
  }

  function placeOf(element) {
    const view = element.closest("[data-view]");
    if (view) return view.hasAttribute("data-home") ? { home: true } : { view_id: view.dataset.view };
    const message = element.closest("[data-ts]");
    return { channel: message.dataset.channel, ts: message.dataset.ts };
  }

  const whichOf = (control) => ({ block_id: control.dataset.block, action_id: control.dataset.action });

  function ask(template) {
    const dialog = one("#confirm");
    dialog.replaceChildren(template.content.cloneNode(true));
    dialog.showModal();
    one("button[value=yes]", dialog).focus();
    return new Promise((settle) => {
      const answer = (yes) => {
        dialog.onclick = dialog.oncancel = null;
        body.append(one("#toasts"));
        dialog.close();
        settle(yes);
      };
      dialog.onclick = (event) => {
        const button = event.target.closest("button[value]");
        if (button) answer(button.value === "yes");
      };
      dialog.oncancel = (event) => {
        event.preventDefault();
        answer(false);
      };
    });
  }

  async function press(target) {
    const control = target.closest(".control");
    const template = one(":scope > template.confirm", control);
    const menu = target.closest("details");
    if (menu) {
      menu.open = false;
      one("summary", menu).focus();
    }
    // Read before the question: while it is open, the message may be edited, and its old button leave the page.
    const data = { ...placeOf(control), ...whichOf(control), confirmed: true };
    if (target.dataset.value !== undefined) data.value = target.dataset.value;
    if (template && !(await ask(template))) return;
    await actAloud("click", data, target);
  }

  /* ---------- controls ---------- */

  const ticked = (control) => all("input:checked", control).map((box) => box.value);

  function valueOf(control) {
    const type = control.dataset.type;
    if (type === "external_select") return one("input", control).dataset.chosen || null;
    if (type === "multi_external_select") return [one("input", control).dataset.chosen].filter(Boolean);
    if (type === "checkboxes" || type.startsWith("multi_")) return ticked(control);
    if (type === "radio_buttons") return ticked(control)[0] ?? null;
    return one("input, textarea, select", control).value || null;
  }

  const filesOf = (input) => Promise.all([...input.files].map(encode));

  function encode(file) {
    return new Promise((settle, fail) => {
      const reader = new FileReader();
      reader.onload = () => settle({ filename: file.name, content_base64: reader.result.split(",")[1] || "" });
      reader.onerror = () => fail(reader.error);
      reader.readAsDataURL(file);
    });
  }

  function sayChosen(details) {
    const words = all("input:checked", details).map((box) => box.parentElement.textContent.trim());
    const summary = one("summary", details);
    const said = words.join(", ") || details.dataset.placeholder;
    if (summary.textContent !== said) summary.textContent = said;
  }

  async function choose(control) {
    if (!control.hasAttribute("data-acts")) return;
    const template = one(":scope > template.confirm", control);
    const data = { ...placeOf(control), ...whichOf(control), value: valueOf(control), confirmed: true };
    if (template && !(await ask(template))) {
      soon("channel", "views");
      return;
    }
    await actAloud("choose", data, control);
  }

  const typing = new WeakMap();

  document.addEventListener("change", (event) => {
    const control = event.target.closest(".control");
    if (!control) return;
    const multi = event.target.closest("details.multi");
    if (multi) {
      sayChosen(multi);
      multi.dataset.changed = "yes"; // told to the bot when the list is closed, all at once
      return;
    }
    if (/(select|checkboxes|radio_buttons|picker)$/.test(control.dataset.type) && !event.target.closest(".external")) choose(control);
  });

  document.addEventListener("toggle", (event) => {
    const details = event.target;
    if (!(details instanceof HTMLDetailsElement)) return;
    if (details.matches(".persona")) all("a[href]", details).forEach(stayHere);
    if (details.matches(".trouble") && details.open) refresh("trouble");
    if (details.open) {
      all("details[open]:is(.overflow, .multi, .pop)").forEach((other) => {
        if (other !== details && !other.contains(details)) other.open = false;
      });
    } else if (details.dataset.changed) {
      delete details.dataset.changed;
      choose(details.closest(".control"));
    }
  }, true);

  document.addEventListener("input", (event) => {
    const control = event.target.closest(".control");
    if (event.target.closest(".external")) suggestOptions(control, event.target);
    else if (control?.hasAttribute("data-on-typing")) {
      clearTimeout(typing.get(control));
      typing.set(control, setTimeout(() => choose(control), 400));
    }
    if (event.target.closest("[data-composer]")) composerTyped(event.target);
    clearError(event.target.closest(".block"));
  });

  function suggestOptions(control, input) {
    input.dataset.chosen = "";
    clearTimeout(typing.get(control));
    typing.set(control, setTimeout(async () => {
      const list = one(".menu", control);
      if (input.value.length < Number(input.dataset.min)) {
        list.hidden = true;
        return;
      }
      const outcome = await post("suggest", { ...placeOf(control), ...whichOf(control), query: input.value });
      list.replaceChildren(...(outcome.options || []).map((option) => {
        const row = document.createElement("button");
        row.type = "button";
        row.tabIndex = -1;
        row.setAttribute("role", "option");
        row.textContent = option.label;
        row.onclick = () => {
          input.value = option.label;
          input.dataset.chosen = option.value;
          list.hidden = true;
          choose(control);
        };
        return row;
      }));
      if (!outcome.options?.length) list.textContent = outcome.ok ? "Nothing found" : sentenceOf(outcome);
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
    }, 250));
  }

  /* ---------- modals ---------- */

  const modal = one("#modal");
  let shownView = "";
  const fieldErrors = new Map();

  function afterViews(root) {
    const form = one("form.view", root);
    if (!form) {
      shownView = "";
      body.append(one("#toasts"));
      if (!root.open) return;
      root.close(); // the browser gives the focus back to what opened the form
      if (document.activeElement === body) restFocus();
      return;
    }
    if (!root.open) root.showModal();
    showErrors(form, fieldErrors.get(form.dataset.view) || {});
    const lost = !root.contains(document.activeElement) || document.activeElement === root;
    if (form.dataset.view === shownView && !lost) return;
    shownView = form.dataset.view;
    const first = one("[data-focus]", form) || one(".modal-body :is(input, textarea, select, button, summary)", form);
    (first || one(".form-actions button", form)).focus();
    one(".modal-body", form).scrollTop = 0;
  }

  // What opened the form has left the page meanwhile.
  const restFocus = () => one(here.thread ? "#thread-text" : "#composer-text, .home")?.focus();

  function showErrors(form, errors) {
    for (const block of all(".block-input", form)) {
      const sentence = errors[block.dataset.key];
      if (!sentence) continue;
      const line = one(".field-error", block) || document.createElement("p");
      line.className = "field-error";
      line.setAttribute("role", "alert");
      line.textContent = sentence;
      one(".control", block).after(line);
    }
    for (const block of all(".block-input", form)) {
      const field = one("input, textarea, select, summary", block);
      const line = one(".field-error", block);
      if (line) {
        line.id ||= `${field.id}-error`;
        field.setAttribute("aria-invalid", "true");
        field.setAttribute("aria-describedby", line.id);
      }
    }
  }

  function clearError(block) {
    const view = block?.closest("form.view");
    if (!view) return;
    const errors = fieldErrors.get(view.dataset.view);
    if (errors) delete errors[block.dataset.key];
    one(".field-error", block)?.remove();
    all("[aria-invalid]", block).forEach((field) => field.removeAttribute("aria-invalid"));
  }

  let submitting = Promise.resolve();

  // One after the other: whoever corrects a field quickly is not ignored, and a double click finds the form gone.
  function submit(form) {
    submitting = submitting.then(() => taking).then(() => (form.isConnected ? submitNow(form) : undefined));
  }

  async function submitNow(form) {
    const values = {};
    for (const block of all(".block-input", form)) {
      const control = one(".control", block);
      if (control.dataset.type === "file_input") {
        const files = await filesOf(one("input", control));
        if (files.length) values[block.dataset.key] = files;
      } else values[block.dataset.key] = valueOf(control);
    }
    const viewId = form.dataset.view;
    fieldErrors.delete(viewId);
    const outcome = await act("submit", { view_id: viewId, values }, one("[data-submit]", form));
    const errors = outcome.field_errors || {};
    if (Object.keys(errors).length) fieldErrors.set(viewId, errors);
    else if (!outcome.ok) toast(sentenceOf(outcome));
    await refresh("views");
    one("#modal [aria-invalid]")?.focus();
  }

  let closing = "";

  function closeView(everything) {
    const view = one("form.view", modal);
    if (!view || closing === view.dataset.view) return;
    closing = view.dataset.view;
    actAloud("close", { view_id: view.dataset.view, all: everything }).then(() => refresh("views"));
  }

  modal.addEventListener("cancel", (event) => {
    if (event.target !== modal) return; // a file chooser that was left without a choice says so too
    event.preventDefault();
    const open = one("details[open]", modal);
    if (open) open.open = false;
    else closeView(false);
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    event.preventDefault();
    if (form.matches("form.view")) submit(form);
    if (form.id === "clock-set") setClock(instantIn(one("input", form).value));
  });

  /* ---------- composer ---------- */

  const draftKey = (box) => `draft:${me}:${box.dataset.channel}:${box.dataset.thread}`;
  const chosenFiles = new WeakMap();

  function wakeComposer(box) {
    if (box.dataset.awake) return;
    box.dataset.awake = "yes";
    const text = one("textarea", box);
    text.value = sessionStorage.getItem(draftKey(box)) || "";
    grow(text);
  }

  const grow = (text) => {
    text.rows = Math.min(10, text.value.split("\n").length);
  };

  function composerTyped(text) {
    if (text.nodeName !== "TEXTAREA") return;
    const box = text.closest("[data-composer]");
    sessionStorage.setItem(draftKey(box), text.value);
    one(".notice", box).hidden = true;
    grow(text);
    offer(box, text);
  }

  function candidates(typed, inThread) {
    const command = known.commands.find(({ command: name }) => typed === name || typed.startsWith(`${name} `));
    if (!inThread && /^\/\S*$/.test(typed)) {
      return known.commands.filter(({ command: name }) => name.startsWith(typed)).map((found) => ({
        put: `${found.command} `, from: 0, title: found.command, hint: found.usage_hint, note: found.description,
      }));
    }
    if (command) return verbs(command, typed);
    const mention = typed.match(/(?:^|\s)([@#])([\w.-]*)$/);
    if (!mention) return [];
    const [, mark, start] = mention;
    const from = typed.length - start.length - 1;
    return (mark === "@" ? known.handles : known.rooms)
      .filter(({ handle, name }) => handle.startsWith(start.toLowerCase()) || name.toLowerCase().startsWith(start.toLowerCase()))
      .map(({ handle, name }) => ({ put: `${mark}${handle} `, from, title: `${mark}${handle}`, hint: "", note: name }));
  }

  function verbs(command, typed) {
    const rest = typed.slice(command.command.length + 1);
    const hint = { title: command.command, hint: command.usage_hint, note: command.description };
    if (/\s/.test(rest)) return [hint];
    const words = (command.usage_hint || "").replace(/^\[|\]$/g, "").split("|").map((word) => word.trim()).filter((word) => /^[a-z]/.test(word));
    const found = words.length > 1 ? words.filter((word) => word.startsWith(rest) && word !== rest) : [];
    const rows = found.map((word) => ({ put: `${command.command} ${word.split(/[\s[<]/)[0]} `, from: 0, title: `${command.command} ${word}`, hint: "", note: "" }));
    return rows.length ? rows : [hint];
  }

  function offer(box, text) {
    const list = one(".suggestions", box);
    const found = candidates(text.value.slice(0, text.selectionStart), Boolean(box.dataset.thread)).slice(0, 9);
    list.replaceChildren(...found.map((candidate, at) => suggestion(candidate, at, text)));
    list.hidden = !found.length;
    if (list.hidden) text.removeAttribute("aria-activedescendant");
    else mark(list, text, 0);
  }

  function suggestion(candidate, at, text) {
    const row = document.createElement(candidate.put ? "button" : "div");
    row.id = `${text.id}-offer-${at}`;
    row.className = "suggestion";
    if (candidate.put) {
      row.type = "button";
      row.tabIndex = -1;
      row.setAttribute("role", "option");
      row.onclick = () => {
        text.setRangeText(candidate.put, candidate.from, text.selectionStart, "end");
        text.focus();
        composerTyped(text);
      };
    }
    for (const [tag, css, words] of [["b", "", candidate.title], ["code", "", candidate.hint], ["small", "", candidate.note]]) {
      if (!words) continue;
      const part = document.createElement(tag);
      part.textContent = words;
      row.append(part);
    }
    return row;
  }

  function mark(list, text, at) {
    const rows = all("[role=option]", list);
    if (!rows.length) return;
    const wanted = (at + rows.length) % rows.length;
    rows.forEach((row, index) => row.setAttribute("aria-selected", String(index === wanted)));
    rows[wanted].scrollIntoView({ block: "nearest" });
    text.setAttribute("aria-activedescendant", rows[wanted].id);
  }

  function composerKey(event) {
    const text = event.target;
    const box = text.closest("[data-composer]");
    const list = one(".suggestions", box);
    const rows = list.hidden ? [] : all("[role=option]", list);
    const at = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
    if (rows.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      mark(list, text, at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (rows.length && (event.key === "Tab" || (event.key === "Enter" && !event.ctrlKey && !isWhole(text.value)))) {
      event.preventDefault();
      rows[at]?.click();
    } else if (event.key === "Escape") {
      if (list.hidden && here.thread) go({ channel: here.channel, thread: "" });
      list.hidden = true;
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send(box);
    }
  }

  // Enter completes a half-written word, and sends a command that is whole as it stands.
  const isWhole = (typed) => known.commands.some(({ command }) => typed === command || typed.startsWith(`${command} `));

  const queues = new WeakMap();

  // The input is free at once for the next words; what was sent goes out in the order in which it was typed.
  function send(box) {
    const typed = one("textarea", box).value.trim();
    const files = chosenFiles.get(box) || [];
    if (!typed && !files.length) return;
    setText(box, "");
    setFiles(box, []);
    one(".suggestions", box).hidden = true;
    const scroller = one("[data-stick]", box.parentElement);
    if (scroller) toEnd(scroller);
    queues.set(box, (queues.get(box) || Promise.resolve()).then(() => sendNow(box, typed, files)));
  }

  async function sendNow(box, typed, files) {
    const where = { channel: box.dataset.channel, ...(box.dataset.thread ? { thread_ts: box.dataset.thread } : {}) };
    const button = one("[data-send]", box);
    const outcome = typed.startsWith("/")
      ? await act("command", { ...where, text: typed }, button)
      : await sendMessage(box, where, typed, files, button);
    if (outcome.ok) return;
    // What Slackbot answers stands in the channel already; here we say the rest, and repeat it where a thread hides it.
    const notice = one(".notice", box);
    notice.textContent = sentenceOf(outcome);
    notice.hidden = Boolean(outcome.messages?.length) && !box.dataset.thread;
    if (outcome.error?.code === "operation_timeout" || one("textarea", box).value) return;
    setText(box, typed);
    setFiles(box, files);
  }

  function setText(box, value) {
    const text = one("textarea", box);
    text.value = value;
    grow(text);
    if (value) sessionStorage.setItem(draftKey(box), value);
    else sessionStorage.removeItem(draftKey(box));
  }

  async function sendMessage(box, where, text, files, button) {
    const ids = [];
    for (const file of files) {
      const kept = await post("upload", { ...where, ...(await encode(file)), share: false, wait_seconds: 0 });
      if (!kept.ok) return kept;
      ids.push(kept.file.id);
    }
    const broadcast = Boolean(one("[data-broadcast]", box)?.checked);
    return act("message", { ...where, text, wait_seconds: 0, ...(ids.length ? { files: ids } : {}), ...(broadcast ? { broadcast } : {}) }, button);
  }

  function setFiles(box, files) {
    chosenFiles.set(box, files);
    one(".chosen-files", box).replaceChildren(...files.map((file, at) => {
      const row = document.createElement("li");
      row.textContent = file.name;
      const drop = document.createElement("button");
      drop.type = "button";
      drop.className = "icon-btn";
      drop.setAttribute("aria-label", `Remove ${file.name}`);
      drop.textContent = "×";
      drop.onclick = () => setFiles(box, files.filter((_, index) => index !== at));
      row.append(drop);
      return row;
    }));
  }

  document.addEventListener("change", (event) => {
    const box = event.target.closest("[data-composer]");
    if (!box || event.target.type !== "file") return;
    setFiles(box, [...(chosenFiles.get(box) || []), ...event.target.files]);
    event.target.value = "";
    one("textarea", box).focus();
  });

  const dropTarget = (event) =>
    [...(event.dataTransfer?.types || [])].includes("Files") ? one("[data-composer]", event.target.closest(".centre, .thread") || one("#channel")) : null;

  document.addEventListener("dragover", (event) => {
    if (!dropTarget(event) || modal.open) return;
    event.preventDefault();
    body.setAttribute("data-dropping", "");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) body.removeAttribute("data-dropping");
  });
  document.addEventListener("drop", (event) => {
    body.removeAttribute("data-dropping");
    const box = dropTarget(event);
    if (!box || modal.open) return;
    event.preventDefault();
    setFiles(box, [...(chosenFiles.get(box) || []), ...event.dataTransfer.files]);
    one("textarea", box).focus();
  });

  /* ---------- going somewhere ---------- */

  async function go(to, remember = true) {
    const cameFrom = document.activeElement;
    Object.assign(here, { tab: "", thread: "", ...to });
    if (here.thread) showSide("thread");
    if (remember) history.pushState({ ...here }, "", address("/"));
    delete body.dataset.drawer;
    if (here.thread && matchMedia("(max-width: 1100px)").matches) openDrawer("side");
    shade();
    if ("channel" in to && here.channel === known.app_dm) {
      // The bot hears that its pages are opened, as it would from any client.
      if (here.tab === "home") await post("home", { wait_seconds: 0.6 });
      else post("open_dm", { wait_seconds: 0 });
    }
    await refresh("sidebar", "channel", "thread");
    const title = one("h1")?.textContent.trim();
    if (title) document.title = `${title} · Rollcall rehearsal`;
    if (document.activeElement !== cameFrom && document.activeElement !== body) return; // the reader has moved on
    if (here.thread) one("#thread-text")?.focus();
    else if (matchMedia("(min-width: 800px)").matches) one("#composer-text, .home")?.focus();
  }

  // A link of ours, or to a message, leads there without leaving this page or whom one acts as.
  const leadsHere = (link) => link.origin === location.origin && /^\/(r|i|archives)\//.test(link.pathname);

  async function follow(link) {
    try {
      const answer = await fetch(link.href);
      if (!answer.ok) return void toast((await answer.text()).trim());
      const { channel, thread = "", message } = Object.fromEntries(new URL(answer.url).searchParams);
      await go({ channel, thread });
      showMessage(message);
    } catch {
      toast("The link leads nowhere from here. Is the rehearsal still running?");
    }
  }

  function showMessage(ts) {
    const message = all(".message").findLast((each) => each.dataset.ts === ts);
    if (!message) return;
    message.scrollIntoView({ block: "center" });
    message.focus({ preventScroll: true });
    message.setAttribute("data-sought", "");
    setTimeout(() => message.removeAttribute("data-sought"), 2500);
  }

  addEventListener("popstate", (event) => go(event.state || {}, false));

  // Another person sees the same place: the channel and thread if it is public, their own talk with the bot for mine.
  function stayHere(link) {
    const shared = known.rooms.some(({ id, public: open }) => open && id === here.channel);
    const place = here.channel === known.app_dm ? { channel: known.app_name, tab: here.tab } : shared ? here : {};
    link.href = `/?${new URLSearchParams({ ...place, as: link.dataset.person })}`;
  }

  function openDrawer(name) {
    body.dataset.drawer = name;
    shade();
  }

  function shade() {
    const open = body.dataset.drawer || "";
    one("#shade").hidden = !open;
    all("[data-drawer]", one(".bar")).forEach((button) => button.setAttribute("aria-expanded", String(button.dataset.drawer === open)));
  }

  /* ---------- the clock ---------- */

  let ahead = 0;

  function readClock() {
    ahead = Date.parse(one("#clock-now").dataset.now) - Date.now();
    tick();
  }

  const clockWords = new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

  function tick() {
    const time = one("#clock-now");
    const said = clockWords.format(Date.now() + ahead);
    if (time && time.textContent !== said) time.textContent = said;
  }

  // What a wall clock in the acting person's zone means as an instant.
  function instantIn(wall) {
    const wanted = Date.parse(`${wall}Z`);
    let guess = wanted;
    for (let round = 0; round < 2; round += 1) guess = wanted - offsetAt(guess);
    return new Date(guess);
  }

  function offsetAt(instant) {
    const parts = Object.fromEntries(
      new Intl.DateTimeFormat("en-GB", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" })
        .formatToParts(instant).map(({ type, value }) => [type, Number(value)]),
    );
    return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - Math.floor(instant / 1000) * 1000;
  }

  function setClock(instant) {
    const now = Date.now() + ahead;
    if (instant > now) moveClock({ set_at: instant.toISOString() });
    else toast(`The clock only moves forward. It is already ${clockWords.format(now)}.`);
  }

  async function moveClock(move) {
    const answer = await post("clock", move);
    if (!answer.ok) toast(sentenceOf(answer));
    soon("clock", "channel", "sidebar", "thread", "orgs");
  }

  /* ---------- clicks and keys ---------- */

  async function editMessage(message, text) {
    const dialog = one("#editor");
    const area = one("textarea", dialog);
    const names = new Map(known.handles.map(({ id, handle }) => [id, handle]));
    area.value = text
      .replace(/<@([A-Z0-9]+)(?:\|[^>]*)?>/g, (whole, id) => `@${names.get(id) || id}`)
      .replace(/<([a-z]+:[^|>]+)(?:\|[^>]*)?>/g, "$1")
      .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    dialog.showModal();
    area.focus();
    one("button[value=no]", dialog).onclick = () => dialog.close();
    one("form", dialog).onsubmit = () => {
      dialog.close();
      actAloud("edit", { channel: message.dataset.channel, ts: message.dataset.ts, text: area.value });
    };
  }

  function messageTool(button) {
    const message = button.closest(".message");
    const where = message ? { channel: message.dataset.channel, ts: message.dataset.ts } : {};
    const { react, shortcut, edit } = button.dataset;
    if (react) actAloud("react", { ...where, name: react, remove: button.hasAttribute("data-remove") }, button);
    else if (shortcut) actAloud("shortcut", { ...where, callback_id: shortcut }, button);
    else if (edit !== undefined) editMessage(message, edit);
    else actAloud("delete", where, button);
  }

  function membership(button) {
    const person = one("select", button.closest(".menu") || document.createElement("p"));
    const path = button.dataset.membership;
    const user = path === "invite" || path === "kick" ? { user: person.value } : {};
    actAloud(path, { channel: here.channel, ...user }, button);
  }

  function switchTheme() {
    const dark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    document.cookie = `theme=${dark ? "light" : "dark"}; path=/; max-age=31536000; samesite=lax`;
  }

  /* ---------- the guide ---------- */

  // A command of the guide goes into the input of the channel it belongs to, as the person it belongs to.
  function takeDraft(link, event) {
    const { draft, channel } = link.dataset;
    const person = known.handles.find(({ id }) => id === me);
    const room = known.rooms.find(({ name }) => name === channel);
    if (person?.handle !== link.dataset.for || room?.id !== here.channel || here.tab === "home") return;
    event.preventDefault();
    link.closest("details.pop")?.removeAttribute("open");
    putDraft(draft);
  }

  function putDraft(draft) {
    const box = one("#channel [data-composer]");
    if (!box) return;
    setText(box, draft);
    one("textarea", box).focus();
  }

  let taking = Promise.resolve();

  function takeSample(button) {
    taking = attachSample(button).catch(() => toast("The sample did not come through. Is the rehearsal still running?"));
  }

  async function attachSample(button) {
    const answer = await fetch(button.dataset.sample);
    const held = new DataTransfer();
    held.items.add(new File([await answer.blob()], button.dataset.filename, { type: "application/zip" }));
    one("input[type=file]", button.closest(".control")).files = held.files;
    clearError(button.closest(".block"));
  }

  const hideGuide = (away) => body.toggleAttribute("data-guide-away", away);

  /* ---------- beside the conversation ---------- */

  function showSide(name) {
    body.dataset.side = name;
    all("[data-show]").forEach((tab) => {
      tab.setAttribute("aria-selected", String(tab.dataset.show === name));
      tab.tabIndex = tab.dataset.show === name ? 0 : -1;
    });
    const scroller = one("#thread [data-stick]");
    if (name === "thread" && scroller) toEnd(scroller);
  }

  function sayLive() {
    const said = one(".orgs-title")?.dataset.live || "";
    one("#live-said").textContent = said;
    one("#orgs-busy").hidden = !said;
    return Boolean(said);
  }

  function toggleSide(name) {
    const orgsHidden = name === "side" && here.thread && body.dataset.side !== "orgs" && !matchMedia("(min-width: 1600px)").matches;
    if (orgsHidden) showSide("orgs");
    if (name === "side" && matchMedia("(min-width: 1101px)").matches) body.toggleAttribute("data-side-away", !orgsHidden && !body.hasAttribute("data-side-away"));
    else if (body.dataset.drawer === name && !orgsHidden) {
      delete body.dataset.drawer;
      shade();
    } else openDrawer(name);
  }

  async function makeTrouble(button) {
    button.setAttribute("aria-busy", "true");
    const answer = await fetch(button.dataset.trouble, { method: "POST", headers: { "content-type": "application/json" }, body: button.dataset.body })
      .then((found) => found.json(), () => ({ ok: false }));
    button.removeAttribute("aria-busy");
    if (answer.ok) one("#news").textContent = `${button.textContent}: done.`;
    else toast(sentenceOf(answer));
    await refresh("trouble", "orgs");
  }

  const CLICKS = [
    ["[data-trouble]", makeTrouble],
    ["[data-draft]", takeDraft],
    ["[data-sample]", takeSample],
    ["[data-show]", (button) => showSide(button.dataset.show)],
    ["[data-guide-away]:not(body)", () => {
      localStorage.setItem("guide-away", "yes");
      hideGuide(true);
    }],
    ["[data-click]", press],
    ["[data-react], [data-shortcut], [data-edit], [data-delete]", messageTool],
    ["[data-membership]", membership],
    ["[data-send]", (button) => send(button.closest("[data-composer]"))],
    ["[data-close-thread]", () => go({ channel: here.channel, thread: "" })],
    ["[data-close-view]", () => closeView(false)],
    ["[data-close-all]", () => closeView(true)],
    ["[data-advance]", (button) => moveClock({ advance_seconds: Number(button.dataset.advance) })],
    ["[data-to-end]", (button) => {
      toEnd(one("[data-stick]", button.parentElement));
      button.hidden = true;
    }],
    ["#theme", switchTheme],
    ["#shade", () => {
      delete body.dataset.drawer;
      shade();
    }],
    ["button[data-drawer]", (button) => toggleSide(button.dataset.drawer)],
  ];

  document.addEventListener("click", (event) => {
    all("details.pop[open], details.overflow[open], details.multi[open]").forEach((details) => {
      if (!details.contains(event.target)) details.open = false;
    });
    for (const [selector, does] of CLICKS) {
      const target = event.target.closest(selector);
      if (target) return void does(target, event);
    }
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    const address = event.target.closest("a[href]");
    if (address && leadsHere(address)) {
      event.preventDefault();
      return void follow(address);
    }
    const link = event.target.closest("[data-goto], a[data-thread], button[data-thread]");
    if (!link) return;
    event.preventDefault();
    if (link.dataset.goto) go({ channel: link.dataset.goto, tab: link.dataset.tab || "" });
    else go({ thread: link.dataset.thread });
  });

  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form.view");
    const control = event.target.closest?.(".control");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form) {
      event.preventDefault();
      submit(form);
    } else if (event.key === "Enter" && event.target.nodeName === "INPUT" && control) {
      // Enter in one line of a form tells the bot when the field asks for it; otherwise it submits, as in Slack.
      event.preventDefault();
      if (control.hasAttribute("data-acts")) choose(control);
      else if (form) submit(form);
    } else if (event.target.matches?.("[data-composer] textarea")) composerKey(event);
    else if (event.key === "Escape" && !one("dialog[open]")) {
      const open = one("details.pop[open], details.overflow[open], details.multi[open]");
      if (open) {
        open.open = false;
        one("summary", open).focus();
      } else if (body.dataset.drawer) {
        delete body.dataset.drawer;
        shade();
      } else if (here.thread) go({ channel: here.channel, thread: "" });
    }
  });

  document.addEventListener("scroll", (event) => {
    const scroller = event.target;
    if (scroller.matches?.("[data-stick]")) reading.set(scroller, isAtEnd(scroller));
    if (scroller.matches?.("[data-stick]") && isAtEnd(scroller)) one("[data-to-end]", scroller.parentElement).hidden = true;
  }, true);

  /* ---------- begin ---------- */

  all("[data-stick]").forEach(toEnd);
  all("[data-stick]").forEach(watchSize);
  all("[data-composer]").forEach(wakeComposer);
  afterViews(modal);
  readClock();
  setInterval(tick, 1000);
  async function watchOrgs() {
    if (!document.hidden) await refresh("orgs");
    setTimeout(watchOrgs, sayLive() ? 600 : 2000);
  }
  if (body.dataset.orgs === "some") setTimeout(watchOrgs, 2000);
  const asked = new URLSearchParams(location.search);
  const draft = asked.get("draft");
  history.replaceState({ ...here }, "", address("/"));
  hideGuide(localStorage.getItem("guide-away") === "yes");
  if (draft) putDraft(draft);
  showSide("thread");
  if (here.tab === "home") post("home", { wait_seconds: 0.6 }).then(() => refresh("channel"));
  else if (here.channel === known.app_dm) post("open_dm", { wait_seconds: 0 });
  markRead(lastMessage(one("#channel")));
  if (matchMedia("(min-width: 800px)").matches) one("#composer-text")?.focus();
  if (here.thread && matchMedia("(max-width: 1100px)").matches) openDrawer("side");
  if (asked.has("message")) showMessage(asked.get("message"));
  listen();
})();
