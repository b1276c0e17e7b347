// The training player's canvas: filters and their change, the error picture, and the loss curve, at one recorded step.

const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity };
const [WIDE, TALL] = [400, 260]; // CSS pixels that a sheet of filters covers at most
const PLOT = { left: 62, right: 406, top: 14, bottom: 168, width: 420, height: 208 };
const MOST_NUMBERS = 4; // slices that are small and few enough to be written out

async function render({ model, el }) {
  const controls = await controlsOf(model);
  const live = listeners();
  const colors = shades(model.get("palette"));
  const film = unpack(model);
  const page = layOut(el, film, colors);
  hideStill(page.root, model);
  nameHandles(page.root, live);
  calm(controls.play, live);
  const speak = speaker(page.root, live);

  function draw() {
    const index = model.get("step");
    const now = film.at(index);
    page.filters.draw(now.filters, film.limit);
    page.change.draw(now.change, film.limit);
    page.note.textContent = beyond([...now.filters, ...now.change], film.limit, "coloured squares");
    page.error?.draw(now.error);
    page.curve.draw(index, now.words);
    page.words.textContent = `${now.words} (${index + 1} of ${film.steps.length} recorded)`;
    page.root.held = { index, ...now, limit: film.limit };
  }

  function choose(index) {
    const within = Math.min(Math.max(index, 0), film.steps.length - 1);
    if (within === model.get("step")) return;
    model.set("step", within);
    model.save_changes();
    speak(film.at(within).words);
  }

  /** Put slider and play button in step, and draw. */
  function follow() {
    set(controls.slider, { index: model.get("step") });
    set(controls.play, { value: model.get("step") });
    draw();
  }

  live.on(controls.slider, "change:index", () => choose(controls.slider.get("index")));
  live.on(controls.play, "change:value", () => choose(controls.play.get("value")));
  live.on(model, "change:step", follow);
  live.on(page.curve.frame, "pointerdown pointermove", (event) => {
    if (event.type === "pointerdown" || event.buttons) choose(page.curve.indexAt(event));
  });
  live.on(page.curve.frame, "keydown", (event) => {
    const move = KEYS[event.key];
    if (!move) return;
    choose(model.get("step") + move);
    event.preventDefault();
    event.stopPropagation();
  });

  follow();
  return () => live.stop();
}

/** What Python sent, and what it says of one recorded step. */
function unpack(model) {
  const [filters, errors] = [floats(model.get("filters")), floats(model.get("errors"))];
  const [losses, accuracies] = [floats(model.get("losses")), floats(model.get("accuracies"))];
  const shape = model.get("shape");
  const [size, errorSize] = [shape, model.get("error_shape")].map((sides) => sides.reduce((product, side) => product * side, 1));
  const [steps, unit, start] = [model.get("steps"), model.get("unit"), filters.subarray(0, size)];
  const at = (index) => {
    const weights = filters.subarray(index * size, (index + 1) * size);
    const accuracy = accuracies[index] ?? null;
    const share = accuracy === null ? "" : `, accuracy ${(100 * accuracy).toFixed(1)} %`;
    return {
      step: steps[index],
      loss: losses[index],
      accuracy,
      filters: weights,
      change: weights.map((weight, place) => weight - start[place]),
      error: errors.length ? errors.subarray(index * errorSize, (index + 1) * errorSize) : null,
      words: `${unit} ${steps[index]}: loss ${text(losses[index], 0)}${share}`,
    };
  };
  return { at, steps, losses, unit, shape, errorShape: model.get("error_shape"), limit: model.get("limit") };
}

function layOut(el, film, colors) {
  const [count, slices, rows, columns] = film.shape;
  const many = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
  const sides = `${rows}×${columns}`;
  const what = slices === 1 ? `${many(count, "filter")}, ${sides}` : `${many(count, "filter")} of ${slices} slices, ${sides}`;
  const filters = maps(`filters: ${what}`, film.shape, colors);
  const change = maps(`change since ${film.unit} ${film.steps[0]}`, film.shape, colors);
  const error = film.errorShape.length ? errorPicture(film.errorShape, colors) : null;
  const curve = lossCurve(film);
  const [words, note] = [element("strong"), element("span", { className: "filterlab-faint" })];
  const order = slices === 1 ? "" : ` The slices of a filter, one per input channel${slices === 3 ? " (of a colour picture: red, green, blue)" : ""}, stand side by side.`;
  const scaled = element("div", { className: "filterlab-faint" }, `Filters and change on one scale, the same at every ${film.unit}.${order}`);
  const root = element(
    "div",
    { className: "filterlab", role: "group", "aria-label": "training player", "data-lm-suppress-shortcuts": "true" },
    element("p", { className: "filterlab-sum" }, words),
    element("div", { className: "filterlab-row" }, filters.figure, change.figure),
    scaleBar(film.limit, colors),
    scaled,
    note,
    element("div", { className: "filterlab-row filterlab-below" }, curve.figure, ...(error ? [error.figure] : []))
  );
  el.append(root);
  return { root, filters, change, error, curve, words, note };
}

