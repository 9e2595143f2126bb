// What is known of the line, made of its events alone. No page in here.

// A call that lasts all day must not fill the tab.
const ENTRIES_MAX = 600, CLAIMS_MAX = 200, TURNS_MAX = 100, BARS_MAX = 400, CLOSED_MAX = 6;

const RANK = ["operator", "system", "responder", "worker", "external"];

/** Every line by its number, newest call last. */
export class State {
  lines = new Map();
  queue = null;
  draining = null;

  /** Takes an event in; returns the line that changed, if one did. */
  take({ event, data }) {
    if (event === "reset") return void this.lines.clear();
    if (event === "queue") return void (this.queue = data);
    if (event === "draining") return void (this.draining = data);
    if (event === "gap") return void this.lines.forEach((line) => line.note(`${data.missed} events were missed`, line.t));
    if (event === "level") {
      const line = this.lines.get(data.line);
      line?.level(data);
      return line;
    }
    if (event !== "call") return undefined;
    if (data.type === "call_opened" || !this.lines.has(data.line)) this.lines.set(data.line, new Line(data.line));
    const line = this.lines.get(data.line);
    line.take(data);
    if (line.closed) this.forget();
    return line;
  }

  forget() {
    const closed = [...this.lines.values()].filter((line) => line.closed);
    closed.slice(0, -CLOSED_MAX).forEach((line) => this.lines.delete(line.id));
  }

  open() { return [...this.lines.values()].filter((line) => !line.closed); }
}

export class Line {
  opened = {}; closed = null;
  t = 0; seen = performance.now();
  entries = []; claims = new Map(); turns = [];
  partial = ""; partialBy = null; speaking = false; paused = false;
  floor = { holder: null, source: null, why: "", t: 0 };
  spans = [{ t: 0, source: null }]; marks = []; bars = []; legs = new Map(); now = new Map(); left = new Set();
  operator = false; brain = true; count = 0;

  constructor(id) { this.id = id; }

  /** Milliseconds since the answer, now. */
  clock() { return this.closed ? this.t : this.t + (performance.now() - this.seen); }

  level(level) {
    this.at(level.t_ms);
    const leg = level.leg ?? 0;
    // It was measured before, and came after.
    if (leg !== 0 && this.left.has(leg)) return;
    this.now.set(leg, level);
    // What the line sends is the same for every leg; what is heard is the loudest of them.
    if (leg === 0) {
      this.bars.push({ t: level.t_ms, heard: level.heard_dbov, sent: level.sent_dbov, speech: level.speech });
      if (this.bars.length > BARS_MAX) this.bars.splice(0, this.bars.length - BARS_MAX);
    } else if (this.bars.length > 0) {
      const bar = this.bars[this.bars.length - 1];
      bar.heard = Math.max(bar.heard, level.heard_dbov);
    }
  }

  at(t) { if (t >= this.t) { this.t = t; this.seen = performance.now(); } }

  take(it) {
    this.at(it.t_ms);
    const act = ACTS[it.type];
    if (act) act(this, it, it.t_ms);
  }

  add(entry) {
    entry.key = `${this.id}-${this.count++}`;
    this.entries.push(entry);
    if (this.entries.length > ENTRIES_MAX) this.entries.shift();
    return entry;
  }

  note(text, t, tone = "") { this.add({ kind: "note", text, t, tone }); }

  claim(id) {
    if (!this.claims.has(id)) {
      this.claims.set(id, { id, source: "external", text: "", turn: null, heard: "", ending: null, state: "waiting" });
      if (this.claims.size > CLAIMS_MAX) this.claims.delete(this.claims.keys().next().value);
    }
    return this.claims.get(id);
  }

  leg(id) { return this.legs.get(id)?.label ?? (id === 0 ? "the caller" : `leg ${id}`); }

  turn(number) { return this.turns.find((turn) => turn.turn === number); }

  /** Claims that wait, in the order of those who may speak first, each with what it waits for. */
  behind() {
    const waiting = [...this.claims.values()].filter((it) => !it.ending && it.id !== this.floor.holder);
    waiting.sort((a, b) => RANK.indexOf(a.source) - RANK.indexOf(b.source) || a.t - b.t);
    const first = this.operator ? "the operator has the floor"
      : this.floor.holder ? `${this.floor.source} has the floor`
      : this.speaking ? "the caller speaks" : this.floor.why || "about to speak";
    return waiting.map((claim, n) => ({ claim, why: n === 0 ? first : `behind ${waiting[n - 1].source}` }));
  }
}

const DOES = { caller: "", listen: "listens", whisper: "whispers to the agent", barge_in: "speaks to everybody" };

