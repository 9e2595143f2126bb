// What is not live: past calls, the say-queue, lanes.

import { blob, get, post, remove, stream } from "./api.js";
import { clock, filled, h, keyed, ms } from "./draw.js";

const $ = (id) => document.getElementById(id);
const LANE_ROWS = 100;

/** Calls that are over. */
export class Past {
  chosen = null; urls = [];

  async load() {
    $("past-none").hidden = true;
    try {
      const { calls } = await get("/past?last=100");
      keyed($("past-list"), calls, (it) => it.id, (it) => this.row(it), (it) => JSON.stringify(it));
      $("past-none").hidden = calls.length > 0;
      $("past-none").textContent = "No call is on record yet.";
    } catch (error) {
      $("past-list").replaceChildren();
      $("past-none").hidden = false;
      $("past-none").textContent = error.message;
    }
  }

  row(call) {
    const at = call.answered_unix_ms ? new Date(call.answered_unix_ms).toLocaleString([], { dateStyle: "short", timeStyle: "short" }) : call.id;
    return h("tr", { "aria-selected": String(call.id === this.chosen) }, h("td", {}, h("button", { type: "button", onclick: () => this.show(call.id) }, at)), h("td", {}, call.caller),
      h("td", { className: "n" }, clock(call.duration_ms)), h("td", { className: "n" }, call.barge_ins ? `${call.turns} (${call.barge_ins} cut in)` : String(call.turns)),
      h("td", { className: "n" }, ms(call.reply_ms_p50)), h("td", {}, call.ending));
  }

  async show(id) {
    this.chosen = id;
    for (const row of $("past-list").children) row.setAttribute("aria-selected", String(row.dataset.key === id));
    this.urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
    const panel = $("past-call");
    panel.replaceChildren(h("p", { className: "none" }, "Reading…"));
    try {
      const call = await get(`/past/${encodeURIComponent(id)}`);
      if (this.chosen !== id) return;
      const { summary } = call, figure = (what, value) => h("div", {}, h("dt", {}, what), h("dd", {}, value));
      // Of a call of which no packet came there is nothing to measure.
      const heard = (value) => (summary.rtp_received ? value : "–");
      const lost = summary.rtp_received + summary.rtp_lost ? (summary.rtp_lost / (summary.rtp_received + summary.rtp_lost)) * 100 : 0;
      panel.replaceChildren(h("h2", {}, `Call ${id}`),
        h("dl", { className: "figures" }, figure("caller", summary.caller || "–"), figure("lasted", clock(summary.duration_ms)), figure("reply p50 / p95", `${ms(summary.reply_ms_p50)} / ${ms(summary.reply_ms_p95)}`),
          figure("MOS", heard(summary.mos_estimated.toFixed(2))), figure("loss", heard(`${lost.toFixed(1)} %`)), figure("jitter", heard(`${summary.jitter_ms.toFixed(1)} ms`)), figure("interruptions", String(summary.interruptions)), figure("ended by", summary.hangup_by || "–")));
      if (call.sound) panel.append(h("p", {}, h("button", { type: "button", id: "listen", onclick: (event) => this.listen(id, event.currentTarget) }, "Listen")));
      panel.append(h("ol", { className: "spoken" }, ...call.conversation.map(said)));
      if (call.picture) this.picture(id, panel);
      panel.focus();
    } catch (error) { panel.replaceChildren(h("p", { className: "error" }, error.message)); }
  }

  async picture(id, panel) {
    const src = await this.fetched(`/past/${encodeURIComponent(id)}/picture.png`).catch(() => null);
    if (src && this.chosen === id) panel.append(h("img", { src, alt: "The call drawn: floor, waveforms and reply times" }));
  }

  async listen(id, button) {
    button.disabled = true;
    const src = await this.fetched(`/past/${encodeURIComponent(id)}/audio.wav`).catch(() => null);
    if (this.chosen !== id) return;
    if (!src) return void (button.textContent = "There is no sound");
    const audio = h("audio", { src, controls: true, "aria-label": "Recording: caller left, line right" });
    button.replaceWith(audio);
    audio.focus();
    audio.play().catch(() => {});
  }

  async fetched(path) {
    const url = URL.createObjectURL(await blob(path));
    this.urls.push(url);
    return url;
  }
}

const WHO = { responder: "agent", system: "the line", external: "program" };

