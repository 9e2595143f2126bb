// The way to the line: requests with this tab's session, and the stream of events.
//
// The session's secret lives in sessionStorage, so it belongs to this tab and this port alone, and is
// sent in a header by this page only: a request of another page has no authority.

const KEY = "xenline-session";
const BASE = "/api/v1";
// The line says every 15 s that it is there; one that is silent for longer is gone.
const SILENT_MS = 40_000;
const AGAIN_MS = [500, 1_000, 2_000, 4_000, 8_000];

export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.message ?? `the line answered with ${status}`);
    this.status = status;
  }
}

let locked = () => {};

/** Called whenever the line does not know this tab. */
export function onLocked(tell) { locked = tell; }

export function hasSession() { return sessionStorage.getItem(KEY) !== null; }

/** Opens the page with a code or with the line's token. */
export async function open(secret) {
  const body = /^[0-9a-f]{48}$/.test(secret) ? { code: secret } : { token: secret };
  const answer = await fetch(`${BASE}/session`, { method: "POST", body: JSON.stringify(body) });
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, json);
  sessionStorage.setItem(KEY, json.session);
}

/** Sends a request as this tab. */
export async function send(method, path, body, headers = {}) {
  const authorization = `Bearer ${sessionStorage.getItem(KEY) ?? ""}`;
  const answer = await fetch(BASE + path, { method, body, headers: { ...headers, Authorization: authorization } });
  if (answer.status === 401) locked();
  if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => undefined));
  return answer;
}

export const get = async (path) => (await send("GET", path)).json();
export const post = async (path, body = {}) => (await send("POST", path, JSON.stringify(body))).json();
export const remove = async (path) => (await send("DELETE", path)).json();
export const blob = async (path) => (await send("GET", path)).blob();

/**
 * Reads a stream of events for good: broken, it is opened again after the last event that was seen.
 * `tell` gets { event, id, data }; `state` gets true while the line is there, else the seconds until
 * the next try. Returns a function that ends it.
 */
export function stream(path, first, tell, state) {
  const end = new AbortController();
  (async () => {
    let last = null, tries = 0;
    while (!end.signal.aborted) {
      try {
        await read(path + (last === null ? first : ""), last, end.signal, (event) => {
          if (event.id) last = event.id;
          if (event.event === "reset") last = null;
          tell(event);
        }, () => { tries = 0; state(true); });
      } catch (error) {
        if (end.signal.aborted) return;
        if (error.status === 400) last = null;
      }
      if (end.signal.aborted) return;
      const wait = AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)];
      state(Math.ceil(wait / 1_000));
      await new Promise((done) => setTimeout(done, wait));
    }
  })();
  return () => end.abort();
}

async function read(path, last, ended, tell, opened) {
  const broken = new AbortController();
  const stop = () => broken.abort();
  ended.addEventListener("abort", stop);
  let silence = setTimeout(stop, SILENT_MS);
  try {
    const headers = { Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}` };
    if (last !== null) headers["Last-Event-ID"] = last;
    const answer = await fetch(BASE + path, { headers, signal: broken.signal, cache: "no-store" });
    if (answer.status === 401) locked();
    if (!answer.ok) throw new Refused(answer.status);
    opened();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(stop, SILENT_MS);
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      blocks.map(parsed).filter((it) => it !== null).forEach(tell);
    }
  } finally {
    clearTimeout(silence);
    ended.removeEventListener("abort", stop);
  }
}

/** One event of the stream; null is a sign of life. */
function parsed(block) {
  const event = { event: "message", id: "", data: "" };
  for (const line of block.split("\n")) {
    const at = line.indexOf(":");
    if (at <= 0) continue;
    const value = line.slice(at + 1).replace(/^ /, "");
    event[line.slice(0, at)] = value;
  }
  if (event.data === "") return null;
  try { event.data = JSON.parse(event.data); } catch { return null; }
  return event;
}
