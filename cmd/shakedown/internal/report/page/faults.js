// The tracks of what was done to the cluster, and of what the nodes say.

let colours = {};

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "ink", "soft", "line", "shade", "ok", "fail", "info", "violation", "unknown", "fault"]) {
    colours[name] = style.getPropertyValue("--" + name).trim();
  }
  colours.hatch = hatch(colours.fault);
}

// hatch is a pattern, so that a fault is told without its colour too.
function hatch(colour) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const c = tile.getContext("2d");
  c.strokeStyle = colour;
  c.lineWidth = 1.2;
  c.beginPath();
  for (const d of [-6, 0, 6]) {
    c.moveTo(d, 6);
    c.lineTo(d + 6, 0);
  }
  c.stroke();
  return c.createPattern(tile, "repeat");
}

// lanesOf puts faults that overlap below each other, kind by kind.
function lanesOf(faults) {
  const lanes = [];
  for (const f of faults) {
    const from = f.inject >= 0 ? f.inject : f.planFrom;
    const to = f.inject < 0 ? f.planTo : f.healed >= 0 ? f.healed : about.end;
    let lane = lanes.find(l => l.fault === f.fault && l.until <= from);
    if (!lane) {
      lane = { fault: f.fault, until: 0, faults: [] };
      const last = lanes.findLastIndex(l => l.fault === f.fault);
      lanes.splice(last < 0 ? lanes.length : last + 1, 0, lane);
    }
    lane.until = to;
    lane.faults.push(f);
  }
  return lanes;
}

function phasesTrack() {
  return {
    label: "phase", height: () => 22,
    draw(c, w, h) {
      about.phases.forEach((p, i) => {
        const x = Math.max(xOf(p.from), 0), to = Math.min(xOf(p.to), w);
        if (to <= 0 || x >= w) return;
        c.globalAlpha = i % 2 ? 0.14 : 0.06;
        c.fillStyle = colours.ink;
        c.fillRect(x, 0, to - x, h);
        c.globalAlpha = 1;
        fitText(c, p.name, x + 4, 15, to - x - 6, colours.ink);
      });
    },
  };
}

// fitText writes as much of a text as has room, with a halo so that it can be
// read over whatever is there.
function fitText(c, text, x, y, room, colour) {
  c.font = "11px system-ui, sans-serif";
  if (room < 12) return;
  const whole = text;
  while (text.length > 1 && c.measureText(text).width > room) text = text.slice(0, text.length > 24 ? -8 : -2) + "…";
  if (text !== whole && text.length < 4) return;
  c.lineWidth = 3;
  c.lineJoin = "round";
  c.strokeStyle = colours.shade;
  c.strokeText(text, x, y);
  c.fillStyle = colour;
  c.fillText(text, x, y);
}

function faultTracks() {
  const lanes = lanesOf(about.faults), tall = 20, out = [];
  for (const lane of lanes) {
    const first = out.find(t => t.label === lane.fault);
    if (first) {
      first.lanes.push(lane);
      continue;
    }
    const track = { label: lane.fault, lanes: [lane], height: () => track.lanes.length * tall + 4 };
    track.draw = (c, w) => track.lanes.forEach((l, i) => l.faults.forEach(f => drawFault(c, w, f, i * tall + 3, tall - 4)));
    out.push(track);
  }
  return out;
}

// drawFault: a dashed frame where it was planned, a shade on the way in and
// out, hatched while in force, and a tick where its nodes had recovered.
function drawFault(c, w, f, y, h) {
  const box = (from, to) => [Math.max(xOf(from), -4), y, Math.min(xOf(to), w + 4)];
  if (f.planFrom >= 0 && visible(f.planFrom, f.planTo)) {
    const [x, , to] = box(f.planFrom, f.planTo);
    c.strokeStyle = colours.soft;
    c.lineWidth = 1;
    c.setLineDash([3, 2]);
    c.strokeRect(x + 0.5, y - 1.5, Math.max(to - x, 2), h + 3);
    c.setLineDash([]);
  }
  if (f.inject < 0) return;
  const over = f.healed >= 0 ? f.healed : about.end;
  if (visible(f.inject, over)) drawForce(c, f, over, y, h, box);
  if (f.recovered >= 0 && visible(f.recovered, f.recovered)) {
    const x = xOf(f.recovered);
    c.fillStyle = colours.ok;
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(x + 7, y + h / 2);
    c.lineTo(x, y + h);
    c.fill();
  }
}

