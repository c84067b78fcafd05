// The keyboard's ways through the page: from part to part, message to message, within menus, tabs, lists, forms.
"use strict";

(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const isSeen = (element) => element?.checkVisibility({ visibilityProperty: true });
  const takesArrows = (element) => element.matches("textarea, select, input:not([type=checkbox]):not([type=radio])");

  /* ---------- from part to part: F6, as in Slack ---------- */

  const PARTS = ["#sidebar", "#channel .scroll", "#composer-text", "#thread .scroll", "#thread-text", "#orgs", ".bar"];
  const WAY_IN = { "#sidebar": ".entry.current, .entry", ".bar": "summary" };

  function nextPart(backwards) {
    const seen = PARTS.filter((part) => isSeen(one(part)));
    const now = seen.findIndex((part) => one(part).contains(document.activeElement));
    const step = backwards ? -1 : 1;
    const part = seen.at((Math.max(now, backwards ? 0 : -1) + step + seen.length) % seen.length);
    (WAY_IN[part] ? all(WAY_IN[part], one(part)).find(isSeen) : one(part))?.focus();
  }

  /* ---------- from message to message ---------- */

  const STEPS = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };

  function toMessage(scroller, from, key) {
    const messages = all(".message", scroller);
    const at = from ? messages.indexOf(from) + STEPS[key] : messages.length - 1;
    const next = messages[Math.max(0, Math.min(messages.length - 1, at))];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  }

  function onMessage(event, scroller) {
    const message = event.target.closest(".message");
    if (event.key in STEPS && (message || event.key !== "ArrowDown")) {
      toMessage(scroller, message, event.key);
    } else if (event.key === "Enter" && event.target === message) {
      one(".replies, button[data-thread]", message)?.click();
    } else if (event.key === "Escape" && message) {
      one("textarea", scroller.parentElement)?.focus();
    } else return false;
    return true;
  }

  /* ---------- menus ---------- */

  const itemsOf = (details) => all(".menu :is(a[href], button, input[type=checkbox])", details).filter(isSeen);

  function inMenu(event, details) {
    if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return false;
    if (!details.open && !event.target.matches("summary")) return false;
    details.open = true;
    const items = itemsOf(details);
    const at = items.indexOf(document.activeElement);
    const last = items.length - 1;
    const to = { Home: 0, End: last, ArrowDown: at === last ? 0 : at + 1, ArrowUp: at <= 0 ? last : at - 1 }[event.key];
    items[to]?.focus();
    return true;
  }

  // A menu that has been opened is entered at its first line.
  document.addEventListener("toggle", (event) => {
    const details = event.target;
    if (details.open && details.matches?.("details.overflow") && details.contains(document.activeElement)) itemsOf(details)[0]?.focus();
  }, true);

  /* ---------- tabs ---------- */

  function inTabs(event) {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return false;
    const other = all("[role=tab]", event.target.parentElement).find((tab) => tab !== event.target);
    other.click();
    other.focus();
    return true;
  }

  /* ---------- a field that suggests while one types ---------- */

  function inSuggestions(event, input) {
    const list = one(".menu", input.parentElement);
    const rows = list.hidden ? [] : all("[role=option]", list);
    const at = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
    if (rows.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const to = event.key === "ArrowDown" ? (at + 1) % rows.length : (Math.max(at, 0) - 1 + rows.length) % rows.length;
      rows.forEach((row, index) => {
        row.id = `${list.id}-${index}`;
        row.setAttribute("aria-selected", String(index === to));
      });
      rows[to].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", rows[to].id);
    } else if (event.key === "Enter" && at >= 0) {
      rows[at].click();
      shut(input, list);
    } else if (event.key === "Escape" && !list.hidden) {
      shut(input, list);
    } else return false;
    return true;
  }

  function shut(input, list) {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  /* ---------- forms, questions ---------- */

  // Taken here: a browser closes a dialog at the second Escape in a row whatever the page says, and the form would stay open for the bot.
  function escapeFrom(dialog) {
    const menu = one("details[open]", dialog);
    if (menu) {
      menu.open = false;
      one("summary", menu).focus();
    } else one("[data-close-view], button[value=no]", dialog)?.click();
    return true;
  }

  function handled(event) {
    const target = event.target;
    const dialog = one("dialog[open]:last-of-type") && target.closest("dialog[open]");
    if (event.key === "F6" && !one("dialog[open]")) {
      nextPart(event.shiftKey);
      return true;
    }
    if (target.matches(".external input")) {
      if (inSuggestions(event, target)) return true;
    } else if (target.matches("[role=tab]")) return inTabs(event);
    if (event.key === "Escape" && one("dialog[open]")) return escapeFrom(dialog || all("dialog[open]").at(-1));
    if (takesArrows(target)) return upFromInput(event);
    const menu = target.closest("details.pop, details.overflow, details.multi");
    if (menu) return inMenu(event, menu);
    const scroller = target.closest("[role=log]");
    return Boolean(scroller) && onMessage(event, scroller);
  }

  // From an empty input one step up is the newest message.
  function upFromInput(event) {
    const box = event.target.closest("[data-composer]");
    if (!box || event.key !== "ArrowUp" || event.target.value) return false;
    toMessage(one("[role=log]", box.parentElement), null, "ArrowUp");
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing || !event.target.matches) return;
    if (!handled(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
})();