/** All slices of all filters: as squares with their numbers where they are few and small, else painted on one sheet. */
function maps(name, shape, colors) {
  const [count, slices, rows, columns] = shape;
  return count * slices <= MOST_NUMBERS && Math.max(rows, columns) <= 5 ? written(name, shape, colors) : painted(name, shape, colors);
}

function painted(name, [count, slices, rows, columns], colors) {
  const sheet = sheetOf(count, slices, rows, columns, WIDE, TALL);
  const { canvas, stage: frame, figure } = stage(name, "", false);
  frame.style.width = `${sheet.width * sheet.scale}px`;
  frame.style.aspectRatio = `${sheet.width} / ${sheet.height}`;
  const draw = (values, limit) => {
    paintSheet(canvas, values, sheet, limit, colors);
    canvas.setAttribute("aria-label", `${name}, ${range(values)}`);
  };
  return { figure, draw };
}

function written(name, [count, slices, rows, columns], colors) {
  const cells = Array.from({ length: count * slices * rows * columns }, () => element("td"));
  const row = (index) => element("tr", {}, ...cells.slice(index * columns, (index + 1) * columns));
  const table = (index) => element("table", { className: "filterlab-numbers filterlab-squares" }, ...Array.from({ length: rows }, (_, i) => row(index * rows + i)));
  const tables = Array.from({ length: count * slices }, (_, index) => table(index));
  const figure = element("figure", {}, element("figcaption", {}, name), element("div", { className: "filterlab-row" }, ...tables));
  const draw = (values, limit) => {
    const decimals = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(limit))));
    cells.forEach((cell, index) => {
      cell.textContent = inSquare(values[index], limit, decimals);
      Object.assign(cell.style, colorOf(values[index], limit, colors));
    });
  };
  return { figure, draw };
}

/** A number as it stands in a square: the same decimals in all of them, so that nothing jumps while it plays. */
function inSquare(value, limit, decimals) {
  if (!Number.isFinite(value) || Math.abs(value) > 1000 * limit) return Number.isNaN(value) ? "NaN" : text(value);
  return value.toFixed(decimals).replace("-", "−").replace(/^−(0\.?0*)$/, "$1");
}

/** Smallest and largest of the finite values, in words; how many are no numbers. */
function range(values) {
  const finite = values.filter(Number.isFinite);
  if (!finite.length) return "no value is a finite number";
  const ends = `from ${text(finite.reduce((a, b) => Math.min(a, b)))} to ${text(finite.reduce((a, b) => Math.max(a, b)))}`;
  return finite.length < values.length ? `${ends}, ${values.length - finite.length} values are not finite numbers` : ends;
}

/** The error picture on the scale of its own step. */
function errorPicture([rows, columns], colors) {
  const { canvas, stage: frame, figure } = stage("error picture, prediction − target", "", false);
  const [scale, note] = [element("div"), element("div", { className: "filterlab-faint" })];
  fit(frame, rows, columns, Math.max(rows, columns), 260);
  figure.append(scale, note);
  const draw = (values) => {
    const limit = values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 0);
    paint(canvas, values, rows, columns, limit || 1, colors);
    canvas.setAttribute("aria-label", `error picture, prediction − target, ${range(values)}`);
    scale.replaceChildren(...(limit ? [scaleBar(limit, colors)] : []));
    const own = limit ? "a scale of its own at each step, up to the largest error" : "";
    note.textContent = [own, beyond(values, limit || 1, "pixels")].filter(Boolean).join("; ");
  };
  return { figure, draw };
}

