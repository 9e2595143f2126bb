// The live call: who is on, who speaks, what is said, and how long everything took.

import { HOPS, hops } from "./state.js";
import { clock, filled, h, keyed, ms, scope } from "./draw.js";

const $ = (id) => document.getElementById(id);
const NAMES = { caller: "caller", operator: "operator", system: "the line", responder: "agent", worker: "worker", external: "program" };
// A microphone that is shut, or comfort noise.
const SILENT_DB = -90;
const name = (source) => NAMES[source] ?? source ?? "nobody";

export class Live {
  chosen = null;
  /** Figures of open calls, by line, as the line tells them. */
  figures = new Map();

  constructor(state) {
    this.state = state;
    filled($("hops"), "hops", ...HOPS.map((hop, n) => h("li", {}, h("i", { className: `hop-${n}` }), hop)));
  }

  /** The line that is looked at: the one that was chosen, else the newest that is open. */
  line() {
    const { lines } = this.state, open = this.state.open();
    if (this.chosen !== null && lines.has(this.chosen)) return lines.get(this.chosen);
    return open[open.length - 1] ?? [...lines.values()].pop() ?? null;
  }

  choose(id) { this.chosen = id; this.draw(); }

  step(by) {
    const ids = this.listed().map((it) => it.id), at = ids.indexOf(this.line()?.id);
    if (ids.length) this.choose(ids[(at + by + ids.length) % ids.length]);
  }

  listed() {
    const known = [...this.state.lines.values()];
    // Calls that have only figures: echo lines, and those of which the stream has forgotten the start.
    const others = [...this.figures.values()].filter((it) => !this.state.lines.has(it.line)).map((it) => ({ id: it.line, bare: it }));
    return [...known, ...others].sort((a, b) => b.id - a.id);
  }

  draw() {
    const line = this.line();
    this.calls(line);
    this.head(line);
    this.floor(line);
    this.transcript(line);
    this.behind(line);
    this.turns(line);
    this.claims(line);
    const gone = !line || line.closed;
    for (const id of ["take", "release", "hang-up"]) $(id).disabled = gone;
    $("take").setAttribute("aria-pressed", String(Boolean(line?.operator)));
  }

  /** What moves all the time: pictures, meters and clocks. */
  tick() {
    const line = this.line();
    scope($("scope"), line);
    const level = line?.now.get(0), db = (it) => (line && !line.closed && it !== undefined ? (it > SILENT_DB ? `${it} dB` : "silent") : "–");
    const legs = line ? [...line.now.keys()].filter((leg) => leg !== 0).sort((a, b) => a - b) : [];
    filled($("meters"), JSON.stringify([level?.heard_dbov, level?.sent_dbov, legs.map((it) => line.now.get(it).heard_dbov), line?.closed ? 1 : 0]),
      h("span", {}, "caller ", h("b", {}, db(level?.heard_dbov))), h("span", {}, "line ", h("b", {}, db(level?.sent_dbov))),
      ...legs.map((leg) => h("span", {}, `${line.legs.get(leg)?.label ?? `leg ${leg}`} `, h("b", {}, db(line.now.get(leg).heard_dbov)))),
      h("span", { className: "grow" }), h("span", {}, "30 s"));
    for (const time of document.querySelectorAll("time[data-line]")) {
      const of = this.state.lines.get(Number(time.dataset.line));
      const text = of ? clock(of.clock()) : "";
      if (of && time.textContent !== text) time.textContent = text;
    }
  }

  calls(current) {
    const listed = this.listed();
    if (listed.length === 0) return filled($("open-list"), "none", h("li", { className: "none" }, "No call is open."));
    if ($("open-list").dataset.look) { delete $("open-list").dataset.look; $("open-list").replaceChildren(); }
    keyed($("open-list"), listed, (it) => it.id, (it) => this.card(it, current),
      (it) => JSON.stringify([it.id === current?.id, Boolean(it.closed), it.speaking, it.floor?.source, it.operator, this.figures.get(it.id)?.stats, it.opened?.caller]));
  }

