// The tracks of the rate and of the latencies.

// shapes draws all signs of one outcome in one go: a cross for a failure, a
// hollow triangle for an unknown.
function shapes(c, points, kind, size) {
  c.strokeStyle = kind === FAIL ? colours.fail : colours.info;
  c.lineWidth = size < 3 ? 1 : 1.4;
  c.beginPath();
  for (let i = 0; i < points.length; i += 2) {
    const x = points[i], y = points[i + 1];
    if (kind === FAIL) {
      c.moveTo(x - size, y - size);
      c.lineTo(x + size, y + size);
      c.moveTo(x + size, y - size);
      c.lineTo(x - size, y + size);
    } else {
      c.moveTo(x, y - size);
      c.lineTo(x + size, y + size);
      c.lineTo(x - size, y + size);
      c.lineTo(x, y - size);
    }
  }
  c.stroke();
}

// distinct keeps one of the points that would be drawn on the same pixel.
function distinct(ops, b, kind, yOf, height) {
  const taken = new Uint8Array(b.columns * (height + 1)), out = [];
  for (let n = 0; n < b.othersCount; n++) {
    const i = b.others[n];
    if ((ops.kind[i] === FAIL) !== (kind === FAIL)) continue;
    const x = Math.min(b.columns - 1, xOf(ops.start[i]) | 0), y = Math.min(height, Math.max(0, yOf(i) | 0));
    const cell = x * (height + 1) + y;
    if (taken[cell]) continue;
    taken[cell] = 1;
    out.push(x + 0.5, y + 0.5);
  }
  return out;
}

function rateTrack(ops) {
  const tall = 92;
  return {
    label: "rate", note: "ok, fail, unknown by invocation", height: () => tall,
    draw(c, w, h, b) {
      const wide = Math.max(1, Math.round(w / 240)), bars = Math.ceil(b.columns / wide);
      const sums = { ok: new Uint32Array(bars), fail: new Uint32Array(bars), info: new Uint32Array(bars) };
      let peak = 1;
      for (let i = 0; i < b.columns; i++) {
        const bar = (i / wide) | 0;
        for (const kind of ["ok", "fail", "info"]) sums[kind][bar] += b[kind][i];
        peak = Math.max(peak, sums.ok[bar] + sums.fail[bar] + sums.info[bar]);
      }
      grid(c, w, h);
      const base = new Float64Array(bars).fill(h - 14), top = ceiling(sums, bars, peak);
      for (const kind of ["ok", "fail", "info"]) {
        c.fillStyle = colours[kind];
        for (let i = 0; i < bars; i++) {
          if (!sums[kind][i]) continue;
          const room = base[i] - 14;
          const tallness = Math.min(Math.max(sums[kind][i] / top * (h - 28), kind === "ok" ? 0.5 : 2), room);
          if (tallness <= 0) continue;
          base[i] -= tallness;
          c.fillRect(i * wide, base[i], Math.max(wide - 0.5, 1), tallness);
        }
      }
      const span = (view.to - view.from) * wide / w / 1e6;
      const cut = top < peak ? ", bars cut off at " + count(top / span) + "/s" : "";
      fitText(c, "peak " + count(peak / span) + "/s" + cut, 4, 11, 260, colours.soft);
    },
  };
}

// ceiling is the height of the chart: of a few bars that would make all others
// flat, such as the final reads, the tops are cut off.
function ceiling(sums, bars, peak) {
  const all = [];
  for (let i = 0; i < bars; i++) {
    const n = sums.ok[i] + sums.fail[i] + sums.info[i];
    if (n) all.push(n);
  }
  all.sort((a, b) => a - b);
  const usual = all.length > 20 ? all[Math.floor(all.length * 0.96)] * 1.25 : peak;
  return peak > usual * 1.6 ? usual : peak;
}

// grid draws the ticks of the time axis, with their moments at the bottom.
function grid(c, w, h) {
  const step = roundStep(view.to - view.from, Math.max(2, w / 110));
  const digits = Math.max(0, Math.min(6, Math.ceil(6 - Math.log10(step) - 1e-9)));
  c.fillStyle = colours.line;
  c.font = "11px system-ui, sans-serif";
  for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
    const x = xOf(t);
    c.fillStyle = colours.line;
    c.fillRect(x, 0, 1, h - 12);
    c.fillStyle = colours.soft;
    if (x < w - 40) c.fillText(seconds(t, digits), x + 2, h - 2);
  }
}

function latencyTrack(ops) {
  const tall = 190, top = 6, bottom = 16;
  let low = rows, high = 0;
  for (let i = 0; i < ops.n; i++) {
    if (ops.took[i] < 0) continue;
    if (ops.row[i] < low) low = ops.row[i];
    if (ops.row[i] > high) high = ops.row[i];
  }
  low = Math.max(0, low - decade / 5);
  high = Math.min(rows - 1, Math.max(high + decade / 3, low + decade));
  const yOf = row => top + (high - Math.min(Math.max(row, low), high)) / (high - low) * (tall - top - bottom);
  return {
    label: "latency", note: "log scale; ● ok ✕ fail △ unknown; lines p50, p95, p99, max", height: () => tall,
    draw(c, w, h, b) {
      grid(c, w, h);
      decades(c, w, low, high, yOf, false);
      dots(c, b, yOf, tall);
      lines(c, b, yOf);
      const size = b.othersCount > 4000 ? 1.5 : b.othersCount > 800 ? 2.3 : 3.5;
      for (const kind of [FAIL, INFO]) shapes(c, distinct(ops, b, kind, i => yOf(ops.row[i]), tall), kind, size);
      decades(c, w, low, high, yOf, true);
    },
    pick(x, y) { pickNear(ops, x, y, i => yOf(ops.row[i]), () => true); },
  };
}

