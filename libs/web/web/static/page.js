// Every page: who is active stays signed in; who is not is warned before the sign-in ends, so that
// nobody loses what they write.
"use strict";
(() => {
  const WARN_SECONDS = 120;
  const RENEW_SECONDS = 180;
  const ACTIVE_SECONDS = 300; // and ten minutes of a token: idle for fifteen is signed out
  const LOOK_MS = 5000;
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("evenkeel-signed-in") : null;
  const alert = document.getElementById("alert");
  let timers = [];

  function say(kind, text, link) {
    let line = alert.querySelector(`[data-kind="${kind}"]`);
    if (!text) {
      line?.remove();
      return;
    }
    if (!line) {
      line = document.createElement("p");
      line.dataset.kind = kind;
      alert.append(line);
    }
    if (line.dataset.text === text) return;
    line.dataset.text = text;
    line.textContent = text;
    if (link) {
      const a = document.createElement("a");
      Object.assign(a, { href: link.href, textContent: link.text, target: "_blank", rel: "noopener" });
      line.append(" ", a);
    }
  }

  function count(left) {
    timers.forEach(clearTimeout);
    say("sign-in", "");
    const link = { href: document.body.dataset.renew, text: "Stay signed in" };
    const warn = () => say("sign-in", "You will be signed out in two minutes.", link);
    const ended = () =>
      say("sign-in", "You are signed out. What you wrote is still here.", { ...link, text: "Sign in again" });
    timers = [
      setTimeout(warn, Math.max(left - WARN_SECONDS, 0) * 1000),
      setTimeout(ended, left * 1000),
    ];
  }

  const left = Number(document.body.dataset.left || 0);
  const sign = { until: 0, active: performance.now(), refused: false, renewing: null };

  function adopt({ left, proof }) {
    sign.until = performance.now() + left * 1000;
    document.querySelectorAll('input[name="proof"]').forEach((field) => proof && (field.value = proof));
    count(left);
  }

  function isNeeded() {
    const now = performance.now();
    const idle = (now - sign.active) / 1000;
    const rest = (sign.until - now) / 1000;
    return !sign.refused && rest > 0 && rest < RENEW_SECONDS && idle < ACTIVE_SECONDS;
  }

  // One tab at a time: a refresh token is good once, and the others hear what came of it.
  async function renew() {
    if (!isNeeded()) return;
    const body = new URLSearchParams({ proof: document.querySelector('input[name="proof"]').value });
    const answer = await fetch(document.body.dataset.stay, { method: "POST", body });
    sign.refused = answer.status === 409;
    if (!answer.ok) return;
    const told = await answer.json();
    adopt(told);
    channel?.postMessage(told);
  }

  function stay() {
    if (sign.renewing || !isNeeded()) return;
    sign.renewing = navigator.locks
      .request("evenkeel-renewal", renew)
      .catch(() => {}) // not reached: tried again, and the warning comes
      .finally(() => (sign.renewing = null));
  }

  // A form that is sent meanwhile waits, since its proof is about to change.
  function hold(event) {
    if (!sign.renewing) return;
    event.preventDefault();
    sign.renewing.then(() => event.target.requestSubmit(event.submitter));
  }

  if (left) {
    adopt({ left });
    for (const sort of ["pointerdown", "keydown", "scroll"])
      addEventListener(sort, () => (sign.active = performance.now()), { passive: true, capture: true });
    if (navigator.locks && document.body.dataset.stay) setInterval(stay, LOOK_MS);
    addEventListener("submit", hold);
  }

  // A tab in which somebody signed in again tells the others, whose forms are then good again.
  const done = document.querySelector("[data-signed-in]");
  if (done) channel?.postMessage({ left, proof: done.dataset.proof });
  channel?.addEventListener("message", ({ data }) => {
    if (document.body.dataset.renew) adopt(data);
  });

  window.evenkeel = { say };
})();
