// Figures. Sizes are in units of the view box; a panel is drawn about as large on the screen.
const W = 400, H = 270, LEFT = 52, RIGHT = 14, TOP = 10, BOTTOM = 40;
const DASHES = ["", "7 3", "7 3 2 3", "2 3"];
const MARKS = ["circle", "square", "up", "diamond", "down", "cross"];

function svg(name, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
  node.append(...children);
  return node;
}

function look(i) {
  return { colour: `var(--c${i % 8})`, dash: DASHES[(i + Math.floor(i / 6)) % 4], mark: MARKS[i % 6] };
}

function marker(kind, x, y, r, attributes) {
  const at = (...points) => points.map(([a, b]) => `${x + a * r},${y + b * r}`).join(" ");
  if (kind === "circle") return svg("circle", { cx: x, cy: y, r, ...attributes });
  const shapes = {
    square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
    up: [[0, -1.2], [1.1, 0.9], [-1.1, 0.9]],
    down: [[0, 1.2], [1.1, -0.9], [-1.1, -0.9]],
    diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
    cross: [[-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4],
      [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]],
  };
  return svg("polygon", { points: at(...shapes[kind]), ...attributes });
}

// About n round values from low to high.
function ticks(low, high, n) {
  const raw = (high - low) / n || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step + 0);  // no -0
  return found;
}

function decades(low, high) {
  const found = [];
  for (let k = Math.floor(Math.log10(low)); 10 ** k <= high; k++) {
    for (const m of high / low > 200 ? [1] : [1, 2, 5]) {
      if (m * 10 ** k >= low * 0.999 && m * 10 ** k <= high * 1.001) found.push(m * 10 ** k);
    }
  }
  return found;
}

const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const long = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

function value(panel, v) {
  return panel.share ? `${(100 * v).toFixed(1)} %` : long.format(v);
}

function estimate(panel, p) {
  const interval = p.low === null ? "" : ` [${value(panel, p.low)}, ${value(panel, p.high)}]`;
  return value(panel, p.mean) + interval;
}

function scale(low, high, from, to, log) {
  const f = log ? Math.log10 : (v) => v;
  const span = f(high) - f(low) || 1;
  return (v) => from + ((f(v) - f(low)) / span) * (to - from);
}

function range(values, share) {
  if (share) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const pad = 0.05 * (high - low || Math.abs(high) || 1);
  return [low - pad, high + pad];
}

function axes(panel, x, y, xTicks, yTicks, bottom) {
  const g = svg("g", {});
  for (const v of xTicks) {
    g.append(svg("line", { class: "grid", x1: x(v), x2: x(v), y1: TOP, y2: bottom }));
    const text = panel.share && panel.dots ? `${Math.round(100 * v)}` : short.format(v);
    g.append(svg("text", { x: x(v), y: bottom + 15, "text-anchor": "middle" }, text));
  }
  for (const [v, label] of yTicks) {
    g.append(svg("line", { class: "grid", x1: LEFT, x2: W - RIGHT, y1: y(v), y2: y(v) }));
    g.append(svg("text", { x: LEFT - 6, y: y(v) + 4, "text-anchor": "end" }, label));
  }
  return g;
}

function caption(panel) {
  return panel.share ? `${panel.dots ? panel.x : panel.y}, %` : panel.dots ? panel.x : panel.y;
}

