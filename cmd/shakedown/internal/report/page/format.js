// Words and elements. Whatever comes from a history or a log goes into the page
// as text, never as markup.

function element(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.filter(c => c !== undefined && c !== null));
  return e;
}

function seconds(t, digits = 3) { return (t / 1e6).toFixed(digits) + "s"; }

function duration(t) {
  if (t >= 3600e6) return +(t / 3600e6).toPrecision(3) + "h";
  if (t >= 120e6) return +(t / 60e6).toPrecision(3) + "m";
  if (t >= 1e6) return +(t / 1e6).toPrecision(3) + "s";
  if (t >= 1e3) return +(t / 1e3).toPrecision(3) + "ms";
  return Math.round(t) + "µs";
}

function count(n) { return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, "\u202f"); }

const words = ["", "ok", "fail", "unknown"];
const classes = ["", "ok", "fail", "info"];

function textOf(ops, table, number) { return number ? ops.texts[table][number - 1] : ""; }

function valueOf(ops, i) {
  switch (ops.valueKind[i]) {
    case 1: return textOf(ops, "texts", ops.value[i]);
    case 2: return String(ops.value[i]);
  }
  return "null";
}

function processOf(ops, i) { return "process " + ops.process[i]; }

// deed is an operation in a few words, as story.go says it.
function deed(ops, i) {
  const f = textOf(ops, "f", ops.f[i]), key = textOf(ops, "keys", ops.key[i]);
  const what = key ? f + " " + key : f;
  const value = valueOf(ops, i);
  if (f === "read") return ops.kind[i] === OK ? what + " → " + value : what;
  if (f === "write") return what + " = " + value;
  return value === "null" ? what : what + " " + value;
}

// steps are round distances for the ticks of an axis that has room for some.
function roundStep(span, most) {
  const rough = span / most;
  const unit = Math.pow(10, Math.floor(Math.log10(rough)));
  for (const f of [1, 2, 5, 10]) if (f * unit >= rough) return f * unit;
  return 10 * unit;
}
