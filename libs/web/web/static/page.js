// Every page: warns before the sign-in ends, so that nobody loses what they write.
"use strict";
(() => {
  const WARN_SECONDS = 120;
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
  if (left) count(left);

  // A tab in which somebody signed in again tells the others, whose forms are then good again.
  const done = document.querySelector("[data-signed-in]");
  if (done) channel?.postMessage({ left, proof: done.dataset.proof });
  channel?.addEventListener("message", ({ data }) => {
    if (!document.body.dataset.renew) return;
    document.querySelectorAll('input[name="proof"]').forEach((field) => (field.value = data.proof));
    count(data.left);
  });

  window.evenkeel = { say };
})();