// One panel of curves; each curve is a group that the legend can hide.
function lines(panel, methods) {
  const xs = panel.lines.flatMap((l) => l.x).concat(panel.points.map((p) => p.x));
  const ys = panel.lines.flatMap((l) => [...l.mean, ...l.low, ...l.high]).filter((v) => v !== null);
  const [low, high] = range(ys.concat([...panel.points, ...panel.levels].map((p) => p.y)), panel.share);
  const positive = xs.filter((v) => v > 0);
  const log = panel.log && positive.length > 0;
  const left = log ? Math.min(...positive) : Math.min(0, ...xs);
  const right = Math.max(...xs);
  const x = scale(left, right, LEFT + 6, W - RIGHT - 6, log);
  const y = scale(low, high, H - BOTTOM, TOP + 6, false);
  const root = svg("svg", { viewBox: `0 0 ${W} ${H}` });
  const yTicks = ticks(low, high, 5).map((v) => [v, panel.share ? `${Math.round(100 * v)}` : short.format(v)]);
  root.append(axes(panel, x, y, log ? decades(left, right) : ticks(left, right, 5), yTicks, H - BOTTOM));
  root.append(svg("text", { x: (LEFT + W - RIGHT) / 2, y: H - 6, "text-anchor": "middle" }, panel.x));
  root.append(svg("text", { x: 12, y: (TOP + H - BOTTOM) / 2, "text-anchor": "middle",
    transform: `rotate(-90 12 ${(TOP + H - BOTTOM) / 2})` }, caption(panel)));
  panel.levels.forEach((level, i) => {
    root.append(svg("line", { class: "level", x1: LEFT, x2: W - RIGHT, y1: y(level.y), y2: y(level.y),
      "stroke-dasharray": ["", "2 3"][i] }));
    root.append(svg("text", { x: W - RIGHT, y: y(level.y) - 3, "text-anchor": "end" }, level.name));
  });
  const spots = [];
  for (const line of panel.lines) {
    const own = look(methods.indexOf(line.name));
    const level = line.x.length === 0;
    const at = level ? [left, right] : line.x;
    const of = (values, i) => y(values[level ? 0 : i]);
    const g = svg("g", { "data-name": line.name });
    const shown = at.map((_, i) => i).filter((i) => !log || at[i] > 0);
    if (line.low[0] !== null) {
      const up = shown.map((i) => `${x(at[i])},${of(line.high, i)}`);
      const down = shown.map((i) => `${x(at[i])},${of(line.low, i)}`).reverse();
      g.append(svg("polygon", { points: [...up, ...down].join(" "), fill: own.colour, opacity: 0.14 }));
    }
    const path = shown.map((i) => `${x(at[i])},${of(line.mean, i)}`).join(" ");
    g.append(svg("polyline", { points: path, fill: "none", stroke: own.colour, "stroke-width": 1.8,
      "stroke-dasharray": own.dash }));
    for (const i of level ? [] : shown) {
      g.append(marker(own.mark, x(at[i]), of(line.mean, i), 3.4, { fill: own.colour }));
      const p = { mean: line.mean[i], low: line.low[i], high: line.high[i] };
      const text = `${line.name}\n${panel.x} ${long.format(at[i])}\n${panel.y} ${estimate(panel, p)}`;
      spots.push({ group: g, x: x(at[i]), y: of(line.mean, i), text });
    }
    if (level) {
      const p = { mean: line.mean[0], low: line.low[0], high: line.high[0] };
      const text = `${line.name} (spends none of these)\n${panel.y} at its end ${estimate(panel, p)}`;
      spots.push({ group: g, x: x(right), y: of(line.mean, 0), text });
    }
    root.append(g);
  }
  for (const p of panel.points) {
    const own = look(methods.indexOf(p.name));
    const g = svg("g", { "data-name": p.name });
    g.append(marker(own.mark, x(p.x), y(p.y), 6, { fill: "none", stroke: own.colour, "stroke-width": 1.5 }));
    spots.push({ group: g, x: x(p.x), y: y(p.y),
      text: `${p.name}, published\n${panel.x} ${long.format(p.x)}\n${panel.y} ${value(panel, p.y)} ${p.text}` });
    root.append(g);
  }
  return [root, spots];
}

// One panel of scores at the only evaluation: a row for each method.
function dots(panel, methods) {
  const rows = panel.dots.length;
  const names = 30 + 6.2 * Math.max(...panel.dots.map((d) => d.name.length));
  const left = Math.min(names, W / 2);
  const bottom = TOP + 20 * rows + 6;
  const values = panel.dots.flatMap((d) => [d.mean, d.low, d.high]).filter((v) => v !== null);
  const [low, high] = range(values, panel.share);
  const x = scale(low, high, left + 6, W - RIGHT - 6, false);
  const y = (i) => TOP + 14 + 20 * i;
  const root = svg("svg", { viewBox: `0 0 ${W} ${bottom + BOTTOM}` });
  root.append(axes(panel, x, y, ticks(low, high, 4), [], bottom));
  root.append(svg("text", { x: (left + W - RIGHT) / 2, y: bottom + 33, "text-anchor": "middle" }, caption(panel)));
  const spots = panel.dots.map((d, i) => {
    const own = look(methods.indexOf(d.name));
    const g = svg("g", { "data-name": d.name });
    const line = { x1: left, x2: W - RIGHT, y1: y(i), y2: y(i), class: "grid" };
    g.append(svg("line", line));
    g.append(svg("text", { class: "name", x: left - 6, y: y(i) + 4, "text-anchor": "end" }, d.name));
    if (d.low !== null) {
      g.append(svg("line", { x1: x(d.low), x2: x(d.high), y1: y(i), y2: y(i), stroke: own.colour, "stroke-width": 2 }));
    }
    g.append(marker(own.mark, x(d.mean), y(i), 4, { fill: own.colour }));
    root.append(g);
    return { group: g, x: x(d.mean), y: y(i), text: `${d.name}\n${panel.x} ${estimate(panel, d)}` };
  });
  return [root, spots];
}

