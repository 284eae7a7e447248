// One operation, chosen by a click, a row of the list, or the page's address:
// report.html#op812 is the operation that has event 812.

function find(ops, event) {
  const i = firstAtOrAfter(ops.n, k => ops.index[k], event);
  if (i < ops.n && ops.index[i] === event) return i;
  for (let k = Math.min(i, ops.n) - 1; k >= 0; k--) if (ops.done[k] === event) return k;
  return -1;
}

// choose shows an operation, and puts it into the address so that it can be sent to someone.
function choose(i) {
  const ops = view.ops, box = view.detail;
  view.chosen = i;
  history.replaceState(null, "", "#op" + ops.index[i]);
  box.replaceChildren(...describe(ops, i));
  box.className = classes[ops.kind[i]];
  box.hidden = false;
  view.mark(i);
}

function describe(ops, i) {
  const events = "#" + ops.index[i] + (ops.done[i] >= 0 ? " and #" + ops.done[i] : "");
  const ended = ops.took[i] < 0 ? "never ended" : "to " + seconds(ops.start[i] + ops.took[i], 6) + ", took " + duration(ops.took[i]);
  const when = about.orderOnly ? (ops.took[i] < 0 ? ", never ended" : "") : ", from " + seconds(ops.start[i], 6) + " " + ended;
  const line = (...parts) => element("div", {}, ...parts);
  const during = about.faults.filter(f => f.inject >= 0 && f.inject <= endOf(ops, i) && (f.healed < 0 || f.healed >= ops.start[i]));
  const node = textOf(ops, "nodes", ops.node[i]), error = textOf(ops, "texts", ops.error[i]);
  return [
    line(element("b", {}, deed(ops, i)), " — ", words[ops.kind[i]], ops.final[i] ? ", a final read" : ""),
    line(processOf(ops, i), node ? " on " + node : "", ", events " + events + when),
    error ? line("error: ", error) : null,
    during.length ? line("meanwhile: " + during.map(f => f.id + (f.says ? " (" + f.says + ")" : "")).join("; ")) : null,
    line(element("button", { onclick: () => { reveal(ops.start[i], Math.max(ops.took[i], 0)); pointCursor(ops.start[i]); document.getElementById("axis").scrollIntoView(); } }, "show on the time axis"), " ",
      element("button", { onclick: () => aroundInList(ops.start[i]) }, "what went on around it")),
  ].filter(Boolean);
}

// fromAddress follows a link to an operation.
function fromAddress(scroll) {
  const m = /^#op(\d+)$/.exec(location.hash);
  if (!m) return;
  const i = find(view.ops, Number(m[1]));
  if (i < 0) return;
  choose(i);
  reveal(view.ops.start[i], Math.max(view.ops.took[i], 0));
  pointCursor(view.ops.start[i]);
  if (scroll) document.getElementById("operations").scrollIntoView();
}

// tell shows a few lines of text where operations are shown.
function tell(text) { view.note.textContent = text; }
