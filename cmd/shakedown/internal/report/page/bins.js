// One walk over the visible operations counts them by column of pixels,
// outcome and latency. Everything that is drawn of the rate and the latency
// comes from these counts, so a frame costs the same for a thousand operations
// as for a million, but for that walk.

let store = null;

// binsOf counts what begins in view. Only ok operations are thinned out, to one
// dot a pixel; failures and unknowns are listed.
function binsOf(ops) {
  const columns = Math.max(1, Math.floor(view.width));
  if (!store || store.columns !== columns) {
    store = {
      columns, grid: new Uint32Array(columns * rows), ok: new Uint32Array(columns), fail: new Uint32Array(columns),
      info: new Uint32Array(columns), others: new Int32Array(ops.n),
    };
  }
  const b = store;
  b.grid.fill(0);
  b.ok.fill(0);
  b.fail.fill(0);
  b.info.fill(0);
  b.first = firstAtOrAfter(ops.n, i => ops.start[i], view.from);
  b.last = firstAtOrAfter(ops.n, i => ops.start[i], view.to);
  b.othersCount = 0;
  countColumns(ops, b);
  return b;
}

function countColumns(ops, b) {
  const { start, kind, row } = ops, { grid, ok, fail, info, others, columns, first, last } = b;
  const scale = columns / (view.to - view.from), from = view.from;
  for (let i = first; i < last; i++) {
    const column = Math.min(columns - 1, ((start[i] - from) * scale) | 0);
    switch (kind[i]) {
      case OK:
        grid[column * rows + row[i]]++;
        ok[column]++;
        break;
      case FAIL:
        fail[column]++;
        others[b.othersCount++] = i;
        break;
      default:
        info[column]++;
        others[b.othersCount++] = i;
    }
  }
}

// percentiles returns the rows of the given shares and of the maximum, of the
// ok operations in columns [from, to); null if there are none.
function percentiles(b, from, to, shares) {
  let total = 0;
  for (let c = from; c < to; c++) total += b.ok[c];
  if (!total) return null;
  const out = [];
  let seen = 0, next = 0, highest = 0;
  for (let r = 0; r < rows; r++) {
    let here = 0;
    for (let c = from; c < to; c++) here += b.grid[c * rows + r];
    if (!here) continue;
    seen += here;
    highest = r;
    while (next < shares.length && seen >= shares[next] * total) {
      out.push(r);
      next++;
    }
  }
  out.push(highest);
  return out;
}
