// The console: puts the parts together. Everything it shows it has from the events and the actions of
// /api/v1, which other programs may use as well.

import { get, hasSession, onLocked, open, post, remove, stream } from "./api.js";
import { State } from "./state.js";
import { filled, h } from "./draw.js";
import { Live } from "./live.js";
import { Lanes, Past, Queue } from "./views.js";
import { Talk } from "./talk.js";

const $ = (id) => document.getElementById(id);
const FIGURES_MS = 2_000, STATUS_MS = 5_000, TOAST_MS = 5_000, ARMED_MS = 4_000;

const MODES = {
  say: ["Say something through the line's voice…", "Waits its turn behind answers and alerts.", (text, line) => post("/say", { text, ...(line ? { line } : { must_deliver: true }) })],
  operator: ["Speak as the operator…", "Goes before everybody else.", (text, line) => post("/operator/say", { text, ...(line && { line }) })],
  whisper: ["Tell the agent…", "The caller does not hear it.", (text, line) => post("/operator/whisper", { text, ...(line && { line }) })],
  type: ["Write to the agent…", "A conversation in writing; the answer is in lane xen-out.", (text) => post("/type", { text, from: "page" })],
};

const state = new State(), live = new Live(state), past = new Past(), queue = new Queue(), lanes = new Lanes();
const talk = new Talk($("talk-audio"), (text) => { $("talk-state").textContent = text; showTalk(); });
queue.tell = toast;
let view = "live", dirty = true, status = null, connected = false, running = false;

// --- what is told ---

function toast(text, bad = false) {
  if (!text) return;
  const note = h("p", { className: bad ? "bad" : "" }, text);
  $("toasts").append(note);
  while ($("toasts").children.length > 4) $("toasts").firstElementChild.remove();
  setTimeout(() => note.remove(), TOAST_MS);
}

const told = (reply) => {
  const one = (Array.isArray(reply) ? reply[0] : reply) ?? {};
  const words = { accepted: "accepted", kept: "kept", calling: one.state };
  return one.message ?? words[one.answer] ?? one.answer;
};

async function act(ask) {
  try { toast(told(await ask())); return true; } catch (error) { toast(error.message, true); return false; }
}

// --- the session ---

onLocked(() => lock());

function lock(error = "") {
  running = false;
  $("login-error").textContent = error;
  if (!$("login").open) $("login").showModal();
  $("secret").focus();
}

$("login").addEventListener("cancel", (event) => event.preventDefault());
$("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await open($("secret").value.trim());
    $("secret").value = "";
    $("login").close();
    run();
  } catch (error) { $("login-error").textContent = error.message; }
});

async function begin() {
  const code = location.hash.slice(1);
  // Used or not, it stands in no history.
  if (code) history.replaceState(null, "", location.pathname);
  if (/^[0-9a-f]{48}$/.test(code)) {
    try { await open(code); } catch (error) { if (!hasSession()) return lock(error.message); }
  }
  return hasSession() ? run() : lock();
}

let endStream = () => {};

function run() {
  running = true;
  endStream();
  endStream = stream("/events", "?after=0", (event) => {
    if (["call", "queue", "reset"].includes(event.event) && event.data?.type !== "partial") refresh();
    state.take(event);
    dirty = true;
  }, (there) => {
    if (connected === false && there === true) refresh();
    connected = there === true;
    $("lost").hidden = connected;
    document.body.dataset.connected = String(connected);
    if (!connected) $("lost").textContent = `No connection to the line. Trying again in ${there} s…`;
    dirty = true;
  });
  refresh();
}

// --- what is asked for now and then ---

let due = 0;
/** Soon, and once for many events. */
function refresh() { due = Math.min(due, performance.now() + 150); }

async function poll() {
  if (running && connected && performance.now() >= due && document.visibilityState === "visible") {
    due = performance.now() + (state.open().length ? FIGURES_MS : STATUS_MS);
    try {
      const [now, calls] = await Promise.all([get("/status"), get("/calls"), queue.load()]);
      status = now;
      live.figures = new Map(calls.lines.map((it) => [it.line, it]));
      live.waiting = queue.claims.filter((it) => it.state === "waiting");
      if (!document.body.dataset.ready) document.body.dataset.ready = "true";
      dirty = true;
    } catch { /* the stream says when the line is away */ }
  }
  setTimeout(poll, 100);
}

