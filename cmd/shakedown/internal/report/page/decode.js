// Reads the operations back from the page: columns.go wrote them, in the same
// order. All moments are microseconds on the axis of the history.

const OK = 1, FAIL = 2, INFO = 3, FINAL = 4;
const about = JSON.parse(document.getElementById("about").textContent);

const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?_;~()[]{}@%$#";

// bytesOf turns letters into bytes: five stand for four, see letters.go.
function bytesOf(text) {
  const value = new Uint8Array(128), bytes = new Uint8Array(Math.floor(text.length * 4 / 5));
  for (let i = 0; i < digits.length; i++) value[digits.charCodeAt(i)] = i;
  const digit = i => i < text.length ? value[text.charCodeAt(i)] : 84;
  for (let i = 0, out = 0; i < text.length; i += 5, out += 4) {
    const v = (((digit(i) * 85 + digit(i + 1)) * 85 + digit(i + 2)) * 85 + digit(i + 3)) * 85 + digit(i + 4);
    bytes[out] = v / 16777216;
    bytes[out + 1] = v / 65536;
    bytes[out + 2] = v / 256;
    bytes[out + 3] = v; // beyond the end, nothing is stored
  }
  return bytes;
}

// inflate turns letters into the bytes that were deflated.
async function inflate(text) {
  const bytes = bytesOf(text);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// reader gives the varints of one column, one after the other. A number may
// have more than 32 bits, so shifts will not do.
function reader(bytes, from) {
  let at = from;
  const unsigned = () => {
    let b = bytes[at++];
    if (b < 128) return b;
    let value = b & 127, unit = 128;
    do {
      b = bytes[at++];
      value += (b & 127) * unit;
      unit *= 128;
    } while (b >= 128);
    return value;
  };
  const signed = () => {
    const v = unsigned();
    return v % 2 ? -(v + 1) / 2 : v / 2;
  };
  return { unsigned, signed };
}

// decode returns the operations as columns, see the names below.
async function decode() {
  const bytes = await inflate(document.getElementById("columns").textContent);
  const parts = [];
  let from = 0;
  for (const length of about.parts) {
    parts.push(from);
    from += length;
  }
  const texts = JSON.parse(new TextDecoder().decode(bytes.subarray(parts[parts.length - 1])));
  const ops = allocate(about.count, texts);
  fill(ops, parts.slice(0, -1).map(p => reader(bytes, p)));
  return ops;
}

function allocate(n, texts) {
  return {
    n, texts,
    index: new Int32Array(n), start: new Float64Array(n), took: new Float64Array(n), // took < 0: never ended
    done: new Int32Array(n), client: new Int32Array(n), process: new Int32Array(n),
    kind: new Uint8Array(n), final: new Uint8Array(n),
    f: new Uint32Array(n), key: new Uint32Array(n), node: new Uint32Array(n), error: new Uint32Array(n),
    value: new Float64Array(n), valueKind: new Uint8Array(n), // 0 null, 1 a text, 2 a number
    row: new Uint16Array(n), // the latency on a log scale, see rowOf
  };
}

// rowOf puts a latency on a scale with so many rows a decade, from 1 microsecond.
const decade = 64, rows = 8 * decade;
function rowOf(took) { return took < 1 ? 0 : Math.min(rows - 1, Math.round(Math.log10(took) * decade)); }
function latencyOf(row) { return Math.pow(10, row / decade); }

function fill(ops, [index, start, took, done, client, gen, kind, f, key, node, value, error]) {
  let lastIndex = 0, lastStart = 0;
  const gens = [], nodes = [], numbers = new Float64Array(ops.texts.keys ? ops.texts.keys.length + 1 : 1);
  for (let i = 0; i < ops.n; i++) {
    ops.index[i] = lastIndex += index.signed();
    ops.start[i] = lastStart += start.signed();
    ops.took[i] = took.unsigned() - 1;
    const ended = done.unsigned();
    ops.done[i] = ended ? lastIndex + ended : -1;
    const c = client.signed();
    ops.client[i] = c;
    gens[c] = (gens[c] || 0) + gen.signed();
    ops.process[i] = about.clients ? c + gens[c] * about.clients : c;
    const k = kind.unsigned();
    ops.kind[i] = k & 3;
    ops.final[i] = k & FINAL ? 1 : 0;
    ops.f[i] = f.unsigned();
    ops.key[i] = key.unsigned();
    ops.node[i] = nodes[c] = (nodes[c] || 0) + node.signed();
    readValue(ops, i, value.unsigned(), numbers);
    ops.error[i] = error.unsigned();
    ops.row[i] = ops.took[i] < 0 ? rows - 1 : rowOf(ops.took[i]);
  }
}

// readValue: a number stands as its distance from the key's last one.
function readValue(ops, i, tag, numbers) {
  if (tag === 0) return;
  if (tag % 2) {
    ops.valueKind[i] = 1;
    ops.value[i] = (tag - 1) / 2;
    return;
  }
  const zigzag = tag / 2 - 1;
  const d = zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2;
  ops.valueKind[i] = 2;
  ops.value[i] = numbers[ops.key[i]] += d;
}

// firstAtOrAfter is where in a sorted column (or what get returns) t belongs.
function firstAtOrAfter(n, get, t) {
  let low = 0, high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (get(middle) < t) low = middle + 1; else high = middle;
  }
  return low;
}