  card(line, current) {
    const figures = this.figures.get(line.id), stats = line.closed?.stats ?? figures?.stats;
    const who = line.bare ? line.bare.caller : line.opened.caller;
    const state = line.closed ? "over" : line.bare ? "open" : line.operator ? "operator" : line.speaking ? "caller speaks" : line.floor.source ? `${name(line.floor.source)} speaks` : "listening";
    const dot = line.closed ? "" : line.speaking ? "caller" : "good";
    return h("li", {}, h("button", { type: "button", "aria-pressed": String(line.id === current?.id), className: line.closed ? "over" : "", onclick: () => this.choose(line.id) },
      h("span", { className: "who" }, h("i", { className: `dot ${dot}` }), who || `line ${line.id}`, h("time", { "data-line": line.bare ? null : line.id }, line.bare ? clock(line.bare.seconds * 1_000) : clock(line.clock()))),
      h("span", { className: "what" }, `line ${line.id} · ${state}`),
      stats && h("span", { className: "what", title: "MOS, loss, jitter" }, `MOS ${stats.mos_estimated.toFixed(1)} · ${percent(stats)} · ${stats.jitter_ms.toFixed(1)} ms`)));
  }

  head(line) {
    if (!line) return filled($("call-head"), "none", h("strong", {}, "No call"), h("span", {}, "Call the line, or press Talk."));
    // What came by a door has no codec of the line's own, and a name that is not shown says nothing.
    const shown = (it, nothing) => (it && it !== nothing ? it : "");
    const { caller, trunk } = line.opened, called = shown(line.opened.called, "…"), codec = shown(line.opened.codec, "carried"), stats = line.closed?.stats ?? this.figures.get(line.id)?.stats;
    const figure = (what, value) => h("span", {}, `${what} `, h("b", {}, value));
    filled($("call-head"), JSON.stringify([line.id, line.opened, stats, line.closed]),
      h("strong", {}, caller || `line ${line.id}`), h("span", {}, [called && `to ${called}`, trunk && `over ${trunk}`, codec].filter(Boolean).join(", ")),
      h("span", {}, h("time", { "data-line": line.id }, clock(line.clock()))),
      stats && figure("MOS", stats.mos_estimated.toFixed(2)), stats && figure("loss", percent(stats)),
      stats && figure("jitter", `${stats.jitter_ms.toFixed(1)} ms`), stats && figure("buffer", `${Math.round(stats.playout_delay_ms)} ms`),
      line.closed && h("span", { className: "tag" }, `ended by ${line.closed.hangup_by}`));
  }

  floor(line) {
    const floor = line?.floor, holder = floor?.holder ? line.claims.get(floor.holder) : null;
    const who = !line || line.closed ? "Nobody" : line.operator ? "The operator has the floor" : holder ? `${capital(name(floor.source))} has the floor` : line.speaking ? "The caller speaks" : "The floor is free";
    const kind = !line || line.closed ? "" : line.operator ? "operator" : holder ? floor.source : line.speaking ? "caller" : "";
    $("floor").className = `floor ${kind ? `fl-${kind}` : ""}`;
    filled($("floor"), JSON.stringify([who, floor?.why, holder?.text, line?.paused]), h("b", {}, who),
      floor?.why && !line.closed && h("span", { className: "why" }, floor.why), holder && h("span", { className: "says" }, holder.text));
  }

  transcript(line) {
    const box = $("transcript-box"), list = $("transcript");
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    keyed(list, line?.entries ?? [], (it) => it.key, entry, (it) => (it.kind === "claim" ? JSON.stringify([it.claim.ending, it.claim.heard, it.claim.state]) : "once"));
    $("partial").hidden = !line?.partial;
    $("partial").textContent = line?.partial ? `${line.partialBy ? `${line.partialBy}: ` : ""}${line.partial} …` : "";
    if (atEnd) box.scrollTop = box.scrollHeight;
  }

