// Puts the time axis and the list into the page.

function makeAxis(ops) {
  view.ops = ops;
  view.box = document.getElementById("plots");
  view.line = element("div", { id: "cursor", hidden: true });
  view.brush = element("div", { id: "brush", hidden: true });
  view.range = element("span", { class: "soft" });
  view.note = element("div", { id: "readout" }, "Point at a moment to read it. Drag to zoom into a stretch, Ctrl and wheel to zoom, Shift and wheel or ← → to move, n and p for the next failure or unknown.");
  view.box.tabIndex = 0;
  view.box.setAttribute("role", "group");
  view.box.setAttribute("aria-label", "the run on one time axis; arrow keys move it, plus and minus zoom, 0 shows all, n and p go to the next failure or unknown");
  const button = (text, title, onclick) => element("button", { type: "button", title, "aria-label": title, onclick }, text);
  view.box.append(element("div", { class: "bar" },
    button("◀", "earlier", () => pan(-0.3)), button("▶", "later", () => pan(0.3)), button("+", "zoom in", () => zoom(0.5)), button("−", "zoom out", () => zoom(2)),
    button("all", "show the whole run", everything), ...violationButton(ops),
    button("next ✕ △", "go to the next failure or unknown", () => view.jump(1)), element("span", { class: "grow" }), view.range), view.note);
  view.jump = by => jump(ops, by);
  view.onrange = () => { view.range.textContent = about.orderOnly ? "only the order is known, not the times" : seconds(view.from) + " to " + seconds(view.to); };
  view.readout = t => readout(t);
  view.box.hidden = false;
  document.documentElement.classList.add("js");
  addTracks(ops);
  view.box.append(view.brush, view.line);
  view.box.addEventListener("keydown", onKey);
}

function addTracks(ops) {
  if (about.phases.length) addTrack(phasesTrack());
  faultTracks().forEach(addTrack);
  if (about.leaders.length) addTrack(leadersTrack());
  if (about.clocks.length) addTrack(clocksTrack());
  if (!about.orderOnly) {
    addTrack(rateTrack(ops));
    addTrack(latencyTrack(ops));
  }
  if (about.marks.length) addTrack(marksTrack());
  const clients = clientsTrack(ops);
  addTrack(clients);
  clients.plot.addEventListener("scroll", redraw, { passive: true });
}

// violationButton leads to the moment that proves a violation.
function violationButton(ops) {
  const proof = about.evidence.map(e => find(ops, e)).filter(i => i >= 0);
  if (!proof.length) return [];
  return [element("button", { type: "button", onclick: () => {
    const from = Math.min(...proof.map(i => ops.start[i])), to = Math.max(...proof.map(i => endOf(ops, i)));
    const room = Math.max((to - from) * 0.4, 2000);
    show(from - room, to + room);
  } }, "the violation")];
}

// jump goes to the next operation that is not ok, after the cursor.
function jump(ops, by) {
  const t = view.cursor >= 0 ? view.cursor : view.from;
  let i = firstAtOrAfter(ops.n, k => ops.start[k], by > 0 ? t + 0.001 : t) - (by > 0 ? 0 : 1);
  while (i >= 0 && i < ops.n && ops.kind[i] === OK) i += by;
  if (i < 0 || i >= ops.n) return tell("There is none " + (by > 0 ? "after" : "before") + " this moment.");
  choose(i);
  const span = view.to - view.from;
  if (ops.start[i] < view.from || ops.start[i] > view.to) show(ops.start[i] - span / 2, ops.start[i] + span / 2);
  pointCursor(ops.start[i]);
}

// readout says what was going on at a moment.
function readout(t) {
  if (view.dirty) draw(); // so that what is counted is what is shown
  const b = store, parts = about.orderOnly ? [] : [element("b", {}, seconds(t, 4))];
  const phase = about.phases.find(p => p.from <= t && t < p.to);
  if (phase) parts.push(" · phase " + phase.name);
  const leader = about.leaders.find(l => l.from <= t && t < l.to);
  if (leader) parts.push(" · " + leader.name + " leads");
  if (b) {
    const wide = Math.max(4, Math.round(b.columns / 100)), at = Math.min(b.columns - 1, Math.max(0, Math.floor(xOf(t) / wide) * wide));
    const to = Math.min(at + wide, b.columns), sum = column => { let n = 0; for (let i = at; i < to; i++) n += column[i]; return n; };
    const span = (to - at) / view.width * (view.to - view.from);
    parts.push(" · in " + duration(span) + ": " + count(sum(b.ok)) + " ok, " + count(sum(b.fail)) + " fail, " + count(sum(b.info)) + " unknown");
    const p = percentiles(b, at, to, [0.5, 0.95, 0.99]);
    if (p) parts.push(" · p50 " + duration(latencyOf(p[0])) + ", p95 " + duration(latencyOf(p[1])) + ", p99 " + duration(latencyOf(p[2])) + ", max " + duration(latencyOf(p[3])));
  }
  const faults = about.faults.filter(f => f.inject >= 0 && f.inject <= t && (f.healed < 0 || f.healed >= t));
  if (faults.length) parts.push(element("br"), faults.map(f => f.id + ": " + f.says + (f.inForce >= 0 && f.inForce <= t ? (f.heal >= 0 && f.heal <= t ? ", healing" : ", in force") : f.held ? ", on its way" : ", did not take hold")).join(" · "));
  view.note.replaceChildren(...parts);
}

async function start() {
  const ops = await decode();
  readColours();
  makeAxis(ops);
  makeList(ops);
  new ResizeObserver(redraw).observe(view.box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); redraw(); });
  window.addEventListener("hashchange", () => fromAddress(true));
  draw();
  fromAddress(false);
  document.documentElement.dataset.ready = "yes"; // the browser tests wait for it
}

// Without the script's parts the page still has its tables and its picture.
start().catch(e => {
  document.documentElement.classList.remove("js");
  const axis = document.getElementById("axis");
  if (axis) axis.append(element("p", { class: "soft" }, "The time axis could not be drawn in this browser: " + e.message));
  console.error(e);
});
