// The list of operations with its filters. Of what fits, a page is shown at a
// time; the filters see everything.

const pageSize = 100;
const list = { found: null, page: 0, fields: {} };

function makeList(ops) {
  const root = document.getElementById("list");
  const field = (name, label, node) => {
    list.fields[name] = node;
    node.addEventListener("input", () => later(() => filter(ops)));
    return element("label", {}, label, node);
  };
  const choice = (first, texts) => element("select", {}, element("option", { value: "" }, first), ...texts.map((t, i) => element("option", { value: i + 1 }, t)));
  const text = (hint, wide) => element("input", { type: "search", placeholder: hint, class: wide ? "wide" : "" });
  root.append(element("form", { class: "filters", onsubmit: e => e.preventDefault() },
    field("kind", "outcome", choice("all", ["ok", "fail", "unknown"])), field("process", "process", text("45")),
    field("key", "key", text("r1.4")), field("node", "node", choice("all", ops.texts.nodes || [])),
    field("from", "from, s", text("7.0")), field("to", "to, s", text("7.5")), field("text", "text (operation, value, error)", text("", true)),
    element("label", {}, "", element("button", { type: "button", onclick: () => rangeFromView(ops) }, "as on the axis")),
    element("label", {}, "", element("button", { type: "reset", onclick: () => later(() => filter(ops)) }, "all"))));
  view.detail = element("div", { id: "op", hidden: true, role: "status" });
  list.summary = element("p", { class: "soft" });
  list.rows = element("tbody", { id: "rows" });
  const head = ["event", "process", "node", ...(about.orderOnly ? [] : ["from", "took"]), "outcome", "operation", "phase", "error"];
  list.back = element("button", { type: "button", onclick: () => turn(ops, -1) }, "◀ before");
  list.on = element("button", { type: "button", onclick: () => turn(ops, 1) }, "next ▶");
  root.append(view.detail, list.summary, element("div", { class: "scroll" }, element("table", {},
    element("thead", {}, element("tr", {}, ...head.map(h => element("th", {}, h)))), list.rows)), element("p", {}, list.back, " ", list.on));
  list.rows.addEventListener("click", e => {
    const row = e.target.closest("tr");
    if (row) choose(Number(row.dataset.i));
  });
  view.mark = i => mark(ops, i);
  root.hidden = false;
  filter(ops);
}

// later waits for a pause in typing.
let waiting = 0;
function later(what) {
  clearTimeout(waiting);
  waiting = setTimeout(what, 150);
}

function rangeFromView(ops) {
  list.fields.from.value = (view.from / 1e6).toFixed(6);
  list.fields.to.value = (view.to / 1e6).toFixed(6);
  filter(ops);
}

function aroundInList(t) {
  for (const f of Object.values(list.fields)) f.value = "";
  list.fields.from.value = Math.max(0, t / 1e6 - 0.05).toFixed(6);
  list.fields.to.value = (t / 1e6 + 0.05).toFixed(6);
  filter(view.ops);
  list.summary.scrollIntoView();
}

// tests makes the conditions that the filters ask for.
function tests(ops) {
  const f = list.fields, out = [];
  const kind = Number(f.kind.value), node = Number(f.node.value), process = f.process.value.trim(), key = f.key.value.trim();
  if (kind) out.push(i => ops.kind[i] === kind);
  if (node) out.push(i => ops.node[i] === node);
  if (process) out.push(i => String(ops.process[i]) === process);
  if (key) {
    const keys = new Set();
    (ops.texts.keys || []).forEach((k, n) => { if (k === key || k.startsWith(key)) keys.add(n + 1); });
    out.push(i => keys.has(ops.key[i]));
  }
  const text = f.text.value.toLowerCase();
  if (text) out.push(i => deed(ops, i).toLowerCase().includes(text) || textOf(ops, "texts", ops.error[i]).toLowerCase().includes(text));
  return out;
}

function filter(ops) {
  const conditions = tests(ops), f = list.fields;
  const limit = (field, or) => field.value.trim() === "" || isNaN(Number(field.value)) ? or : Number(field.value) * 1e6;
  const first = firstAtOrAfter(ops.n, i => ops.start[i], limit(f.from, -1)), last = firstAtOrAfter(ops.n, i => ops.start[i], limit(f.to, Infinity));
  const found = [];
  for (let i = first; i < last; i++) if (conditions.every(c => c(i))) found.push(i);
  list.found = found;
  list.page = 0;
  showPage(ops);
}

function turn(ops, by) {
  list.page = Math.min(Math.max(list.page + by, 0), Math.max(0, Math.ceil(list.found.length / pageSize) - 1));
  showPage(ops);
}

function showPage(ops) {
  const from = list.page * pageSize, to = Math.min(from + pageSize, list.found.length);
  list.summary.textContent = list.found.length ? count(from + 1) + " to " + count(to) + " of " + count(list.found.length) + " operations" +
    (list.found.length < ops.n ? " that fit, of " + count(ops.n) : "") : "No operation fits, of " + count(ops.n) + ".";
  list.back.disabled = list.page === 0;
  list.on.disabled = to >= list.found.length;
  list.proof = list.proof || new Set(about.evidence);
  list.rows.replaceChildren(...list.found.slice(from, to).map(i => rowFor(ops, i)));
}

function rowFor(ops, i) {
  const phase = about.phases.find(p => p.from <= ops.start[i] && ops.start[i] < p.to);
  const cell = (text, attributes) => element("td", attributes || {}, text);
  const proves = list.proof.has(ops.index[i]) || list.proof.has(ops.done[i]);
  const row = element("tr", { "data-i": i, class: (proves ? "proof " : "") + (i === view.chosen ? "chosen" : "") },
    element("td", { class: "id" }, element("a", { href: "#op" + ops.index[i] }, "#" + ops.index[i])), cell(String(ops.process[i])), cell(textOf(ops, "nodes", ops.node[i])),
    ...(about.orderOnly ? [] : [cell(seconds(ops.start[i], 6)), cell(ops.took[i] < 0 ? "–" : duration(ops.took[i]))]),
    cell(words[ops.kind[i]], { class: "word " + classes[ops.kind[i]] }), element("td", {}, element("code", {}, deed(ops, i).slice(0, 200))),
    cell(phase ? phase.name : ""), cell(textOf(ops, "texts", ops.error[i]).slice(0, 200)));
  return row;
}

// mark shows which row is the chosen one, turning to its page if it fits the filters.
function mark(ops, i) {
  const at = firstAtOrAfter(list.found.length, n => list.found[n], i);
  if (list.found[at] === i && Math.floor(at / pageSize) !== list.page) {
    list.page = Math.floor(at / pageSize);
    showPage(ops);
  }
  for (const row of list.rows.children) row.classList.toggle("chosen", Number(row.dataset.i) === i);
}