function decades(c, w, low, high, yOf, labels) {
  for (let d = 0; d <= 8; d++) {
    if (d * decade < low || d * decade > high) continue;
    c.fillStyle = colours.line;
    c.fillRect(0, yOf(d * decade), w, 1);
    if (labels) fitText(c, duration(Math.pow(10, d)), 4, yOf(d * decade) - 2, 60, colours.soft);
  }
}

// dots draws one dot for each pixel that has an ok operation, stronger where
// there are more of them.
let dotImage = null;
function dots(c, b, yOf, tall) {
  if (!dotImage || dotImage.width !== b.columns || dotImage.height !== tall) dotImage = new ImageData(b.columns, tall);
  const pixels = new Uint32Array(dotImage.data.buffer);
  pixels.fill(0);
  const [red, green, blue] = rgb(colours.ok), colour = (blue << 16) | (green << 8) | red;
  const ys = Array.from({ length: rows }, (_, r) => Math.min(tall - 1, Math.max(0, Math.round(yOf(r)))));
  const few = b.last - b.first, fat = few < 3000 ? 3 : few < 20000 ? 2 : 1; // pixels of a dot
  for (let column = 0; column < b.columns; column++) {
    if (!b.ok[column]) continue;
    const base = column * rows;
    for (let r = 0; r < rows; r++) {
      const n = b.grid[base + r];
      if (!n) continue;
      const strength = (Math.min(255, 120 + n * 40) << 24) >>> 0;
      for (let y = ys[r]; y < Math.min(ys[r] + fat, tall); y++) {
        for (let x = column; x < Math.min(column + fat, b.columns); x++) pixels[y * b.columns + x] = (strength | colour) >>> 0;
      }
    }
  }
  blend(c);
}

// blend puts the dots over what is drawn already.
let dotCanvas = null;
function blend(c) {
  dotCanvas = dotCanvas || document.createElement("canvas");
  if (dotCanvas.width !== dotImage.width || dotCanvas.height !== dotImage.height) {
    dotCanvas.width = dotImage.width;
    dotCanvas.height = dotImage.height;
  }
  dotCanvas.getContext("2d").putImageData(dotImage, 0, 0);
  c.drawImage(dotCanvas, 0, 0);
}

function rgb(hex) {
  const n = parseInt(hex.replace("#", ""), 16);
  return [(n >> 16) & 255, (n >> 8) & 255, n & 255];
}

// lines draws the percentiles over about a hundred stretches.
function lines(c, b, yOf) {
  const wide = Math.max(4, Math.round(b.columns / 100)), paths = [[], [], [], []];
  for (let from = 0; from < b.columns; from += wide) {
    const found = percentiles(b, from, Math.min(from + wide, b.columns), [0.5, 0.95, 0.99]);
    paths.forEach((p, i) => p.push(found ? [from + wide / 2, yOf(found[i])] : null));
  }
  const looks = [[2, []], [1.4, []], [1.2, [5, 2]], [1, [2, 2]]];
  const names = ["p50", "p95", "p99", "max"];
  let lowest = Infinity;
  c.strokeStyle = colours.ink;
  paths.forEach((path, i) => {
    c.lineWidth = looks[i][0];
    c.setLineDash(looks[i][1]);
    c.globalAlpha = 0.75;
    c.beginPath();
    let open = false, last = null;
    for (const point of path) {
      if (point && open) c.lineTo(...point);
      else if (point) c.moveTo(...point);
      open = !!point;
      last = point || last;
    }
    c.stroke();
    c.globalAlpha = 1;
    if (!last) return;
    lowest = Math.min(last[1] - 2, lowest - 11); // names stand above each other
    nameLine(c, names[i], lowest, b.columns);
  });
  c.setLineDash([]);
}

function nameLine(c, name, y, width) {
  c.font = "600 10px system-ui, sans-serif";
  c.textAlign = "right";
  c.lineWidth = 3;
  c.setLineDash([]);
  c.strokeStyle = colours.shade;
  c.strokeText(name, width - 3, y);
  c.fillStyle = colours.ink;
  c.fillText(name, width - 3, y);
  c.textAlign = "left";
  c.strokeStyle = colours.ink;
}

// pickNear chooses the operation whose sign is nearest to a click; a failure
// or an unknown before an ok.
function pickNear(ops, x, y, yOf, fits) {
  const first = firstAtOrAfter(ops.n, i => ops.start[i], timeAt(x - 7)), last = firstAtOrAfter(ops.n, i => ops.start[i], timeAt(x + 7));
  let best = -1, distance = Infinity;
  for (let i = first; i < last; i++) {
    if (!fits(i)) continue;
    const d = Math.hypot(xOf(ops.start[i]) - x, yOf(i) - y) - (ops.kind[i] === OK ? 0 : 3);
    if (d < distance) [best, distance] = [i, d];
  }
  if (best >= 0 && distance < 14) choose(best);
}