const tip = document.querySelector(".tip");

function show(root, spot, ring) {
  ring.setAttribute("cx", spot.x);
  ring.setAttribute("cy", spot.y);
  ring.removeAttribute("display");
  tip.textContent = spot.text;
  tip.hidden = false;
  const box = root.getBoundingClientRect();
  const unit = box.width / W;
  const edge = document.documentElement.clientWidth - tip.offsetWidth - 8;
  const left = Math.max(8, Math.min(box.left + spot.x * unit + 12, edge));
  tip.style.left = `${left + scrollX}px`;
  tip.style.top = `${box.top + scrollY + spot.y * unit - tip.offsetHeight - 10}px`;
}

// The pointer shows the nearest value; the arrow keys go from value to value.
function hover(root, spots) {
  const ring = svg("circle", { class: "ring", r: 7, display: "none" });
  root.append(ring);
  let now = -1;
  const isShown = (g) => g.getAttribute("display") !== "none" && !g.classList.contains("out");
  const seen = () => spots.filter((s) => isShown(s.group));
  const hide = () => {
    tip.hidden = true;
    ring.setAttribute("display", "none");
  };
  const point = (event) => {
    const box = root.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top].map((v) => (v * W) / box.width);
    const all = seen();
    if (all.length === 0) return hide();
    const far = (s) => Math.hypot(s.x - px, s.y - py);
    now = all.reduce((best, s, i) => (far(s) < far(all[best]) ? i : best), 0);
    show(root, all[now], ring);
  };
  root.onpointermove = root.onpointerdown = point;
  root.onpointerleave = root.onblur = hide;
  root.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const all = seen();
    if (step === undefined || all.length === 0) return;
    event.preventDefault();
    now = (Math.max(now, step > 0 ? -1 : 0) + step + all.length) % all.length;
    show(root, all[now], ring);
  };
}

function legend(figure, methods) {
  const hidden = new Set();
  methods.forEach((name, i) => {
    if (name === null) return;  // a look that no method has
    const own = look(i);
    const sample = svg("svg", { viewBox: "0 0 34 12", "aria-hidden": "true" });
    sample.append(svg("line", { x1: 1, x2: 33, y1: 6, y2: 6, stroke: own.colour, "stroke-width": 1.8,
      "stroke-dasharray": own.dash }), marker(own.mark, 17, 6, 3.6, { fill: own.colour }));
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    button.dataset.name = name;
    button.append(sample, name);
    button.onclick = () => {
      if (!hidden.delete(name)) hidden.add(name);
      button.setAttribute("aria-pressed", String(!hidden.has(name)));
      for (const g of figure.querySelectorAll(".panel g[data-name]")) {
        g.setAttribute("display", hidden.has(g.dataset.name) ? "none" : "inline");
      }
    };
    figure.querySelector(".legend").append(button);
  });
}

for (const figure of document.querySelectorAll(".figure")) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  let row = {};
  legend(figure, data.methods);
  for (const panel of data.panels) {
    const [root, spots] = (data.kind === "dots" ? dots : lines)(panel, data.methods);
    root.setAttribute("tabindex", "0");
    root.setAttribute("role", "application");
    root.setAttribute("aria-label", `${panel.title}: ${caption(panel)}; arrow keys read the values`);
    hover(root, spots);
    const frame = document.createElement("figure");
    frame.className = "panel";
    const title = document.createElement("figcaption");
    title.textContent = panel.title;
    frame.append(title, root);
    // Panels with one x axis stand together.
    if (panel.x !== row.x) {
      row = { x: panel.x, node: document.createElement("div") };
      row.node.className = "panels";
      figure.append(row.node);
    }
    row.node.append(frame);
  }
}
