// The local review: it asks this program for parts of the page, and sends what a person decides.
// Nothing comes from elsewhere, and no text from outside is ever run.
"use strict";
(() => {
  const meta = document.querySelector('meta[name="review"]').dataset;
  const base = meta.base;
  const one = (what, where = document) => where.querySelector(what);
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("review", { createHTML: text => text })
    : { createHTML: text => text };

  // ── coming in: the token is in the part of the address that no server sees, and is used once ──
  if (meta.enter) {
    const token = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);
    fetch(`${base}/enter`, {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    }).then(answer => {
      if (answer.ok) return location.replace(`${base}/batch`);
      return fetch(`${base}/state`).then(known => {
        if (known.ok) return location.replace(`${base}/batch`);
        one("#opening").textContent = "This address does not open the review";
        one("#closed").hidden = false;
      });
    }).catch(() => {
      one("#opening").textContent = "The review has ended";
    });
    return;
  }

  // ── asking ──
  const ask = async (address, options = {}) => {
    const answer = await fetch(address, { cache: "no-store", ...options });
    if (answer.status === 403) throw new Error("this browser is not let in any more; begin the review again in the terminal");
    return answer;
  };
  const parts = async address => {
    const answer = await ask(address);
    const held = document.createElement("template");
    held.innerHTML = policy.createHTML(await answer.text());
    return held.content;
  };
  const keep = (what, value) => {
    try { sessionStorage.setItem(what, JSON.stringify(value)); } catch { /* not kept */ }
  };
  const kept = what => {
    try { return JSON.parse(sessionStorage.getItem(what)); } catch { return null; }
  };
  const who = () => {
    try { return localStorage.getItem("pleo-etl-name") || meta.by; } catch { return meta.by; }
  };
  const show = (element, text) => { element.textContent = text; element.hidden = !text; };
  const notice = one("#notice");
  const say = text => {
    show(notice, "");
    requestAnimationFrame(() => show(notice, text));  // also where the same was said before
  };
  if (kept("notice")) show(notice, kept("notice"));
  keep("notice", "");

  // ── acts: each has a name of its own, so that one that is sent twice is done once ──
  const name = () => crypto.randomUUID();
  const send = async (act, said) => {
    const answer = await ask(`${base}/act/${act}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Review-Token": meta.token },
      body: JSON.stringify({ batch: meta.batch, content: meta.content, by: who(), ...said }),
    });
    return answer.json();
  };
  const sentences = (...texts) => texts.filter(Boolean)
    .map(text => text[0].toUpperCase() + text.slice(1)).join(". ");
  const came = (told, act, entry = "") => {
    keep("notice", sentences(told.says, act === "imported" ? "" : told.next));
    const isOut = (act === "release" && told.word === "closed") || told.word === "reversed";
    const after = ["release", "imported", "withdraw", "reissue", "reverse", "settle_imported",
      "settle_not_imported"];
    const goes = (isOut || after.includes(act)) && told.batch ? `${base}/batch/${told.batch}` : `${base}/batch`;
    // What is to be done in Pleo is said at the top; after a release the import is what comes next.
    if (act === "reissue") history.scrollRestoration = "manual";
    else if (isOut) keep("place", { heading: "next-title" });
    else if (!["undo", "again", "already_booked"].includes(act)) keepPlace();
    else keep("place", entry ? { back: entry } : { heading: "questions-title" });
    keep("last", act === "undo" ? "" : entry);
    if (location.pathname === goes) location.reload();
    else location.assign(goes);
  };

  // Where several must approve, one name counts once.
  const isGiven = (act, by) => ["approve", "release"].includes(act) && meta.state === "staged"
    && meta.given.toLowerCase().split("|").includes(by.trim().toLowerCase());

  // The items in the list of what was booked before of which an act can be said.
  const repeats = act => all(`.repeats [data-${act === "already_booked" ? `now="${act}"` : act}]`)
    .map(one => one.dataset.entry || one.dataset[act]);

  let busy = false;
  all("dialog form[data-act]").forEach(form => {
    const dialog = form.closest("dialog");
    const failed = one(".failed", form);
    dialog.addEventListener("close", () => { if (!busy) form.dataset.request = ""; });
    dialog.addEventListener("cancel", event => { if (busy) event.preventDefault(); });
    form.addEventListener("submit", async event => {
      event.preventDefault();
      if (busy || one('button[type="submit"]', form).disabled) return;
      const wrong = all("[required]", form).find(field => !field.value.trim());
      if (wrong) {
        show(failed, "Please fill this in: " + form.querySelector(`label[for="${wrong.id}"]`).textContent);
        wrong.focus();
        return;
      }
      const said = Object.fromEntries(new FormData(form));
      const act = said.settle || form.dataset.act;
      if ("refused" in said) said.refused = said.refused.split("\n").map(text => text.trim()).filter(Boolean);
      if (act === "again") said.entries = said.entry ? [said.entry] : repeats(act);
      if (isGiven(act, said.by)) {
        show(failed, `${said.by.trim()} has approved it already: another person must approve it, too`);
        one('[name="by"]', form).focus();
        return;
      }
      try { localStorage.setItem("pleo-etl-name", said.by); } catch { /* not kept */ }
      form.dataset.request = form.dataset.request || name();
      said.request = form.dataset.request;
      busy = true;
      const button = one('button[type="submit"]', form);
      button.disabled = true;
      show(failed, "");
      if (await change(form)) {
        show(failed, "Above stands now what has changed since you looked at it: read it, then go on");
        busy = button.disabled = false;
        return;
      }
      try {
        let told = await send(act, said);
        if (told.is_running) told = await follow(form);
        if (told.is_done) return came(told, act, said.entry);
        show(failed, sentences(told.says, told.next));
      } catch (error) {
        show(failed, navigator.onLine === false || error instanceof TypeError
          ? "No answer: the review has ended in the terminal, or it broke. Nothing is lost."
          : error.message);
      }
      form.dataset.request = "";
      busy = false;
      button.disabled = false;
    });
  });
  // What changed since it was looked at or approved before stands in the dialog before anybody can
  // go on; for whom depends on the name. A name that is typed is followed without a stop: only where
  // it brings other words than those on the screen they are read first.
  const comparing = new WeakMap();
  const change = (form, isNew = false) => {
    const place = one("[data-changed]", form);
    if (!place) return Promise.resolve(false);
    const by = one('[name="by"]', form).value.trim(), last = comparing.get(form);
    if (last && last.by === by && !isNew) return last.done;
    const compare = { by };
    const find = async () => {
      let found;
      try {
        found = await parts(`${base}/changed/${meta.batch}?by=${encodeURIComponent(by)}`);
      } catch (error) {
        found = error.message;
      }
      if (comparing.get(form) !== compare) return false;
      const before = place.textContent;
      place.replaceChildren(found);
      one('button[type="submit"]', form).disabled = busy;
      return place.textContent !== before;
    };
    comparing.set(form, compare);
    compare.done = find();
    // Who asks later has seen by then what this one has brought.
    compare.done.then(() => { compare.done = Promise.resolve(false); });
    return compare.done;
  };
  all("[data-changed]").forEach(place => {
    const form = place.closest("form");
    let wait = 0;
    one('[name="by"]', form).addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(() => change(form), 300);
    });
  });
  const pause = time => new Promise(done => setTimeout(done, time));
  const follow = async form => {
    const list = one(".progress", form);
    list.hidden = false;
    all("label, input, button[data-close]", form).forEach(part => { part.hidden = true; });
    for (;;) {
      const state = await (await ask(`${base}/state`)).json();
      const steps = state.progress ? state.progress.steps : [];
      list.replaceChildren(...steps.map((text, place) => {
        const line = document.createElement("li");
        line.textContent = text;
        if (place === steps.length - 1 && state.progress.is_running) line.className = "going";
        return line;
      }));
      clock(state);
      if (state.progress && !state.progress.is_running) {
        if (!state.progress.told.is_done) {
          all("label, input, button[data-close]", form).forEach(part => { part.hidden = false; });
        }
        return state.progress.told;
      }
      await pause(500);
    }
  };
  const now = async (button, act, entry) => {
    if (busy) return;
    busy = true;
    button.disabled = true;
    button.dataset.request = button.dataset.request || name();
    try {
      const entries = "all" in button.dataset ? repeats(act) : [entry];
      const told = await send(act, { entry: entry || "", entries, request: button.dataset.request });
      if (told.is_done) return came(told, act, entry);
      show(stale, sentences(told.says, told.next));
    } catch (error) {
      show(stale, error.message);
    }
    busy = false;
    button.disabled = false;
  };

  // ── dialogs ──
  let opener = null;
  const open = (id, fill = () => {}) => {
    const dialog = one(`#dialog-${id}`);
    if (!dialog || dialog.open || one("dialog[open]")) return;
    opener = document.activeElement;
    const form = one("form[data-act]", dialog);
    if (form) {
      form.dataset.request = name();
      show(one(".failed", form), "");
      const by = one('[name="by"]', form);
      if (by && !by.value) by.value = isGiven(form.dataset.act, who()) ? "" : who();
    }
    fill(dialog);
    all(".menu[open]").forEach(menu => { menu.open = false; });
    dialog.showModal();
    const place = form && one("[data-changed]", form);
    if (place) {
      one('button[type="submit"]', form).disabled = true;
      if (!place.children.length) place.textContent = "Comparing with what was looked at before …";
      change(form, true);
    }
    const first = one("textarea, input:not([type=hidden]), button.main", dialog);
    if (first) first.focus();
  };
  all("dialog").forEach(dialog => dialog.addEventListener("close", () => {
    if (opener && opener.isConnected) opener.focus();
  }));
  const reject = article => open("reject", dialog => {
    one('[name="entry"]', dialog).value = article.dataset.item;
    one("#reject-what").textContent = article.dataset.title || article.dataset.item;
    one('[name="text"]', dialog).value = "";
  });
  const trace = async (query, focus) => {
    const place = one("#trace");
    place.textContent = "…";
    open("trace");
    if (focus) opener = focus;
    try {
      place.replaceChildren(await parts(`${base}/trace/${meta.batch}/${shown()}?${query}`));
    } catch (error) {
      place.textContent = error.message;
    }
    place.focus({ preventScroll: true });
    place.closest("dialog").scrollTop = 0;
  };
  const shown = () => {
    const list = one("#list");
    return list ? list.dataset.from.split("/").pop() : meta.revision;
  };

  // ── vouchers ──
  const list = one("#list");
  let selected = null;
  const articles = () => all("article.voucher", list);
  const select = (article, scroll = true) => {
    if (!article) return;
    if (selected) selected.classList.remove("selected");
    selected = article;
    article.classList.add("selected");
    article.focus({ preventScroll: true });
    if (scroll) article.scrollIntoView({ block: "nearest" });
  };
  let loading = null;
  const more = async () => {
    const end = list && one("[data-next]", list);
    if (!end || loading) return loading;
    const query = new URLSearchParams(searched());
    query.set("from", end.dataset.next);
    loading = parts(`${list.dataset.from}?${query}`).then(found => {
      end.replaceWith(found);
      loading = null;
      watch();
    }, error => { loading = null; end.textContent = error.message; });
    return loading;
  };
  const near = new IntersectionObserver(seen => {
    // Only for who comes from above: what is read further down must not be pushed away.
    if (seen.some(entry => entry.isIntersecting && entry.boundingClientRect.top > 0)) more();
  }, { rootMargin: "0px 0px 1200px 0px" });
  // What stood before a person's eyes for a moment counts as looked at, for when it comes again.
  const looked = new Map(), known = new Set();
  const eye = new IntersectionObserver(seen => seen.forEach(entry => {
    const item = entry.target.dataset.item;
    if (!entry.isIntersecting) clearTimeout(looked.get(item));
    else if (!known.has(item)) looked.set(item, setTimeout(() => looked.set(item, "seen"), 800));
  }), { threshold: 0.6 });
  const remember = async () => {
    const entries = [...looked].filter(([, was]) => was === "seen").map(([item]) => item);
    if (busy || meta.state !== "staged" || !one("#dialog-reject") || !entries.length) return;
    entries.forEach(item => { looked.delete(item); known.add(item); });
    const told = await send("seen", { entries, request: name() }).catch(() => ({}));
    if (!told.is_done) entries.forEach(item => known.delete(item));
  };
  const watch = () => {
    near.disconnect();
    eye.disconnect();
    if (list) articles().forEach(article => eye.observe(article));
    const end = list && one("[data-next]", list);
    if (end) near.observe(end);
  };
  const searched = () => {
    const query = {};
    if (one("#find") && one("#find").value.trim()) query.find = one("#find").value.trim();
    if (one("#noted") && one("#noted").checked) query.noted = "1";
    return query;
  };
  let asked = 0;
  const search = async () => {
    const mine = ++asked;
    const found = await parts(`${list.dataset.from}?${new URLSearchParams(searched())}`);
    if (mine !== asked) return;
    const count = one("template[data-found]", found);
    list.replaceChildren(found);
    selected = null;
    const any = Object.keys(searched()).length;
    show(one("#found"), any && count ? `${count.dataset.found} found` : "");
    watch();
  };
  let steps = Promise.resolve();
  const step = way => { steps = steps.then(() => oneStep(way)); };
  const oneStep = async way => {
    const there = articles();
    let place = there.indexOf(selected);
    if (place < 0) {
      place = there.findIndex(article => article.getBoundingClientRect().bottom > 120) - (way > 0 ? 1 : 0);
    }
    if (place + way >= there.length) await more();
    select(articles()[Math.max(0, place + way)]);
  };
  if (list) {
    watch();
    let wait = 0;
    one("#find").addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(search, 200); });
    one("#noted").addEventListener("change", search);
    one(".find").addEventListener("submit", event => { event.preventDefault(); search(); });
    list.addEventListener("focusin", event => {
      const article = event.target.closest("article.voucher");
      if (article && article !== selected) {
        if (selected) selected.classList.remove("selected");
        selected = article;
        article.classList.add("selected");
      }
    });
  }
  const print = async () => {
    all(".menu[open]").forEach(menu => { menu.open = false; });
    while (list && one("[data-next]", list) && articles().length < 1000) await more();
    window.print();
  };
  const find = async (item, opens = true) => {
    let article = articles().find(one => one.dataset.item === item);
    if (!article && list) {
      const found = await parts(`${list.dataset.from}?item=${encodeURIComponent(item)}`);
      article = one("article.voucher", found);
      if (article) list.prepend(article);
    }
    if (article) { select(article, false); article.scrollIntoView({ block: "start" }); }
    else if (opens) trace(`item=${encodeURIComponent(item)}`);
  };
  const back = item => {
    const link = one(`.repeats a[data-item="${CSS.escape(item)}"]`);
    if (!link) return find(item, false);
    link.focus({ preventScroll: true });
    link.scrollIntoView({ block: "center" });
  };
  const undo = () => {
    const last = kept("last");
    const button = (selected && one("[data-undo]", selected))
      || (last && one(`[data-undo="${CSS.escape(last)}"]`));
    if (button) button.click();
    else say("There is nothing to undo here: u takes back what was said of the voucher that is selected, or else what you said last.");
  };

  // ── files ──
  all("article.file").forEach(file => {
    file.addEventListener("click", async event => {
      const shape = event.target.closest("[data-shape]");
      const turn = event.target.closest("[data-turn]");
      const cell = event.target.closest("td[data-column]");
      const line = event.target.closest(".raw li");
      if (shape) {
        all("[data-shape]", file).forEach(one => one.setAttribute("aria-pressed", String(one === shape)));
        one("table.cells", file).hidden = shape.dataset.shape === "raw";
        one("ol.raw", file).hidden = shape.dataset.shape !== "raw";
      } else if (turn) {
        turn.disabled = true;
        const found = await parts(`${file.dataset.from}/${turn.dataset.turn}`);
        const end = one("template[data-end]", found).dataset;
        const body = one("table.cells tbody", file), raw = one("ol.raw", file);
        if (body) body.append(...all("tbody tr", found));
        if (raw) raw.append(...all("ol li", found));
        turn.dataset.turn = Number(end.end) + 1;
        turn.disabled = false;
        one(".turn span", file).textContent = `${end.end} of ${end.lines} lines`;
        if (Number(end.end) >= Number(end.lines)) turn.hidden = true;
      } else if (cell || (line && getSelection().isCollapsed)) {
        cellOf(file, cell || line);
      }
    });
    const first = one("td[data-column]", file);
    if (first) first.tabIndex = 0;
    file.addEventListener("keydown", event => {
      const cell = event.target.closest("td[data-column]");
      if (!cell) return;
      const row = cell.parentElement;
      const way = {
        ArrowRight: () => cell.nextElementSibling, ArrowLeft: () => cell.previousElementSibling,
        ArrowDown: () => row.nextElementSibling && row.nextElementSibling.cells[cell.cellIndex],
        ArrowUp: () => row.previousElementSibling && row.previousElementSibling.cells[cell.cellIndex],
        Home: () => row.cells[1], End: () => row.cells[row.cells.length - 1],
      }[event.key];
      if (way) {
        const next = way();
        event.preventDefault();
        if (next && next.matches("td")) { cell.tabIndex = -1; next.tabIndex = 0; next.focus(); }
      } else if (event.key === "Enter") {
        event.preventDefault();
        cellOf(file, cell);
      }
    });
  });
  const cellOf = (file, cell) => {
    const query = new URLSearchParams({ file: file.dataset.file, row: cell.closest("[data-row]").dataset.row });
    if (cell.dataset.column) query.set("column", cell.dataset.column);
    trace(query, cell.matches("td") ? cell : null);
  };

  // ── clicks and keys ──
  document.addEventListener("click", event => {
    const hit = what => event.target.closest(what);
    const button = hit("button, a[data-item]");
    if (!hit(".menu")) all(".menu[open]").forEach(menu => { menu.open = false; });
    if (!button) return;
    const data = button.dataset;
    if (data.dialog) open(data.dialog);
    else if ("close" in data) button.closest("dialog").close();
    else if ("print" in data) print();
    else if (data.reject) reject(button.closest("article"));
    else if (data.trace) trace(`item=${encodeURIComponent(data.trace)}`);
    else if (data.row) trace(new URLSearchParams({ file: data.file, row: data.row }), button);
    else if (data.undo) now(button, "undo", data.undo);
    else if (data.now) now(button, data.now, data.entry);
    else if (data.again) {
      open("again-one", dialog => {
        const what = one("span", button.closest("li")).cloneNode(true);
        one('[name="entry"]', dialog).value = data.again;
        all("a.out", what).forEach(link => link.remove());
        all("a", what).forEach(link => link.replaceWith(...link.childNodes));
        one("#again-what").replaceChildren(what);
      });
    } else if (data.answer) {
      open("answer", dialog => {
        one('[name="code"]', dialog).value = data.answer;
        one("#answer-what").textContent = data.meaning;
        one('[name="text"]', dialog).value = "";
      });
    } else if (data.item) { event.preventDefault(); find(data.item); }
    else if (button.parentElement.matches("[data-next]")) more();
  });
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, textarea, select, dialog[open]")) {
      if (event.key === "Escape" && event.target.id === "find") { event.target.value = ""; event.target.blur(); search(); }
      return;
    }
    const key = event.key;
    const on = event.target.closest("article.voucher");
    if (key === "j" || key === "k") { event.preventDefault(); if (list) step(key === "j" ? 1 : -1); }
    else if (key === "r" && selected && one("[data-reject]", selected)) { event.preventDefault(); reject(selected); }
    else if (key === "u" && list) undo();
    else if (key === "Enter" && on === event.target && on) { event.preventDefault(); trace(`item=${encodeURIComponent(on.dataset.item)}`, on); }
    else if (key === "a") { event.preventDefault(); const main = one(".acts .main"); if (main) main.click(); }
    else if (key === "/" && one("#find")) { event.preventDefault(); one("#find").focus(); }
    else if (key === "?") { event.preventDefault(); open("help"); }
  });

  // ── the place on the page is kept when it is made anew ──
  const keepPlace = () => {
    const place = selected ? articles().indexOf(selected) : -1;
    keep("place", {
      y: scrollY, place, item: selected ? selected.dataset.item : "",
      top: selected ? selected.getBoundingClientRect().top : 0,
    });
  };
  const was = kept("place"), heading = was && was.heading && one(`#${was.heading}`);
  keep("place", null);
  if (heading) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    heading.scrollIntoView();
  } else if (was && was.back) {
    back(was.back);
  } else if (was && list && "y" in was) {
    const there = articles();
    const article = there.find(one => one.dataset.item === was.item) || there[was.place];
    scrollTo(0, was.y);
    if (article) {
      select(article, false);
      scrollBy(0, article.getBoundingClientRect().top - was.top);
    }
  }

  // ── the minutes that are left, by Pleo's clock, and whether this page still shows what is ──
  const stale = one("#stale");
  let seconds = null, since = 0, warned = "";
  const tell = () => {
    const place = one("#clock");
    if (!place || seconds === null) return;
    const left = Math.max(0, seconds - (performance.now() - since) / 1000);
    const minutes = Math.floor(left / 60);
    one("#minutes").textContent = minutes;
    place.classList.toggle("few", minutes < 10);
    for (const limit of ["10", "5", "2"]) {
      if (minutes < Number(limit) && warned !== limit && (!warned || Number(limit) < Number(warned))) {
        warned = limit;
        show(notice, `${minutes === 1 ? "1 minute" : minutes + " minutes"} left until Pleo ends the export. What you reviewed is kept in any case.`);
      }
    }
  };
  const clock = state => {
    if (state.seconds === null) return;
    seconds = state.seconds;
    since = performance.now();
    tell();
  };
  // A page that is opened while a release goes on shows how far it is, as the one that began it.
  const resume = async () => {
    const dialog = one("#dialog-release");
    if (!dialog || busy || one("dialog[open]")) return;
    const button = one('button[type="submit"]', dialog);
    busy = button.disabled = true;
    dialog.showModal();
    const told = await follow(one("form", dialog));
    if (told.is_done) return came(told, "release");
    show(one(".failed", dialog), sentences(told.says, told.next));
    busy = button.disabled = false;
  };
  const look = async () => {
    if (busy || document.hidden) return;
    try {
      const state = await (await ask(`${base}/state?batch=${meta.batch}`)).json();
      clock(state);
      if (state.progress && state.progress.is_running) return await resume();
      if (state.is_lapsed && !one(".clock.off")) {
        show(stale, "Pleo has ended the export; nothing of it went out. Export the items again in Pleo, then fetch them here: what you reviewed is remembered. Reload the page.");
      } else if (meta.batch && (state.content !== meta.content || state.state !== meta.state)) {
        show(stale, "This batch has changed since the page was made. Reload the page to see it as it is.");
      }
    } catch {
      show(stale, "The review has ended in the terminal. Nothing is lost: begin it again with pleo-etl review --web.");
    }
  };
  const first = one("#clock");
  if (first && first.dataset.seconds) clock({ seconds: Number(first.dataset.seconds) });
  if (meta.batch || meta.live) {
    look();
    setInterval(tell, 1000);
    setInterval(look, 15000);
    setInterval(remember, 30000);
    document.addEventListener("visibilitychange", () => { look(); remember(); });
  }
  if (meta.state && location.hash.startsWith("#item=")) find(decodeURIComponent(location.hash.slice(6)));
})();
