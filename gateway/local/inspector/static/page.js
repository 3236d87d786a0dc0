// The page's own script: local times, polling, copying, keys, tabs. Without it the page is read and clicked all the same.
"use strict";
(() => {
  const TICK = 2000; // ms between two looks for news
  const PAGE = 50; // rows of a list at first
  const WIDE = window.matchMedia("(min-width: 52.01rem)");
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const lang = document.documentElement.lang;
  const title = document.title;

  // Times: UTC as the server writes them, in the browser's zone as soon as this runs.
  const shows = {
    time: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
    minute: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
    day: { day: "numeric", month: "long" },
    full: { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  };
  const made = (parts) => new Intl.DateTimeFormat(lang, parts);
  const formats = Object.fromEntries(Object.entries(shows).map(([name, parts]) => [name, made(parts)]));
  const ofOtherYears = { day: made({ ...shows.day, year: "numeric" }), full: made({ ...shows.full, year: "numeric" }) };
  const isThisYear = (at) => at.getFullYear() === new Date().getFullYear();
  const format = (at, show) => ((!isThisYear(at) && ofOtherYears[show]) || formats[show]).format(at);
  const isoDay = new Intl.DateTimeFormat("en-CA");
  const dayOf = (at) => isoDay.format(at);

  let headed = 0; // the headings are made once for all rows that came together

  function localize(root) {
    for (const time of all("time[datetime]", root)) {
      const at = new Date(time.dateTime);
      const today = dayOf(at) === dayOf(new Date());
      // A minute of another day means nothing without its day.
      const text = format(at, time.dataset.show);
      time.textContent = time.dataset.show === "minute" && !today ? `${format(at, "day")} ${text}` : text;
    }
    for (const labelled of all("[data-at]", root)) {
      const label = labelled.dataset.label.replace("{time}", format(new Date(labelled.dataset.at), "minute"));
      const named = one("title", labelled);
      if (named) named.textContent = label;
      labelled.setAttribute("aria-label", label);
    }
    if (one("[data-days]") && !headed) headed = window.setTimeout(() => { headed = 0; all("[data-days]").forEach(days); });
  }

  // A heading before the first row of each local day.
  function days(list) {
    all(".day", list).forEach((heading) => heading.remove());
    const words = JSON.parse(list.dataset.days);
    const zone = new Intl.DateTimeFormat(lang, { timeZoneName: "short" }).formatToParts(new Date())
      .find((part) => part.type === "timeZoneName").value.replace("GMT", "UTC");
    let last = "";
    const open = new URL(window.location.href).searchParams.get("open");
    for (const row of all(".row", list)) {
      if (row.dataset.id === open && !selected()) select(row, false, false); // rows came anew
      const at = new Date(one("time", row).dateTime);
      const day = dayOf(at);
      if (day === last) continue;
      const named = day === dayOf(new Date()) ? `${words.today}, `
        : day === dayOf(new Date(Date.now() - 86400000)) ? `${words.yesterday}, ` : "";
      const heading = document.createElement("div");
      heading.className = "day";
      heading.textContent = named + format(at, "day") + (last ? "" : ` · ${words.zone.replace("{zone}", zone)}`);
      row.before(heading);
      last = day;
    }
  }

  // Polling: every two seconds, never in a hidden tab, never two at once.
  const live = one("#live");
  let heard = Date.now();
  let lost = false;
  let asking = false;

  function tick() {
    if (document.hidden || asking || !one("#poll")) return;
    asking = true;
    window.htmx.trigger("#poll", "tick");
  }

  function showLive() {
    if (!live) return;
    const paused = document.hidden;
    live.classList.toggle("lost", lost);
    const seconds = Math.max(1, Math.round((Date.now() - heard) / 1000));
    const text = lost ? live.dataset.lost : paused ? live.dataset.paused : live.dataset.updated.replace("{n}", seconds);
    if (live.textContent !== text) live.textContent = text;
  }

  function showCount(said) {
    const badge = one("#badge-requests");
    const count = badge ? Number(badge.dataset.count) : 0;
    document.title = count ? `(${count > 99 ? "99+" : count}) ${title}` : title;
    if (said && count > said.count) announce(badge.dataset.says);
    return { count };
  }

  let counted = showCount(null);
  // The answer may have put another element in the place of the one that asked: then the event is the body's.
  const isPoll = (event) => event.detail.requestConfig?.elt.id === "poll";
  // The open request is asked for too: what came of it joins it in the pane.
  document.addEventListener("htmx:configRequest", (event) => {
    const open = new URL(window.location.href).searchParams.get("open");
    if (event.detail.elt.id === "poll" && open) event.detail.parameters.set("open", open);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!isPoll(event)) return;
    asking = false;
    const status = event.detail.xhr ? event.detail.xhr.status : 0;
    if (status === 401) window.location.reload(); // the session has ended
    const was = lost;
    lost = !(status >= 200 && status < 300);
    if (!lost) heard = Date.now();
    if (lost && !was) announce(live.dataset.lost);
    counted = showCount(counted);
    showLive();
    fresh();
  });
  // What was pressed on a page whose session or server has ended does nothing: begin anew by signing in.
  document.addEventListener("htmx:responseError", (event) => {
    if (!isPoll(event) && [401, 403].includes(event.detail.xhr.status)) window.location.reload();
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    localize(event.detail.elt);
    enhance(event.detail.elt);
    if (focusing && one("#detail .det")?.dataset.id === focusing) one("#detail h1").focus();
  });
  document.addEventListener("htmx:oobAfterSwap", (event) => { localize(event.detail.target); enhance(event.detail.target); });
  document.addEventListener("visibilitychange", () => { showLive(); tick(); });

  // What is new goes into the list by itself while nobody reads; else it waits behind "12 new".
  function fresh() {
    const bar = one("#newer a");
    const reading = window.scrollY > 40 || rows().length > PAGE + all(".round").length || one(".row.sel") || one(".list")?.contains(document.activeElement);
    if (bar && !reading) bar.click();
  }

  function announce(text) {
    const region = one("#announce");
    region.textContent = "";
    window.setTimeout(() => { region.textContent = text; }, 50);
  }

  // Copying: the clipboard where the browser gives it, a selection where the page is plain HTTP.
  async function copy(button) {
    const source = button.dataset.copyFrom;
    const text = source ? one(source).textContent : new URL(button.dataset.copy, window.location.href).href;
    const value = source || button.dataset.copyUrl !== undefined ? text : button.dataset.copy;
    try {
      await navigator.clipboard.writeText(value);
    } catch {
      const area = document.createElement("textarea");
      area.value = value;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    const label = button.dataset.label ||= button.textContent;
    const copied = one("#announce").dataset.copied;
    button.textContent = `✓ ${copied}`;
    announce(copied);
    window.setTimeout(() => { button.textContent = label; }, 1500);
  }

  // The list and one request beside it.
  const rows = () => all(".row");
  const selected = () => one(".row.sel");

  function select(row, focus, scroll = true) {
    for (const other of all(".row.sel")) {
      other.classList.remove("sel");
      other.removeAttribute("aria-current");
    }
    row.classList.add("sel");
    row.setAttribute("aria-current", "true");
    if (focus) row.focus();
    if (scroll) row.scrollIntoView({ block: "nearest" });
  }

  let waiting = 0;
  let focusing = ""; // the request whose heading is to be focused as soon as it is there
  function show(row, focusDetail) {
    const address = row.getAttribute("href");
    const pane = one("#detail");
    if (!pane || !WIDE.matches) { window.location.assign(address); return; }
    window.clearTimeout(waiting);
    focusing = focusDetail ? row.dataset.id : "";
    waiting = window.setTimeout(() => {
      const here = new URL(window.location.href);
      here.searchParams.set("open", row.dataset.id);
      window.history.replaceState(null, "", here);
      const inside = new URL(row.dataset.pane, window.location.href);
      window.htmx.ajax("GET", inside.pathname + inside.search, { target: "#detail", swap: "innerHTML" });
    }, focusDetail ? 0 : 120);
  }

  function move(step) {
    const every = rows();
    if (!every.length) return;
    const now = every.indexOf(selected() || document.activeElement);
    const next = every[Math.min(every.length - 1, Math.max(0, now < 0 ? 0 : now + step))];
    select(next, true);
    if (WIDE.matches && one("#detail")) show(next, false);
  }

  function close() {
    const dialog = one("dialog[open]");
    if (dialog) return dialog.close();
    const active = document.activeElement;
    const row = selected();
    focusing = "";
    if (active && /^(INPUT|SELECT|TEXTAREA)$/.test(active.tagName)) return active.blur();
    if (row && one("#detail")?.contains(active)) return row.focus();
    if (row) {
      row.classList.remove("sel");
      row.removeAttribute("aria-current");
      one("#detail").replaceChildren();
      const here = new URL(window.location.href);
      here.searchParams.delete("open");
      window.history.replaceState(null, "", here);
      return undefined;
    }
    return one("[data-back]")?.click();
  }

  // Tabs: sections one under another become tabs; the chosen one stays when another request is opened.
  let tab = window.location.hash.slice(1);
  function tabs(root) {
    for (const box of all("[data-tabs]", root)) {
      const sections = all(":scope > section", box);
      if (!sections.length || one(".tabs", box)) continue;
      const bar = document.createElement("div");
      bar.className = "tabs";
      bar.setAttribute("role", "tablist");
      const choose = (name, focus, by = true) => {
        sections.forEach((section, index) => {
          const chosen = section.id === name;
          section.hidden = !chosen;
          bar.children[index].setAttribute("aria-selected", chosen);
          bar.children[index].tabIndex = chosen ? 0 : -1;
          if (chosen && focus) bar.children[index].focus();
        });
        if (by) tab = name; // what somebody chose stays; what stood first does not
      };
      sections.forEach((section, index) => {
        const heading = one("h2", section);
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = heading.textContent;
        heading.className = "unseen";
        button.setAttribute("role", "tab");
        button.setAttribute("aria-controls", section.id);
        button.id = `tab-${section.id}`;
        section.setAttribute("role", "tabpanel");
        section.setAttribute("aria-labelledby", button.id);
        button.addEventListener("click", () => choose(section.id, false));
        button.addEventListener("keydown", (event) => {
          const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
          if (step) choose(sections[(index + step + sections.length) % sections.length].id, true);
        });
        bar.append(button);
      });
      box.prepend(bar);
      choose(sections.some((section) => section.id === tab) ? tab : sections[0].id, false, false);
    }
  }

  function enhance(root) {
    tabs(root);
    all("[data-submit]", root).forEach((field) => field.addEventListener("change", () => field.form.requestSubmit()));
  }

  document.addEventListener("click", (event) => {
    const target = event.target.closest("a, button");
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (target.matches("[data-copy], [data-copy-from]")) { event.preventDefault(); copy(target); }
    if (target.dataset.open) one(target.dataset.open).showModal();
    if (target.matches(".row") && one("#detail") && WIDE.matches) {
      event.preventDefault();
      select(target, false);
      show(target, false);
    }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[role=search]")) { // an address says what is asked for, and nothing of what is not
      const empty = [...form.elements].filter((one) => one.name && (!one.value || one.value === one.dataset.plain));
      empty.forEach((one) => { one.disabled = true; });
      window.setTimeout(() => empty.forEach((one) => { one.disabled = false; }));
    }
    const asks = event.submitter?.dataset.confirm || form.dataset.confirm;
    if (asks && !window.confirm(asks)) event.preventDefault();
  });

  // Keys. A letter means nothing while somebody writes, nor with a modifier.
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") { if (close() !== undefined) event.preventDefault(); return; }
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (one("dialog[open]")) return;
    if (Date.now() - going < 1500) {
      going = 0;
      one(`[data-go="${window.CSS.escape(event.key)}"]`)?.click();
      return;
    }
    const press = (name) => one(`#detail [data-key="${name}"], .one [data-key="${name}"]`)?.click();
    const keys = {
      j: () => move(1),
      k: () => move(-1),
      Enter: () => { const row = document.activeElement; if (row.matches(".row")) { select(row, false); show(row, true); } else return false; return true; },
      "/": () => one("input[type=search]")?.focus(),
      c: () => press("c"),
      r: () => press("r"),
      g: () => { going = Date.now(); },
      "?": () => one("#keys").showModal(),
    };
    if (Object.hasOwn(keys, event.key) && keys[event.key]() !== false) event.preventDefault();
  });

  localize(document);
  enhance(document);
  // On a phone the navigation is a strip that scrolls by itself: the view that is open is seen in it.
  const here = one("nav [aria-current]");
  if (here) here.parentNode.scrollLeft = here.offsetLeft - here.parentNode.offsetLeft - 40;
  showLive();
  window.htmx.config.timeout = 10000;
  window.setInterval(showLive, 1000);
  window.setInterval(tick, TICK);
})();