/** The loss at all recorded steps, and a marker that can be dragged. */
function lossCurve({ steps, losses, unit }) {
  const axis = axisOf(losses);
  const last = steps.length - 1;
  const along = (index) => PLOT.left + ((PLOT.right - PLOT.left) * (steps[index] - steps[0])) / (steps[last] - steps[0] || 1);
  const rule = svg("line", { y1: PLOT.top, y2: PLOT.bottom, stroke: "currentColor", "stroke-width": 1, "stroke-dasharray": "3 3" });
  const dot = svg("circle", { r: 5, fill: "#ef8f3c", stroke: "currentColor", "stroke-width": 1.5 });
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${PLOT.width} ${PLOT.height}`, "aria-hidden": "true" },
    ...ticks(axis, steps, unit),
    ...lines(losses, along, axis),
    rule,
    dot
  );
  const frame = element("div", { className: "filterlab-curve", tabIndex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": last }, drawing);
  frame.setAttribute("aria-label", `loss curve, ${unit}s; arrow keys move the marker`);
  const draw = (index, words) => {
    const x = along(index);
    for (const [name, value] of Object.entries({ x1: x, x2: x })) rule.setAttribute(name, value);
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", axis.place(losses[index]));
    frame.setAttribute("aria-valuenow", index);
    frame.setAttribute("aria-valuetext", words);
  };
  const indexAt = (event) => {
    const box = drawing.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * PLOT.width;
    return steps.reduce((best, _, index) => (Math.abs(along(index) - x) < Math.abs(along(best) - x) ? index : best), 0);
  };
  const odd = losses.some((loss) => !Number.isFinite(loss)) ? "; magenta on top: not a finite number" : "";
  const scale = axis.logarithmic ? "loss, logarithmic axis: equal heights are equal factors" : "loss";
  return { frame, draw, indexAt, figure: element("figure", {}, element("figcaption", {}, scale + odd), frame) };
}

/** The upright axis: logarithmic where the losses differ by more than a factor of 30. What is no number stands on top. */
function axisOf(losses) {
  const finite = losses.filter(Number.isFinite);
  const positive = finite.filter((loss) => loss > 0).map(Math.log10);
  const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
  const logarithmic = positive.length > 0 && least(finite) >= 0 && most(positive) - least(positive) > Math.log10(30);
  const [low, high] = logarithmic ? [Math.floor(least(positive)), Math.ceil(most(positive))] : [Math.min(0, least(finite)), Math.max(0, most(finite))];
  const [bottom, top] = finite.length && high > low ? [low, high] : [0, 1];
  const height = (value) => PLOT.bottom - ((PLOT.bottom - PLOT.top) * (value - bottom)) / (top - bottom);
  const place = (loss) => {
    if (!Number.isFinite(loss)) return PLOT.top;
    return height(logarithmic ? Math.max(bottom, Math.log10(loss)) : loss);
  };
  const stride = Math.ceil((top - bottom) / 5);
  const powers = Array.from({ length: Math.floor((top - bottom) / stride) + 1 }, (_, index) => bottom + index * stride);
  const marks = logarithmic
    ? powers.map((power) => [height(power), Math.abs(power) <= 3 ? text(10 ** power) : `1e${power}`.replace("-", "−")])
    : [bottom, (bottom + top) / 2, top].map((value) => [height(value), text(value)]);
  return { logarithmic, place, marks };
}

function ticks(axis, steps, unit) {
  const label = (x, y, anchor, words) => svg("text", { x, y, "text-anchor": anchor, fill: "currentColor", "font-size": 12 }, words);
  const level = ([y, words]) => [
    svg("line", { x1: PLOT.left, x2: PLOT.right, y1: y, y2: y, stroke: "currentColor", "stroke-opacity": 0.25 }),
    label(PLOT.left - 6, y + 4, "end", words),
  ];
  const foot = PLOT.bottom + 17;
  return [
    ...axis.marks.flatMap(level),
    label(PLOT.left, foot, "start", String(steps[0])),
    label(PLOT.right, foot, "end", steps.length > 1 ? String(steps[steps.length - 1]) : ""),
    label((PLOT.left + PLOT.right) / 2, foot + 16, "middle", unit),
  ];
}

/** The curve, broken where a loss is no number; there, magenta ticks on top. */
function lines(losses, along, axis) {
  let path = "";
  const odd = [];
  losses.forEach((loss, index) => {
    const [x, y] = [along(index), axis.place(loss)];
    if (Number.isFinite(loss)) path += `${path === "" || !Number.isFinite(losses[index - 1]) ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    else odd.push(svg("line", { x1: x, x2: x, y1: y - 6, y2: y + 6, stroke: "#d6008f", "stroke-width": 3 }));
  });
  return [svg("path", { d: path, fill: "none", stroke: "#4f94d4", "stroke-width": 2, "stroke-linejoin": "round" }), ...odd];
}

function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export default { render };