function drawForce(c, f, over, y, h, box) {
  const [x, , to] = box(f.inject, over);
  const width = Math.max(to - x, 2);
  if (!f.held) {
    c.strokeStyle = colours.violation;
    c.lineWidth = 2;
    c.strokeRect(x + 1, y + 1, Math.max(width - 2, 1), h - 2);
  } else {
    c.fillStyle = colours.fault;
    c.globalAlpha = 0.3;
    c.fillRect(x, y, width, h);
    c.globalAlpha = 1;
    const [inX, , outX] = box(f.inForce, f.heal >= 0 ? f.heal : over);
    c.fillStyle = colours.paper;
    c.fillRect(inX, y, Math.max(outX - inX, 1), h);
    c.fillStyle = colours.hatch;
    c.fillRect(inX, y, Math.max(outX - inX, 1), h);
    c.strokeStyle = colours.fault;
    c.lineWidth = 1;
    c.strokeRect(x + 0.5, y + 0.5, width - 1, h - 1);
  }
  const from = Math.max(x, 0) + 4, room = to - from - 4;
  if (room < 26) return;
  c.font = "11px system-ui, sans-serif";
  const label = f.says || f.id;
  c.fillStyle = colours.paper;
  c.globalAlpha = 0.8;
  c.fillRect(from - 2, y + 2, Math.min(c.measureText(label).width + 4, room), h - 4);
  c.globalAlpha = 1;
  fitText(c, label, from, y + h - 4, room, colours.ink);
}

function visible(from, to) { return to >= view.from && from <= view.to; }

function leadersTrack() {
  return {
    label: "leader", note: "as the nodes' logs say", height: () => 24,
    draw(c, w, h) {
      about.leaders.forEach((l, i) => {
        if (!visible(l.from, l.to)) return;
        const x = Math.max(xOf(l.from), 0), to = Math.min(xOf(l.to), w);
        c.fillStyle = colours.ink;
        c.globalAlpha = i % 2 ? 0.16 : 0.08;
        c.fillRect(x, 3, to - x, h - 6);
        c.globalAlpha = 1;
        c.fillRect(xOf(l.from), 1, 1.5, h - 2);
        fitText(c, l.name, x + 5, 16, to - x - 6, colours.ink);
      });
    },
  };
}

// clocksTrack draws each node's offset: a step as far from the middle as the
// logarithm of the offset is large, with the figure on it.
function clocksTrack() {
  const tall = 24;
  return {
    label: "clock offsets", note: about.clocks.map(c => c.node).join(", ") + "; read back", height: () => about.clocks.length * tall + 4,
    draw(c, w) {
      about.clocks.forEach((clock, i) => {
        const middle = i * tall + tall / 2 + 2;
        c.strokeStyle = colours.line;
        c.strokeRect(0, middle, w, 0);
        fitText(c, clock.node, 4, middle - 2, 60, colours.soft);
        clock.steps.forEach((s, n) => {
          const to = n + 1 < clock.steps.length ? clock.steps[n + 1].at : about.end;
          if (!s.offset || !visible(s.at, to)) return;
          const x = Math.max(xOf(s.at), 0), end = Math.min(xOf(to), w);
          const far = Math.min(2 + Math.log10(1 + Math.abs(s.offset) / 1e3) * 1.5, tall / 2 - 1) * Math.sign(s.offset);
          c.fillStyle = colours.fault;
          c.globalAlpha = 0.35;
          c.fillRect(x, Math.min(middle, middle - far), Math.max(end - x, 1.5), Math.abs(far));
          c.globalAlpha = 1;
          fitText(c, (s.offset > 0 ? "+" : "−") + duration(Math.abs(s.offset)), x + 3, middle + (far > 0 ? -2 : 9), end - x - 4, colours.ink);
        });
      });
    },
  };
}

// marksTrack has a row for each node: a mark for each line of its log that
// stands out.
function marksTrack() {
  const tall = 14;
  const looks = { leader: ["fault", "▲"], lost: ["fault", "▽"], start: ["ok", "▶"], panic: ["violation", "✖"], error: ["violation", "•"], warning: ["unknown", "·"] };
  const nodes = about.nodes.filter(n => about.marks.some(m => m.node === n));
  return {
    label: "node logs", note: "▲ leads ▽ lost leader ▶ start • error · warning", height: () => Math.max(nodes.length * tall + 6, 44),
    draw(c, w) {
      nodes.forEach((n, i) => fitText(c, n, 4, i * tall + 13, 40, colours.soft));
      c.font = "11px system-ui, sans-serif";
      c.textAlign = "center";
      for (const m of about.marks) {
        if (!visible(m.at, m.at)) continue;
        const [colour, sign] = looks[m.kind];
        c.fillStyle = colours[colour];
        c.fillText(sign, xOf(m.at), nodes.indexOf(m.node) * tall + 13);
      }
      c.textAlign = "left";
    },
    pick(x, y) {
      const row = Math.floor((y - 2) / tall);
      const near = about.marks.filter(m => nodes.indexOf(m.node) === row && Math.abs(xOf(m.at) - x) < 6);
      if (near.length) tell(near.slice(0, 4).map(m => seconds(m.at) + " " + m.node + " " + m.text).join("\n"));
    },
  };
}
