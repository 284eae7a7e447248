// One lane for each client, with its operations as bars from invocation to
// completion. Only lanes that can be seen are drawn, and of the ok operations
// only one for each pixel; failures and unknowns are all drawn.

const laneTall = 16;

// byClient sorts the operations by client, keeping their order in time.
function byClient(ops) {
  const clients = new Map();
  for (let i = 0; i < ops.n; i++) {
    let lane = clients.get(ops.client[i]);
    if (!lane) clients.set(ops.client[i], lane = { client: ops.client[i], count: 0, others: [] });
    lane.count++;
  }
  for (const lane of clients.values()) {
    lane.all = new Int32Array(lane.count);
    lane.count = 0;
  }
  for (let i = 0; i < ops.n; i++) {
    const lane = clients.get(ops.client[i]);
    lane.all[lane.count++] = i;
    if (ops.kind[i] !== OK) lane.others.push(i);
  }
  return [...clients.values()].sort((a, b) => a.client - b.client);
}

function clientsTrack(ops) {
  const lanes = byClient(ops);
  const proof = new Set(about.evidence);
  const track = {
    label: about.clients ? "clients" : "processes", note: lanes.length + " lanes; click for the operation", class: "scrolls", height: () => Math.max(lanes.length * laneTall + 4, 40),
    draw(c, w) {
      const from = Math.floor(track.plot.scrollTop / laneTall), to = Math.ceil((track.plot.scrollTop + track.plot.clientHeight) / laneTall);
      for (let n = Math.max(from, 0); n < Math.min(to, lanes.length); n++) drawLane(c, w, ops, lanes[n], n * laneTall + 2, proof);
    },
    pick(x, y) {
      const lane = lanes[Math.floor((y - 2) / laneTall)];
      if (lane) pickInLane(ops, lane, x);
    },
  };
  return track;
}

function endOf(ops, i) { return ops.took[i] < 0 ? about.end : ops.start[i] + ops.took[i]; }

// runs draws bars as few rectangles: those that touch become one.
function runs(c, y, h) {
  let from = -1, to = -1;
  return {
    add(x, end) {
      end = Math.max(end, x + 1);
      if (x <= to + 0.4) {
        to = Math.max(to, end);
        return;
      }
      this.flush();
      [from, to] = [x, end];
    },
    flush() {
      if (from >= 0 || to >= 0) c.fillRect(from, y, to - from, h);
      from = to = -1;
    },
  };
}

function drawLane(c, w, ops, lane, y, proof) {
  c.fillStyle = colours.line;
  c.fillRect(0, y + laneTall - 2, w, 1);
  const { all } = lane, { start, took, kind } = ops, pixel = (view.to - view.from) / w;
  let n = Math.max(0, firstAtOrAfter(all.length, k => start[all[k]], view.from) - 1);
  c.fillStyle = colours.ok;
  const bars = runs(c, y + 2, 8);
  while (n < all.length && start[all[n]] <= view.to) {
    const i = all[n], x = xOf(start[i]), end = x + Math.max(took[i] / pixel, 1);
    if (kind[i] === OK && end >= 0) bars.add(Math.max(x, 0), Math.min(end, w));
    n++;
    // What begins on the same pixel would be drawn on top of this.
    if (n < all.length && start[all[n]] < start[i] + pixel / 2) n = firstAfter(start, all, n, start[i] + pixel);
  }
  bars.flush();
  drawOthers(c, w, ops, lane, y);
  for (const i of proofIn(ops, lane, proof)) {
    c.strokeStyle = colours.violation;
    c.lineWidth = 2;
    c.strokeRect(xOf(ops.start[i]) - 2, y, Math.max((endOf(ops, i) - ops.start[i]) / pixel, 1) + 4, 12);
  }
  c.fillStyle = colours.shade;
  c.fillRect(0, y, 10 + 6 * String(lane.client).length, laneTall - 2);
  fitText(c, String(lane.client), 4, y + 11, 70, colours.soft);
}

// firstAfter looks ahead in growing steps, since what it looks for is near.
function firstAfter(start, all, n, t) {
  let step = 1;
  while (n + step < all.length && start[all[n + step]] < t) step *= 2;
  let low = n + (step >> 1), high = Math.min(n + step, all.length);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (start[all[middle]] < t) low = middle + 1; else high = middle;
  }
  return low;
}

// drawOthers draws each failure and unknown of a lane: those on the same pixel
// look the same and are drawn once.
function drawOthers(c, w, ops, lane, y) {
  if (lane.longest === undefined) {
    lane.longest = 0;
    for (const i of lane.others) lane.longest = Math.max(lane.longest, endOf(ops, i) - ops.start[i]);
  }
  const { others } = lane, first = firstAtOrAfter(others.length, k => ops.start[others[k]], view.from - lane.longest);
  c.globalAlpha = 0.45;
  for (const kind of [FAIL, INFO]) {
    c.fillStyle = kind === FAIL ? colours.fail : colours.info;
    const bars = runs(c, y + 2, 8);
    for (let n = first; n < others.length && ops.start[others[n]] <= view.to; n++) {
      const i = others[n], to = xOf(endOf(ops, i));
      if (ops.kind[i] === kind && to >= 0) bars.add(Math.max(xOf(ops.start[i]), 0), Math.min(to, w));
    }
    bars.flush();
  }
  c.globalAlpha = 1;
  const points = { [FAIL]: [], [INFO]: [] };
  for (let n = first; n < others.length && ops.start[others[n]] <= view.to; n++) {
    const i = others[n], x = xOf(ops.start[i]), sign = points[ops.kind[i]], last = sign[sign.length - 2];
    if (x > -8 && !(last !== undefined && x - last < 1)) sign.push(x, y + 6);
  }
  shapes(c, points[FAIL], FAIL, 3);
  shapes(c, points[INFO], INFO, 3.5);
}

// proofIn are the operations of a lane that prove a violation.
function proofIn(ops, lane, proof) {
  if (!lane.proof) {
    lane.proof = [];
    if (proof.size) for (const i of lane.all) if (proof.has(ops.index[i]) || proof.has(ops.done[i])) lane.proof.push(i);
  }
  return lane.proof.filter(i => visible(ops.start[i], endOf(ops, i)));
}

function pickInLane(ops, lane, x) {
  const { all } = lane, t = timeAt(x);
  let best = -1, distance = Infinity;
  for (let n = Math.max(0, firstAtOrAfter(all.length, k => ops.start[all[k]], t) - 3); n < all.length; n++) {
    const i = all[n];
    const d = Math.max(ops.start[i] - t, t - endOf(ops, i), 0) / (view.to - view.from) * view.width;
    if (d < distance) [best, distance] = [i, d];
    if (ops.start[i] > t && d > 12) break;
  }
  if (best >= 0 && distance < 12) choose(best);
}
