// Pictures: both waveforms over the floor's history, and small builders of elements.

const WINDOW_MS = 30_000;
const FLOOR_DB = 60;

/** An element. No markup is ever parsed: what callers say stays text. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((it) => it !== null && it !== undefined && it !== false));
  return element;
}

/** Keeps the children of `parent` as `items` are; an element whose look did not change stays. */
export function keyed(parent, items, key, make, look) {
  const known = new Map([...parent.children].map((it) => [it.dataset.key, it]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item)), shown = look(item);
    let element = known.get(name);
    known.delete(name);
    if (!element || element.dataset.look !== shown) {
      const fresh = make(item);
      fresh.dataset.key = name;
      fresh.dataset.look = shown;
      if (element) { if (element === place) place = fresh; element.replaceWith(fresh); }
      element = fresh;
    }
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  known.forEach((element) => element.remove());
}

/** Replaces what `parent` holds when `look` changed. */
export function filled(parent, look, ...children) {
  if (parent.dataset.look === look) return;
  parent.dataset.look = look;
  parent.replaceChildren(...children.filter((it) => it !== null && it !== false && it !== undefined));
}

export function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1_000)), two = (n) => String(n).padStart(2, "0");
  return s >= 3_600 ? `${Math.floor(s / 3_600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

export const ms = (value) => (value === null || value === undefined ? "–" : `${Math.round(value)} ms`);

/** Both waveforms, the floor between them, and the moments when somebody interrupted. */
export function scope(canvas, line) {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (width === 0) return;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const style = getComputedStyle(canvas), colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, height);
  const band = 8, middle = height / 2, half = middle - band / 2 - 4;
  const end = line ? Math.max(line.clock(), 1_000) : WINDOW_MS, start = end - WINDOW_MS;
  const x = (t) => ((t - start) / WINDOW_MS) * width;
  c.strokeStyle = colour("rule");
  c.fillStyle = colour("faint");
  c.font = "10px system-ui, sans-serif";
  c.lineWidth = 1;
  for (let t = Math.ceil(start / 5_000) * 5_000; t < end; t += 5_000) {
    if (t < 0) continue;
    c.beginPath();
    c.moveTo(Math.round(x(t)) + 0.5, 0);
    c.lineTo(Math.round(x(t)) + 0.5, height);
    c.stroke();
    if (x(t) < width - 40) c.fillText(clock(t), x(t) + 4, height - 4);
  }
  if (line) {
    const step = (100 / WINDOW_MS) * width, thick = Math.max(1, step - 0.8);
    for (const bar of line.bars) {
      if (bar.t < start) continue;
      const left = x(bar.t) - step;
      if (bar.speech) { c.fillStyle = colour("caller-tint"); c.fillRect(left, 0, step + 0.5, middle - band / 2); }
      c.fillStyle = colour("caller");
      const heard = size(bar.heard) * half, sent = size(bar.sent) * half;
      c.fillRect(left, middle - band / 2 - 3 - heard, thick, heard);
      c.fillStyle = colour(sourceAt(line, bar.t) ?? "nobody");
      c.fillRect(left, middle + band / 2 + 3, thick, sent);
    }
    line.spans.forEach((span, n) => {
      const to = line.spans[n + 1]?.t ?? end;
      if (to < start) return;
      c.fillStyle = colour(span.source ?? "calm");
      c.fillRect(Math.max(0, x(span.t)), middle - band / 2, x(to) - Math.max(0, x(span.t)), band);
    });
    for (const mark of line.marks) {
      if (mark.t < start || mark.kind !== "barge") continue;
      c.fillStyle = colour("alarm");
      c.fillRect(x(mark.t) - 0.75, 0, 1.5, height);
    }
    line.marks = line.marks.filter((mark) => mark.t >= start);
  }
  c.fillStyle = colour("muted");
  c.fillText("caller", 8, 13);
  c.fillText("line", 8, middle + band / 2 + 13);
}

const size = (dbov) => Math.max(0, Math.min(1, (dbov + FLOOR_DB) / FLOOR_DB));

function sourceAt(line, t) {
  let source = null;
  for (const span of line.spans) { if (span.t > t) break; source = span.source; }
  return source;
}