function chips() {
  const it = status, calls = live.figures.size;
  const chip = (text, value, dot, bad = false) => h("li", { className: bad ? "bad" : "" }, dot && h("i", { className: `dot ${dot}` }), text && `${text} `, value !== null && h("b", {}, value));
  const brain = it && it.process.agent ? (it.brain_up ? "connected" : "away") : it ? "none" : "–";
  const look = [connected, brain, calls, it?.queued, it?.paused, it?.tick_late_us_p999, it?.process.strained, it?.process.routes_down, state.draining];
  filled($("chips"), JSON.stringify(look), chip("", connected ? "live" : "away", connected ? "good" : "bad", !connected),
    chip("brain", brain, brain === "away" ? "bad" : brain === "connected" ? "good" : "", brain === "away"), chip("calls", String(calls)),
    it && chip("queue", it.paused ? `${it.queued}, paused` : String(it.queued)), it && chip("tick late p99.9", `${(it.tick_late_us_p999 / 1_000).toFixed(1)} ms`),
    it?.process.strained && chip("at its limit", null, "bad", true), ...(it?.process.routes_down ?? []).map((route) => chip(route, null, "bad", true)), state.draining && chip("draining", `${state.draining.left_s} s`, "bad", true));
}

function frame() {
  if (dirty) { dirty = false; live.draw(); chips(); }
  if (view === "live") live.tick();
  requestAnimationFrame(frame);
}

// --- views, modes, colours ---

function show(name) {
  view = name;
  for (const button of document.querySelectorAll("nav [data-view]")) {
    if (button.dataset.view === name) button.setAttribute("aria-current", "page"); else button.removeAttribute("aria-current");
    $(`view-${button.dataset.view}`).hidden = button.dataset.view !== name;
  }
  if (name === "past") past.load();
  if (name === "queue") queue.load().catch((error) => toast(error.message, true));
  if (name === "lanes") lanes.load().catch((error) => toast(error.message, true));
}

const mode = () => document.querySelector("input[name=mode]:checked").value;

function setMode(name) {
  document.querySelector(`input[name=mode][value=${name}]`).checked = true;
  const [placeholder, help] = MODES[name];
  $("words").placeholder = placeholder;
  $("mode-help").textContent = help;
}

function write(name) { show("live"); setMode(name); $("words").focus(); }

const THEMES = { auto: ["◐", "as the system"], light: ["○", "light"], dark: ["●", "dark"] };

function theme(name) {
  const [sign, word] = THEMES[name] ?? THEMES.auto;
  if (name === "auto") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = name;
  $("theme").textContent = sign;
  $("theme").setAttribute("aria-label", `Colours: ${word}`);
  $("theme").title = `Colours: ${word}`;
  localStorage.setItem("xenline-theme", name);
}

// --- what can be done ---

const here = () => { const line = live.line(); return line && !line.closed ? line.id : undefined; };
// An operator who sits there takes the floor with a voice, any other by word alone.
const take = () => act(() => (talk.operates(here()) ? talk.takePart("barge_in") : post("/operator/take", { line: here() })));
const release = () => act(() => (talk.operates(here()) && talk.part === "barge_in" ? talk.takePart("listen") : post("/operator/release", { line: here() })));

/** What ends something for somebody is pressed twice. */
function twice(button, what, then) {
  let timer = null;
  const word = button.firstChild.textContent;
  const calm = () => { clearTimeout(timer); timer = null; button.classList.remove("armed"); button.firstChild.textContent = word; };
  button.addEventListener("click", () => {
    if (timer !== null) { calm(); then(); return; }
    button.classList.add("armed");
    button.firstChild.textContent = what;
    timer = setTimeout(calm, ARMED_MS);
  });
  button.addEventListener("blur", () => { if (timer !== null) calm(); });
}

