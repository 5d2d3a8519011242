// The participant's plan: kept on this phone, or taken off it, as they choose.
"use strict";
(() => {
  const KEPT = "evenkeel-plan";
  const SCOPE = "/crisis/plan";
  const section = document.querySelector("[data-plan-worker]");
  if (!section || !("serviceWorker" in navigator) || !("caches" in window)) return;
  const keep = section.querySelector("[data-keep]");
  const remove = section.querySelector("[data-remove]");
  const say = (text) => (document.getElementById("status").textContent = text);

  async function show() {
    const kept = await caches.has(KEPT);
    keep.textContent = kept ? "Keep it anew" : "Keep it on this phone";
    remove.hidden = !kept;
    section.hidden = false;
  }

  keep.addEventListener("click", async () => {
    try {
      const files = [...document.querySelectorAll("link[rel=stylesheet], link[rel=icon], script[src]")];
      const plan = await fetch(SCOPE);
      if (!plan.ok || plan.redirected) throw new Error("signed out");
      const cache = await caches.open(KEPT);
      await cache.put(SCOPE, plan);
      await cache.addAll(files.map((file) => file.href || file.src));
      await navigator.serviceWorker.register(section.dataset.planWorker, { scope: SCOPE });
      await navigator.serviceWorker.ready;
      say("Your plan is kept on this phone.");
    } catch {
      await caches.delete(KEPT);
      say("Your plan could not be kept on this phone. You can print it.");
    }
    await show();
  });

  remove.addEventListener("click", async () => {
    await caches.delete(KEPT);
    const worker = await navigator.serviceWorker.getRegistration(SCOPE);
    await worker?.unregister();
    say("Your plan is no longer on this phone.");
    await show();
  });

  show();
})();