  behind(line) {
    const waiting = line && !line.closed ? line.behind() : [], program = this.waiting ?? [];
    const none = waiting.length + program.length === 0;
    filled($("behind"), JSON.stringify([none, waiting.map((it) => [it.claim.id, it.why]), program.map((it) => [it.claim, it.expires_in_s])]),
      none && h("li", { className: "none" }, "Nobody waits."),
      ...waiting.map(({ claim, why }) => h("li", {}, h("span", { className: `by by-${claim.source}` }, name(claim.source)), h("small", {}, why), h("small", {}, ""), h("span", { className: "words" }, claim.text))),
      ...program.map((it) => h("li", {}, h("span", { className: `by by-${it.source}` }, name(it.source)), h("small", {}, it.to ? `waits for ${it.to}` : "waits for a call"),
        h("small", {}, it.expires_in_s !== undefined && it.expires_in_s !== null ? `${it.expires_in_s} s left` : ""), h("span", { className: "words" }, it.text))));
  }

  turns(line) {
    const timed = (line?.turns ?? []).map((turn) => ({ turn, hops: hops(turn) })).filter((it) => it.hops).slice(-8);
    const most = Math.max(1_000, ...timed.map((it) => it.hops.total));
    filled($("turns"), JSON.stringify([line?.id, timed.map((it) => it.hops)]),
      timed.length === 0 && h("p", { className: "none" }, "No reply yet."),
      ...timed.map(({ turn, hops: { parts, total } }) => {
        const told = HOPS.map((hop, n) => `${hop} ${Math.round(parts[n])} ms`).join(", ");
        const track = h("div", { className: "track", role: "img", "aria-label": told, title: `${turn.text}\n${told}` }, ...parts.map((part, n) => {
          const bar = h("i", { className: `hop-${n}` });
          bar.style.width = `${(part / most) * 100}%`;
          return bar;
        }));
        return h("div", { className: "turn" }, h("span", { className: "name" }, String(turn.turn)), track, h("span", { className: "ms" }, ms(total)));
      }));
  }

  claims(line) {
    const claims = [...(line?.claims.values() ?? [])].reverse().slice(0, 40);
    filled($("claims"), JSON.stringify([line?.id, claims.map((it) => [it.id, it.state, it.reason])]),
      claims.length === 0 && h("li", { className: "none" }, "None yet."),
      ...claims.map((it) => h("li", {}, h("span", { className: `by by-${it.source}` }, name(it.source)), h("small", { title: it.id }, it.turn ? `turn ${it.turn}` : it.id),
        h("span", { className: `tag ${tone(it.ending)}`, title: it.reason ?? "" }, it.state), h("span", { className: "words" }, it.text))));
  }
}

function entry(it) {
  const time = h("time", {}, clock(it.t));
  if (it.kind === "note") return h("li", { className: "note" }, time, h("span", { className: `by by-${it.tone === "operator" ? "operator" : "note"}` }, "·"), h("span", { className: "words" }, it.text));
  if (it.kind === "caller") return h("li", {}, time, h("span", { className: `by by-${it.source ?? "caller"}` }, it.by), h("span", { className: "words" }, it.text, it.barged && h("span", { className: "tag cut" }, "interrupts")));
  const { claim } = it, by = h("span", { className: `by by-${claim.source}` }, name(claim.source));
  if (!claim.ending) return h("li", {}, time, by, h("span", { className: "words saying" }, claim.text, claim.state === "paused" && h("span", { className: "tag" }, "paused")));
  const heard = claim.heard ?? "", rest = claim.text.startsWith(heard) ? claim.text.slice(heard.length) : "";
  return h("li", {}, time, by, h("span", { className: "words" }, claim.ending === "spoken" ? claim.text : heard,
    claim.ending !== "spoken" && rest && h("span", { className: "unheard" }, rest), claim.ending !== "spoken" && h("span", { className: `tag ${tone(claim.ending)}` }, claim.ending)));
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
const tone = (ending) => (ending === "spoken" ? "ok" : ending === null ? "" : ["interrupted", "failed", "refused"].includes(ending) ? "cut" : "");

function percent(stats) {
  const all = stats.rtp_received + stats.rtp_lost;
  return all === 0 ? "–" : `${((stats.rtp_lost / all) * 100).toFixed(1)} %`;
}
