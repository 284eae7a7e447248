"use strict";
// Follows the history of a run: asks for what is new twice a second, and counts.
(function () {
  const run = document.getElementById("run").dataset;
  const base = "/tail/" + encodeURIComponent(run.scenario) + "/" + encodeURIComponent(run.id);
  const state = { next: 0, last: 0, phase: "–", ok: 0, fail: 0, info: 0, open: new Map(), faults: new Map(), seconds: [], recent: [], idle: 0 };
  const at = id => document.getElementById(id);
  const count = n => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const time = ns => (ns / 1e9).toFixed(3) + "s";

  function take(line) {
    let op;
    try { op = JSON.parse(line); } catch { return; }
    state.last = Math.max(state.last, op.time_ns || 0);
    if (op.process === "nemesis") return nemesis(op);
    if (op.type === "invoke") return void state.open.set(op.process, op.time_ns);
    if (!(op.type in { ok: 1, fail: 1, info: 1 })) return;
    state[op.type]++;
    const second = Math.floor(op.time_ns / 1e9);
    const bin = state.seconds[second] = state.seconds[second] || { ok: 0, fail: 0, info: 0 };
    bin[op.type]++;
    if (op.type === "ok" && state.open.has(op.process)) state.recent.push([op.time_ns, op.time_ns - state.open.get(op.process)]);
    state.open.delete(op.process);
  }

  function nemesis(op) {
    const v = op.value || {};
    if (op.f === "phase") {
      state.phase = String(v.phase);
      tell(op, "phase " + v.phase);
    } else if (v.id) {
      stage(v);
      tell(op, [v.id, v.stage, (v.nodes || []).join(" "), v.says, v.evidence, v.error].filter(Boolean).join("  "));
    }
  }

  // stage keeps the faults that may bite: from the request until they are seen
  // to be gone, or were never seen to be there.
  function stage(v) {
    const bites = state.faults.has(v.id) && ["in-force", "heal"].includes(state.faults.get(v.id).stage);
    if (["inject", "in-force", "heal"].includes(v.stage)) state.faults.set(v.id, v);
    else if (v.stage === "failed" && bites) state.faults.set(v.id, v); // it could not be healed
    else state.faults.delete(v.id);
  }

  function tell(op, text) {
    const line = document.createElement("div");
    line.textContent = time(op.time_ns) + "  " + text;
    at("events").prepend(line);
    while (at("events").childElementCount > 200) at("events").lastChild.remove();
  }

  function show() {
    at("time").textContent = time(state.last);
    at("phase").textContent = state.phase;
    at("faults").textContent = [...state.faults.values()].map(v => v.id + " (" + v.stage + ")").join(", ") || "none";
    at("counts").textContent = count(state.ok) + " ok, " + count(state.fail) + " fail, " + count(state.info) + " unknown";
    state.recent = state.recent.filter(r => r[0] > state.last - 5e9);
    const took = state.recent.map(r => r[1]).sort((a, b) => a - b), p = share => (took[Math.min(took.length - 1, Math.floor(share * took.length))] / 1e6).toFixed(2) + " ms";
    at("latency").textContent = took.length ? "p50 " + p(0.5) + ", p95 " + p(0.95) + ", p99 " + p(0.99) : "–";
    draw();
  }

  function draw() {
    const canvas = at("rate"), ratio = window.devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
    canvas.width = w * ratio;
    canvas.height = h * ratio;
    const c = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    c.scale(ratio, ratio);
    const bins = state.seconds.slice(-240), wide = Math.min(20, w / Math.max(bins.length, 1));
    const peak = Math.max(1, ...bins.map(b => b ? b.ok + b.fail + b.info : 0));
    bins.forEach((b, i) => {
      let y = h - 2;
      for (const kind of b ? ["ok", "fail", "info"] : []) {
        const tall = b[kind] / peak * (h - 20);
        y -= tall;
        c.fillStyle = style.getPropertyValue("--" + kind);
        c.fillRect(i * wide, y, Math.max(wide - 1, 1), tall);
      }
    });
    c.fillStyle = style.getPropertyValue("--soft");
    c.font = "12px system-ui, sans-serif";
    c.fillText("peak " + count(peak) + "/s", 6, 14);
  }

  async function poll() {
    const answer = await fetch(base + "?from=" + state.next);
    if (!answer.ok) throw new Error(await answer.text());
    const text = await answer.text(), before = state.next;
    state.next = Number(answer.headers.get("Next-Byte"));
    for (const line of text.split("\n")) if (line) take(line);
    const grew = state.next > before;
    state.idle = grew ? 0 : state.idle + 1;
    if (answer.headers.get("Judged") === "true" && !grew) {
      const link = document.createElement("a");
      link.href = "report.html";
      link.textContent = "It was judged: open the report";
      at("hint").replaceChildren(link);
      return -1;
    }
    return text.length > 900000 ? 0 : state.idle > 60 ? 5000 : 500;
  }

  async function follow() {
    let wait = 2000;
    try {
      wait = await poll();
      show();
    } catch (e) {
      at("hint").textContent = "The program does not answer: " + e.message;
    }
    document.documentElement.dataset.ready = "yes"; // the browser tests wait for it
    if (wait >= 0) setTimeout(follow, wait);
  }
  follow();
})();
