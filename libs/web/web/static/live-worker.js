// One for the whole origin: holds the streams of all pages of this browser, two at most, since a
// browser has six connections for an origin and an acknowledgement must find one free.
"use strict";
const MOST = 2;
const RETRY_MS = 5000;
const pages = new Map(); // port -> { urls, seen }
const open = new Map(); // url -> { source, last: Map(id of element -> message), beat }
let turns = 0;

onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => heard(port, data);
};

function heard(port, data) {
  if (data.goodbye) pages.delete(port);
  else pages.set(port, { urls: data.urls, seen: data.front ? ++turns : (pages.get(port)?.seen ?? 0) });
  share();
  if (data.urls && !data.again) data.urls.forEach((url) => catchUp(port, url));
}

// Crisis first, then what the page in front watches.
function share() {
  const wanted = new Map();
  for (const { urls, seen } of pages.values())
    for (const url of urls) wanted.set(url, Math.max(wanted.get(url) ?? 0, seen));
  const rank = (url) => (url.startsWith("/crisis/") ? Infinity : wanted.get(url));
  const chosen = [...wanted.keys()].sort((a, b) => rank(b) - rank(a)).slice(0, MOST);
  for (const url of [...open.keys()]) if (!chosen.includes(url)) close(url);
  chosen.filter((url) => !open.has(url)).forEach(listen);
  for (const [port, { urls }] of pages)
    for (const url of urls) port.postMessage({ url, kind: open.has(url) ? "stream" : "poll" });
}

function listen(url) {
  const source = new EventSource(url);
  const one = { source, last: [], beat: null };
  open.set(url, one);
  source.onopen = () => (one.last = []);
  source.onmessage = ({ data }) => {
    one.last = [...one.last.filter((was) => idOf(was) !== idOf(data)), data];
    tell(url, { kind: "fragment", data });
  };
  source.addEventListener("beat", ({ data }) => {
    one.beat = { data, at: performance.now() };
    tell(url, { kind: "beat", data, after: 0 });
  });
  source.addEventListener("elsewhere", () => again(url, one));
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) again(url, one);
  };
}

// Refused, or taken over by another stream: the pages poll meanwhile.
function again(url, one) {
  one.source.close();
  tell(url, { kind: "poll" });
  setTimeout(() => {
    if (open.get(url) !== one) return;
    open.delete(url);
    share();
  }, RETRY_MS);
}

function close(url) {
  open.get(url).source.close();
  open.delete(url);
}

function catchUp(port, url) {
  const one = open.get(url);
  one?.last.forEach((data) => port.postMessage({ url, kind: "fragment", data }));
  if (one?.beat) {
    const after = (performance.now() - one.beat.at) / 1000;
    port.postMessage({ url, kind: "beat", data: one.beat.data, after });
  }
}

function tell(url, message) {
  for (const [port, { urls }] of pages) if (urls.includes(url)) port.postMessage({ url, ...message });
}

function idOf(fragment) {
  return /\bid="([^"]*)"/.exec(fragment)?.[1];
}
