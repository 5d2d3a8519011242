// Live regions: <div id="cases" data-live="/crisis/fragments/cases" data-stream="/crisis/stream">.
// The stream comes through the one worker of the origin, else through a stream of this page, else
// the page asks every five seconds, as it always does for a region without a stream. A push never
// moves the focus and never loses what is typed: a page without htmx has neither in its regions.
"use strict";
(() => {
  const STALE_SECONDS = 10;
  const POLL_MS = 5000;
  const POLITE_MS = 5000;
  const worker = document.currentScript.dataset.worker;
  const regions = new Map([...document.querySelectorAll("[data-live]")].map((one) => [one.id, one]));
  if (!regions.size) return;

  const { say } = window.evenkeel;
  const status = document.getElementById("status");
  const fresh = document.querySelector("[data-fresh]");
  const pause = document.querySelector("[data-pause]");
  const state = { fresh: now(), beat: now(), polling: false, paused: false, signedOut: false, asking: false, clock: null };
  const held = new Map();
  const announced = new Set();
  let polite = [];

  function now() {
    return performance.now() / 1000;
  }

  // One stream for each service, of all its regions.
  function streams() {
    const names = new Map();
    for (const region of regions.values()) {
      const { stream, live } = region.dataset;
      if (!stream) continue;
      names.set(stream, [...(names.get(stream) ?? []), live.split("/fragments/").pop()]);
    }
    return [...names].map(([stream, of]) => `${stream}?of=${of.sort().join(",")}`);
  }

  function show(html) {
    const root = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
    const region = root && regions.get(root.id);
    if (!region) return;
    announce(root);
    if (!root.querySelector('[data-say="alert"]')) say("news", "");
    if (state.paused) {
      held.set(root.id, html);
      return;
    }
    if (window.htmx) htmx.swap({ target: region, sourceElement: region, text: root.innerHTML, swap: "innerMorph" });
    else if (region.innerHTML !== root.innerHTML) region.replaceChildren(...root.childNodes);
  }

  // <span data-say="alert" data-say-id="case-7F3K">New case 7F3K</span>: said once for each id.
  function announce(root, silently = false) {
    for (const one of root.querySelectorAll("[data-say-id]")) {
      if (announced.has(one.dataset.sayId)) continue;
      announced.add(one.dataset.sayId);
      if (silently) continue;
      const text = one.dataset.sayText || one.textContent.trim();
      if (one.dataset.say === "alert") say("news", text);
      else polite.push(text);
    }
  }

  function sayPolitely() {
    if (!polite.length) return;
    const line = document.createElement("p");
    line.textContent = polite.length > 3 ? `${polite.length} changes` : polite.join(". ");
    status.replaceChildren(line);
    polite = [];
  }

  function heard(message) {
    if (message.kind === "fragment") show(message.data);
    if (message.kind === "poll") state.polling = true;
    if (message.kind === "stream") state.polling = false;
    if (message.kind !== "beat") return;
    const { now: clock, age } = JSON.parse(message.data);
    state.beat = now() - message.after;
    state.fresh = state.beat - age;
    state.clock = clock;
    state.signedOut = false;
  }

  // One at a time: a server that hangs must not use up the connections of this browser.
  async function poll() {
    if (state.asking) return;
    state.asking = true;
    try {
      for (const region of regions.values()) {
        const signal = AbortSignal.timeout(POLL_MS);
        const answer = await fetch(region.dataset.live, { headers: { "HX-Request": "true" }, signal });
        state.signedOut = answer.status === 401;
        if (!answer.ok) return;
        show(await answer.text());
      }
      state.fresh = now();
    } catch {
      return; // not reached: the page says by itself how old it is
    } finally {
      state.asking = false;
    }
  }

  function look() {
    const old = Math.round(now() - state.fresh);
    const stale = old > STALE_SECONDS;
    const link = { href: document.body.dataset.renew, text: "Sign in again" };
    if (state.signedOut && stale) say("stale", "You are signed out, and this page is not updated any more.", link);
    else if (stale) say("stale", "This page is not up to date. It tries to reach us again by itself.");
    else say("stale", "");
    if (!fresh) return;
    const what = state.paused ? "Paused. " : "";
    fresh.textContent = old < 2 ? `${what}Up to date` : `${what}Updated ${old} seconds ago`;
    fresh.parentElement.classList.toggle("old", stale);
  }

  function viaWorker(urls) {
    const { port } = new SharedWorker(worker, { name: "evenkeel-live" });
    const greet = (again) => port.postMessage({ urls, front: !document.hidden, again });
    port.onmessage = ({ data }) => heard(data);
    greet(false);
    document.addEventListener("visibilitychange", () => greet(true));
    addEventListener("pagehide", () => port.postMessage({ goodbye: true }));
    addEventListener("pageshow", ({ persisted }) => persisted && greet(false));
  }

  // Without the worker: the newest pages of a browser stream, the others ask until they are in front.
  function byItself(urls) {
    const open = new Map();
    const listen = (url) => {
      const source = new EventSource(url);
      open.set(url, source);
      state.polling = false;
      const give = () => {
        source.close();
        open.delete(url);
        state.polling = true;
      };
      source.onmessage = ({ data }) => heard({ kind: "fragment", data });
      source.onerror = () => source.readyState === EventSource.CLOSED && give();
      source.addEventListener("beat", ({ data }) => heard({ kind: "beat", data, after: 0 }));
      source.addEventListener("elsewhere", give);
    };
    const missing = () => urls.filter((url) => !open.has(url)).forEach(listen);
    missing();
    document.addEventListener("visibilitychange", () => document.hidden || missing());
  }

  function start() {
    regions.forEach((region) => announce(region, true));
    const urls = streams();
    if (!urls.length) state.polling = true;
    else if ("SharedWorker" in window) viaWorker(urls);
    else byItself(urls);
    setInterval(look, 1000);
    setInterval(() => (state.polling || now() - state.beat > STALE_SECONDS) && poll(), POLL_MS);
    setInterval(sayPolitely, POLITE_MS);
    if (!pause) return;
    pause.hidden = false;
    pause.addEventListener("click", () => {
      state.paused = !state.paused;
      pause.setAttribute("aria-pressed", String(state.paused));
      if (state.paused) return;
      const waiting = [...held.values()];
      held.clear();
      waiting.forEach(show);
    });
  }

  start();
})();
