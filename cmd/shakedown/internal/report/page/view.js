// The stretch of time that all tracks show, and what moves it: buttons, keys,
// the wheel, and a stretch selected with the mouse.

const view = { from: 0, to: Math.max(about.end, 1000), cursor: -1, tracks: [], dirty: true, drawing: false, left: 0, width: 0 };
const shortest = 20; // microseconds: closer there is nothing to see

function show(from, to) {
  const end = Math.max(about.end, 1000) * 1.005;
  const span = Math.min(Math.max(to - from, shortest), end);
  from = Math.min(Math.max(from, 0), end - span);
  view.from = from;
  view.to = from + span;
  redraw();
}

function zoom(factor, around) {
  const at = around === undefined ? (view.from + view.to) / 2 : around;
  show(at - (at - view.from) * factor, at + (view.to - at) * factor);
}

function pan(share) {
  const d = (view.to - view.from) * share;
  show(view.from + d, view.to + d);
}

function everything() { show(0, Infinity); }

// reveal moves the view so that t can be seen, closely enough to tell it from others.
function reveal(t, took) {
  const span = Math.min(view.to - view.from, Math.max(took * 8, 40000));
  show(t - span / 2, t + span / 2);
}

function xOf(t) { return (t - view.from) / (view.to - view.from) * view.width; }
function timeAt(x) { return view.from + x / view.width * (view.to - view.from); }

// redraw draws all tracks once, before the next frame is shown.
function redraw() {
  view.dirty = true;
  if (view.drawing) return;
  view.drawing = true;
  requestAnimationFrame(() => {
    view.drawing = false;
    if (view.dirty) draw();
  });
}

function draw() {
  view.dirty = false;
  measure();
  if (!view.width) return;
  const bins = view.ops ? binsOf(view.ops) : null;
  for (const track of view.tracks) drawTrack(track, bins);
  placeCursor();
  if (view.onrange) view.onrange();
}

function measure() {
  const first = view.tracks[0];
  if (!first) return;
  view.width = first.plot.clientWidth;
  view.left = first.plot.getBoundingClientRect().left - view.box.getBoundingClientRect().left;
}

// drawTrack sizes the canvas for the screen's own pixels and clears it.
function drawTrack(track, bins) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const height = track.height();
  const width = Math.round(view.width * ratio), tall = Math.round(height * ratio);
  if (track.canvas.width !== width || track.canvas.height !== tall) {
    track.canvas.width = width;
    track.canvas.height = tall;
    track.canvas.style.height = height + "px";
  }
  const c = track.canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, view.width, height);
  track.draw(c, view.width, height, bins, ratio);
}

function placeCursor() {
  const line = view.line;
  const x = xOf(view.cursor);
  line.hidden = view.cursor < 0 || x < 0 || x > view.width;
  line.style.transform = "translateX(" + (view.left + x) + "px)";
}

function pointCursor(t) {
  view.cursor = t;
  placeCursor();
  view.readout(t);
}

// addTrack adds a row: {label, height(), draw(c, w, h, bins), pick(x, y)}.
function addTrack(track) {
  track.canvas = element("canvas", { "aria-hidden": "true" });
  track.plot = element("div", { class: "plot" }, track.canvas);
  const label = element("div", { class: "label" }, element("b", {}, track.label), ...(track.note ? [element("br"), track.note] : []));
  view.box.append(element("div", { class: "track " + (track.class || "") }, label, track.plot));
  view.tracks.push(track);
  listen(track);
}

// listen: moving points the cursor, dragging selects a stretch, a click picks.
function listen(track) {
  let pressed = -1;
  const at = e => Math.min(Math.max(e.clientX - track.plot.getBoundingClientRect().left, 0), view.width);
  track.plot.addEventListener("pointermove", e => {
    pointCursor(timeAt(at(e)));
    if (pressed >= 0) brush(pressed, at(e));
  });
  track.plot.addEventListener("pointerdown", e => {
    if (e.button !== 0 || e.pointerType === "touch") return;
    pressed = at(e);
    track.plot.setPointerCapture(e.pointerId);
  });
  track.plot.addEventListener("pointerup", e => {
    const from = pressed, to = at(e);
    pressed = -1;
    brush(0, 0);
    if (from >= 0 && Math.abs(to - from) > 6) show(timeAt(Math.min(from, to)), timeAt(Math.max(from, to)));
    else if (track.pick) track.pick(to, e.clientY - track.canvas.getBoundingClientRect().top);
  });
  track.plot.addEventListener("dblclick", everything);
  track.plot.addEventListener("wheel", e => {
    if (e.ctrlKey || e.metaKey) zoom(Math.pow(1.0015, e.deltaY), timeAt(at(e)));
    else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) pan((e.deltaX || e.deltaY) / view.width);
    else return; // the page scrolls
    e.preventDefault();
  }, { passive: false });
}

function brush(from, to) {
  const b = view.brush;
  b.hidden = Math.abs(to - from) < 2;
  b.style.left = view.left + Math.min(from, to) + "px";
  b.style.width = Math.abs(to - from) + "px";
}

// keys work when the axis has the focus.
function onKey(e) {
  if (e.altKey || e.ctrlKey || e.metaKey) return;
  const actions = {
    ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6),
    0: everything, Home: everything, n: () => view.jump(1), p: () => view.jump(-1),
  };
  if (!actions[e.key] || e.target !== view.box) return;
  actions[e.key]();
  e.preventDefault();
}
