// Answers for the participant's plan when the network does not: nothing else, and only what they
// chose to keep. As long as the network answers, it is asked first.
"use strict";
const KEPT = "evenkeel-plan";
const PLAN = "/crisis/plan";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  const ours = origin === self.location.origin && (pathname === PLAN || pathname.startsWith("/static/"));
  if (ours && event.request.method === "GET") event.respondWith(answer(event.request, pathname));
});

async function answer(request, pathname) {
  try {
    const fresh = await fetch(request);
    if (pathname === PLAN && fresh.ok && !fresh.redirected) await renew(request, fresh.clone());
    return fresh;
  } catch (failure) {
    const kept = await caches.match(request, { cacheName: KEPT, ignoreVary: true });
    if (kept) return kept;
    throw failure;
  }
}

async function renew(request, fresh) {
  if (await caches.has(KEPT)) await (await caches.open(KEPT)).put(request.url, fresh);
}