function showTalk() {
  $("talk").setAttribute("aria-pressed", String(talk.isOn));
  $("talk").firstChild.textContent = talk.isOn ? "End talk" : "Talk";
  const operates = talk.operates(talk.line);
  $("talk-part").disabled = talk.isOn && !operates;
  // The operator may take part in another way meanwhile, and a caller stays one.
  for (const option of $("talk-part").options) option.disabled = operates && ["caller", "join"].includes(option.value);
  if (operates) $("talk-part").value = talk.part;
  $("mute").hidden = !talk.isOn;
  if (!talk.isOn) $("mute").setAttribute("aria-pressed", "false");
}

async function toggleTalk() {
  if (talk.isOn) return talk.stop("The talk is over.");
  // A caller has a line of its own, or sits down with who is on the line already.
  const chosen = $("talk-part").value;
  const [part, line] = chosen === "join" ? ["caller", here()] : [chosen, chosen === "caller" ? undefined : here()];
  try { await talk.start(part, line); } catch (error) { toast(error.name === "NotAllowedError" ? "The browser gives no microphone." : error.message, true); $("talk-state").textContent = ""; }
  showTalk();
}

function toggleMute() {
  const muted = $("mute").getAttribute("aria-pressed") !== "true";
  $("mute").setAttribute("aria-pressed", String(muted));
  talk.mute(muted);
}

$("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("words").value.trim();
  if (text && await act(() => MODES[mode()][2](text, here()))) $("words").value = "";
});
$("dial").addEventListener("submit", async (event) => {
  event.preventDefault();
  const number = $("number").value.replace(/[\s()/-]/g, "");
  if (number && await act(() => post("/calls", { number }))) $("number").value = "";
});
for (const input of document.querySelectorAll("input[name=mode]")) input.addEventListener("change", () => setMode(mode()));
for (const button of document.querySelectorAll("nav [data-view]")) button.addEventListener("click", () => show(button.dataset.view));
$("take").addEventListener("click", take);
$("release").addEventListener("click", release);
$("talk").addEventListener("click", toggleTalk);
$("talk-part").addEventListener("change", () => { if (talk.operates(talk.line)) act(() => talk.takePart($("talk-part").value)); });
$("mute").addEventListener("click", toggleMute);
$("pause").addEventListener("click", () => queue.pause(true));
$("resume").addEventListener("click", () => queue.pause(false));
$("past-again").addEventListener("click", () => past.load());
$("lanes-again").addEventListener("click", () => lanes.load());
$("help-open").addEventListener("click", () => $("help").showModal());
$("theme").addEventListener("click", () => { const names = Object.keys(THEMES); theme(names[(names.indexOf(localStorage.getItem("xenline-theme") ?? "auto") + 1) % names.length]); });
twice($("hang-up"), "Press again to hang up", () => act(() => remove(`/calls/${here()}`)));
twice($("drain"), "Press again to drain", () => act(() => post("/drain")));
window.addEventListener("pagehide", () => { if (talk.isOn) talk.stop(); });

// --- keys ---

const KEYS = {
  1: () => show("live"), 2: () => show("past"), 3: () => show("queue"), 4: () => show("lanes"),
  j: () => live.step(1), k: () => live.step(-1), "/": () => write("say"), o: () => write("operator"), w: () => write("whisper"),
  t: take, r: release, c: toggleTalk, m: () => { if (talk.isOn) toggleMute(); },
  h: () => { $("hang-up").focus(); $("hang-up").click(); }, "?": () => $("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input:not([type=radio]):not([type=checkbox]), select, textarea, audio");
  if (event.key === "Escape" && field && !event.target.closest("dialog")) return event.target.blur();
  if (field || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (document.querySelector("dialog[open]") || localStorage.getItem("xenline-keys") === "off") return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
$("keys-on").checked = localStorage.getItem("xenline-keys") !== "off";
$("keys-on").addEventListener("change", () => localStorage.setItem("xenline-keys", $("keys-on").checked ? "on" : "off"));

theme(localStorage.getItem("xenline-theme") ?? "auto");
setMode("say");
showTalk();
requestAnimationFrame(frame);
poll();
begin();