const ACTS = {
  call_opened(line, it) { line.opened = it; },
  call_closed(line, it, t) {
    line.closed = it; line.partial = "";
    line.note(`call over, ended by ${it.hangup_by}${it.reason ? `: ${it.reason}` : ""}`, t);
  },
  caller_vad(line, it) { line.speaking = it.on; },
  onset(line, it, t) { line.marks.push({ t, kind: "onset" }); },
  verdict(line, it, t) {
    if (it.verdict !== "speech") line.note(`not an interruption: ${it.verdict} (${Math.round(it.decide_ms)} ms)`, t);
  },
  partial(line, it) { line.partial = it.text; line.partialBy = it.speaker ?? null; },
  caller_turn(line, it, t) {
    line.partial = "";
    if (it.barged_in) line.marks.push({ t: it.times.speech_start_ms || t, kind: "barge" });
    line.add({ kind: "caller", by: it.speaker ?? "caller", text: it.text, t: it.times.speech_start_ms || t, barged: it.barged_in });
    line.turns.push({ turn: it.turn, times: it.times, text: it.text });
    if (line.turns.length > TURNS_MAX) line.turns.shift();
  },
  not_understood(line, it, t) { line.partial = ""; line.note("something was said that was not understood", t); },
  claim_accepted(line, it, t) {
    Object.assign(line.claim(it.claim), { source: it.source, text: it.text, turn: it.turn ?? null, t });
    const turn = it.turn && line.turn(it.turn);
    if (turn && !turn.claim) Object.assign(turn, { claim: it.claim, accepted: t });
  },
  floor(line, it, t) {
    line.floor = { holder: it.holder, source: it.source, why: it.why, t };
    line.operator = it.why === "operator takes over" || (line.operator && it.why !== "operator hands back");
    if (it.why === "operator takes over") line.note("the operator took over", t, "operator");
    if (it.why === "operator hands back") line.note("the operator handed back", t, "operator");
    line.spans.push({ t, source: line.operator ? "operator" : it.source });
    if (line.spans.length > BARS_MAX) line.spans.shift();
    if (it.holder) line.claim(it.holder).state = "has the floor";
    stamp(line, it.holder, "granted", t);
  },
  first_synth(line, it, t) { stamp(line, it.claim, "synth", t); },
  first_sample(line, it, t) {
    const claim = line.claim(it.claim);
    claim.state = "speaking";
    stamp(line, it.claim, "sample", t);
    if (!claim.shown) { claim.shown = true; line.add({ kind: "claim", claim, t }); }
  },
  paused(line, it) { line.paused = true; line.claim(it.claim).state = "paused"; },
  resumed(line, it) { line.paused = false; line.claim(it.claim).state = "speaking"; },
  revoked(line, it) { line.claim(it.claim).state = it.why || "revoked"; },
  claim_ended(line, it, t) {
    Object.assign(line.claim(it.claim), { ending: it.ending, reason: it.reason ?? null, heard: it.heard_text, over: t, state: it.ending });
  },
  brain_up(line, it, t) { if (!line.brain) line.note("the brain is back", t); line.brain = true; },
  brain_down(line, it, t) { line.brain = false; line.note(`the brain is away: ${it.reason}`, t, "bad"); },
  job_started(line, it, t) { line.note(`work began: ${it.label}`, t); },
  job_finished(line, it, t) { line.note(`work done: ${it.outcome}`, t); },
  dtmf(line, it, t) { line.note(`key ${it.digit}`, t); },
  note(line, it, t) { line.note(it.text, t); },
  leg_joined(line, it, t) { line.legs.set(it.leg, it); line.note(`${it.label} joined over the ${it.door}${DOES[it.part] ? ` and ${DOES[it.part]}` : ""}`, t); },
  leg_part(line, it, t) { line.note(it.muted ? `${line.leg(it.leg)} is muted` : `${line.leg(it.leg)} ${DOES[it.part] || "is heard"}`, t, "operator"); },
  leg_left(line, it, t) {
    const who = line.leg(it.leg), why = it.reason.startsWith(`${who}: `) ? it.reason.slice(who.length + 2) : it.reason;
    line.note(why === "left" ? `${who} left` : `${who} left: ${why}`, t);
    line.legs.delete(it.leg);
    line.now.delete(it.leg);
    line.left.add(it.leg);
  },
  operator_said(line, it) { line.add({ kind: "caller", by: "operator", source: "operator", text: it.text, t: it.speech_start_ms }); },
};

function stamp(line, claim, what, t) {
  const turn = claim && line.turns.find((it) => it.claim === claim);
  if (turn && turn[what] === undefined) turn[what] = t;
}

export const HOPS = ["silence", "recogniser", "endpoint", "brain", "governor", "voice", "playout"];

/** How the time from the caller's last word to the first of the reply was spent, in ms per hop. */
export function hops(turn) {
  const { speech_end_ms: end, vad_off_ms: off, decode_start_ms: begun, decode_end_ms: done, endpoint_ms: at } = turn.times;
  if (turn.sample === undefined) return null;
  const stt = Math.max(0, Math.min(done, at) - Math.max(begun, off));
  const granted = turn.granted ?? turn.accepted, synth = Math.max(granted, Math.min(turn.synth ?? granted, turn.sample));
  const parts = [off - end, stt, at - off - stt, turn.accepted - at, granted - turn.accepted, synth - granted, turn.sample - synth];
  return { parts: parts.map((ms) => Math.max(0, ms)), total: turn.sample - end };
}