function said(it) {
  const caller = it.who === "caller", words = caller ? it.text : it.heard;
  const rest = !caller && it.ending !== "spoken" && it.text.startsWith(it.heard) ? it.text.slice(it.heard.length) : "";
  return h("li", {}, h("time", { className: "hint" }, clock(it.t_ms)), h("span", { className: `by by-${caller ? "caller" : it.source}` }, caller ? it.speaker ?? "caller" : WHO[it.source] ?? it.source),
    h("span", { className: "words" }, words, rest && h("span", { className: "unheard" }, rest), (it.interrupts || rest) && h("span", { className: "tag cut" }, caller ? "interrupts" : it.ending)));
}

/** What other programs want said. */
export class Queue {
  claims = [];

  async load() {
    const { claims, paused, journal } = await get("/queue");
    this.claims = claims;
    $("pause").disabled = paused;
    $("resume").disabled = !paused;
    $("queue-state").textContent = journal ? `Nothing new is accepted: ${journal}` : paused ? "Paused: nothing is said for other programs." : claims.length === 0 ? "" : `${claims.filter((it) => it.state !== "ended").length} wait or are being said.`;
    this.draw();
  }

  draw() {
    filled($("queue"), JSON.stringify(this.claims), this.claims.length === 0 && h("li", { className: "none" }, "Empty."), ...this.claims.map((it) => {
      const state = it.state === "on_line" ? `on line ${it.line}` : it.state === "ended" ? it.ending : "waits for a call";
      const withdraw = it.state === "ended" ? h("span", { className: `tag ${it.ending === "spoken" ? "ok" : ""}` }, it.ending)
        : h("button", { type: "button", className: "quiet", "aria-label": `Withdraw ${it.claim}`, onclick: () => this.withdraw(it.claim) }, "Withdraw");
      const notes = [state, `${it.age_s} s old`, it.expires_in_s !== undefined && it.expires_in_s !== null && `${it.expires_in_s} s left`, it.must_deliver && "must be delivered", it.to && `for ${it.to}`, it.reason];
      return h("li", {}, h("span", { className: `by by-${it.source}` }, it.source), h("small", { title: it.claim }, notes.filter(Boolean).join(" · ")), withdraw, h("span", { className: "words" }, it.text));
    }));
  }

  withdraw(claim) { return this.act(() => remove(`/queue/${encodeURIComponent(claim)}`)); }
  pause(paused) { return this.act(() => post(`/queue/${paused ? "pause" : "resume"}`)); }

  async act(ask) {
    try { this.tell((await ask()).message); } catch (error) { this.tell(error.message, true); }
    await this.load().catch(() => {});
  }
}

/** The lanes, and one of them as it goes on. */
export class Lanes {
  rows = []; end = () => {};

  async load() {
    const { lanes } = await get("/lanes");
    keyed($("lanes"), lanes, (it) => it.lane, (it) => h("tr", { "aria-selected": String(it.lane === this.chosen) }, h("td", {}, h("button", { type: "button", onclick: () => this.follow(it.lane) }, it.lane)),
      h("td", { className: "n" }, String(it.entries)), h("td", { className: "n" }, String(it.last)), h("td", {}, it.groups.map((group) => `${group.name}: ${group.behind} behind, ${group.pending} open`).join("; ") || "–")), (it) => JSON.stringify(it));
  }

  follow(lane) {
    this.end();
    this.chosen = lane;
    this.rows = [];
    for (const row of $("lanes").children) row.setAttribute("aria-selected", String(row.dataset.key === lane));
    $("lane-title").textContent = lane;
    this.draw();
    const [tag, rest] = lane.split(":");
    this.end = stream(`/lanes/${encodeURIComponent(tag)}${rest ? `:${encodeURIComponent(rest)}` : ""}/events`, "?after=0", ({ event, id, data }) => {
      this.rows.push({ event, id, data });
      if (this.rows.length > LANE_ROWS) this.rows.shift();
      this.draw();
    }, (there) => { if (there !== true) $("lane-title").textContent = `${lane}: not to be read, trying again`; else $("lane-title").textContent = lane; });
  }

  draw() {
    filled($("lane"), `${this.chosen}-${this.rows.length}-${this.rows.at(-1)?.id}`, this.rows.length === 0 && h("li", { className: "none" }, "Nothing yet."),
      ...this.rows.map((row) => h("li", {}, h("small", {}, row.id), h("small", {}, row.data?.from ?? row.event), h("small", {}, ""), h("span", { className: "words" }, typeof row.data === "string" ? row.data : row.data?.text ?? JSON.stringify(row.data)))).reverse());
  }
}
