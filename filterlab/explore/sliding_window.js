// The sliding window's page: for every channel picture, kernel, products and partial sums; the answers; formula and call.

const FIELD = 5; // every channel's weights are kept in a 5×5 field; a smaller kernel is its middle
const CALM = 1500; // ms from step to step, at least, for people who asked for reduced motion
const TRAITS = ["shape", "size", "stride", "padding", "dilation", "step", "channels", "mode", "weights"];

async function render({ model, el }) {
  const controls = await controlsOf(model);
  const weights = Object.keys(controls).filter((name) => name.startsWith("weight")).map((name) => controls[name]);
  const live = listeners();
  const page = layOut(el);
  hideStill(page.root, model);
  nameHandles(page.root, live);
  mendEnds(page.root, live);
  calm(controls.play, live, CALM);
  const speak = speaker(page.root, live);
  const colors = shades(model.get("palette"));
  let now; // the settings and all that follows from them
  let hovered = null; // {part, channel, index}: the number under the pointer
  let focused = null; // the number that the arrow keys have reached
  let quiet = false; // while the sliders are put in step with the settings, they have nothing to say

  /** Put all controls in step with the settings, let them go as far as the window fits, and draw. */
  function follow() {
    quiet = true;
    now = slide(Object.fromEntries(TRAITS.map((name) => [name, model.get(name)])), floats(model.get("image")));
    const limits = bounds(now, model.get("ranges"));
    set(controls.stride, { value: now.stride });
    set(controls.padding, { min: limits.padding, value: now.padding });
    set(controls.dilation, { max: limits.dilation, value: now.dilation });
    set(controls["kernel size"], { max: Math.max(...limits.size), value: Math.max(...now.size) });
    for (const control of [controls.step, controls.play]) set(control, { max: now.count - 1, value: now.step });
    choice(controls.mode, now.mode);
    choice(controls.channels, String(now.channels));
    followWeights();
    quiet = false;
    drawNumbers(page, now, colors);
    drawWords(page, now, colors);
    point();
  }

  /** The sliders of the chosen channel's weights: as many as the kernel has, named by their place in it. */
  function followWeights() {
    const channel = Math.min(controls.channel.get("index"), now.channels - 1);
    if (controls.channel.get("_options_labels").length !== now.channels) {
      const labels = Array.from({ length: now.channels }, (_, index) => `channel ${index}`);
      set(controls.channel, { _options_labels: labels, index: channel });
    }
    set(controls.channel.get("layout"), { display: now.channels > 1 ? null : "none" });
    set(controls.grid.get("layout"), { grid_template_columns: `repeat(${now.size[1]}, minmax(84px, 300px))` });
    weights.forEach((slider, index) => {
      const [row, column] = [Math.floor(index / FIELD), index % FIELD];
      const [i, j] = [row - first(now.size[0]), column - first(now.size[1])];
      const shown = i >= 0 && i < now.size[0] && j >= 0 && j < now.size[1];
      set(slider.get("layout"), { display: shown ? null : "none" });
      const name = now.channels > 1 ? `w[${channel}, ${i}, ${j}]` : `w[${i}, ${j}]`;
      if (shown) set(slider, { description: name, value: nearest(now.weights[channel][row][column], slider) });
    });
  }

  /** Take settings that the hand has made: the page follows at once, and Python is told. */
  function take(settings) {
    quiet = true;
    Object.entries(settings).forEach(([name, value]) => model.set(name, value));
    follow();
    model.save_changes();
    speak(`${now.rows} by ${now.columns} answers. ${page.root.held.words[0]}`);
  }

  /** Light up what belongs to the number under the pointer or the cursor, or else to the step's answer. */
  function point() {
    const target = [hovered, focused].find((one) => one && exists(now, one)) ?? { part: "answers", channel: 0, index: now.step };
    const said = { answers: aboutAnswer, picture: aboutPixel, kernel: aboutWeight }[target.part](now, target);
    page.channels.slice(0, now.channels).forEach((parts, channel) => {
      light(parts.picture, said.pixels(channel));
      light(parts.kernel, said.weights(channel));
      light(parts.partial, said.answers);
      drawProducts(parts.products, now, channel, target.part === "answers" ? target.index : now.step, colors);
    });
    light(page.answers, said.answers);
    page.words.replaceChildren(...said.words.map((words) => element("p", { className: "filterlab-sum", textContent: words })));
    page.root.held = { ...heldOf(now), lit: said.answers, words: said.words };
  }

  for (const [name, trait] of [["stride", "stride"], ["padding", "padding"], ["dilation", "dilation"], ["step", "step"], ["play", "step"]]) {
    live.on(controls[name], "change:value", () => quiet || take({ [trait]: controls[name].get("value") }));
  }
  live.on(controls["kernel size"], "change:value", () => {
    // Each side of the kernel goes as far as it fits: on a picture of two rows a kernel of five has two.
    if (!quiet) take({ size: bounds(now, model.get("ranges")).size.map((most) => Math.min(most, controls["kernel size"].get("value"))) });
  });
  live.on(controls.mode, "change:index", () => quiet || take({ mode: chosen(controls.mode) }));
  live.on(controls.channels, "change:index", () => quiet || take({ channels: Number(chosen(controls.channels)) }));
  live.on(controls.channel, "change:index", () => quiet || follow());
  weights.forEach((slider, index) =>
    live.on(slider, "change:value", () => {
      const [channel, row, column] = [controls.channel.get("index"), Math.floor(index / FIELD), index % FIELD];
      const value = slider.get("value");
      // A slider that stands as near to its weight as its steps allow has not been moved by a hand.
      if (quiet || Math.abs(value - nearest(now.weights[channel][row][column], slider)) < 1e-9) return;
      const moved = now.weights.map((field) => field.map((line) => [...line]));
      moved[channel][row][column] = value;
      take({ weights: moved });
    })
  );
  live.on(model, "change", () => quiet || follow());

  const aims = {
    hover(target) {
      hovered = target;
      point();
    },
    focus(target) {
      focused = target && target.part !== "answers" ? target : null; // the cursor of the answers is the step itself
      point();
      if (focused) speak(page.root.held.words[0]);
    },
    step(index) {
      hovered = null;
      if (index !== now.step) take({ step: index });
    },
  };
  page.channels.forEach((parts, channel) => {
    watch(parts.picture, { part: "picture", channel }, aims, live);
    watch(parts.kernel, { part: "kernel", channel }, aims, live);
    watch(parts.partial, { part: "answers", channel }, aims, live);
  });
  watch(page.answers, { part: "answers", channel: 0 }, aims, live);
  live.on(page.copy, "click", () => copy(page));
  follow();
  return () => live.stop();
}

/** Where a kernel so long begins in the field of weights. */
function first(size) {
  return Math.floor(FIELD / 2) - Math.floor(size / 2);
}

/** All that the settings decide. Pixels are counted in the padded picture, weights as they lie on it, answers as we read. */
function slide(settings, image) {
  const { shape, size, weights, channels, padding, mode } = settings;
  const [, height, width] = shape;
  const [kh, kw] = size;
  const flipped = mode === "convolution";
  const inUse = Array.from({ length: channels }, (_, channel) => channel);
  const kernel = inUse.map((channel) => weights[channel].slice(first(kh), first(kh) + kh).flatMap((row) => row.slice(first(kw), first(kw) + kw)));
  const sliding = flipped ? kernel.map((flat) => [...flat].reverse()) : kernel;
  const pixels = inUse.map((channel) => image.subarray(channel * height * width, (channel + 1) * height * width));
  const partial = inUse.map((channel) => correlate(pixels[channel], height, width, sliding[channel], kh, kw, settings));
  const { rows, columns } = partial[0];
  const count = rows * columns;
  const values = Float64Array.from({ length: count }, (_, index) => partial.reduce((sum, part) => sum + part.values[index], 0));
  const now = { ...settings, flipped, rows, columns, count, values, kernel, sliding, partial: partial.map((part) => part.values) };
  now.padded = pixels.map((flat) => pad(flat, height, width, padding));
  [now.tall, now.wide] = [height + 2 * padding, width + 2 * padding];
  now.step = Math.min(settings.step, count - 1);
  now.seen = seenBy(now);
  now.limit = limitOf(now);
  return now;
}

/** The pixel on which a weight lies in the window of an answer. */
function tap({ columns, wide, stride, dilation, size }, answer, weight) {
  const row = Math.floor(answer / columns) * stride + Math.floor(weight / size[1]) * dilation;
  return row * wide + (answer % columns) * stride + (weight % size[1]) * dilation;
}

function taps(now, answer) {
  return now.kernel[0].map((_, weight) => tap(now, answer, weight));
}

/** How many answers see each pixel. */
function seenBy(now) {
  const seen = new Uint16Array(now.tall * now.wide);
  for (let answer = 0; answer < now.count; answer++) for (const pixel of taps(now, answer)) seen[pixel]++;
  return seen;
}

/** The value of the strongest colours: no weight, product, partial sum or answer lies beyond. */
function limitOf({ kernel, padded, partial, values }) {
  const largest = (arrays) => arrays.reduce((most, array) => array.reduce((top, value) => Math.max(top, Math.abs(value)), most), 0);
  return Math.max(largest(kernel) * Math.max(1, largest(padded)), largest(partial), largest([values])) || 1;
}

/** How far the sliders go, so that the window always fits. */
function bounds({ shape, size, padding, dilation }, ranges) {
  const axes = [0, 1].map((axis) => [shape[axis + 1], size[axis]]);
  const gaps = (pixels) => pixels + 2 * padding - 1; // from the first pixel to the last
  return {
    padding: Math.max(0, ...axes.map(([pixels, kernel]) => Math.ceil((dilation * (kernel - 1) + 1 - pixels) / 2))),
    dilation: Math.min(ranges.dilation[1], ...axes.map(([pixels, kernel]) => (kernel > 1 ? Math.floor(gaps(pixels) / (kernel - 1)) : Infinity))),
    size: axes.map(([pixels]) => Math.min(ranges.kernel_size[1], Math.floor(gaps(pixels) / dilation) + 1)),
  };
}

// Drawing -----------------------------------------------------------------------------------------------------------------

function drawNumbers(page, now, colors) {
  const many = now.channels > 1;
  (many ? page.total : page.rows[0]).append(page.answers.figure);
  page.total.hidden = !many;
  const crowded = many || now.wide > 12;
  page.channels.forEach((parts, channel) => {
    page.rows[channel].hidden = channel >= now.channels;
    page.headings[channel].hidden = !many || channel >= now.channels;
    if (channel >= now.channels) return;
    drawPicture(parts.picture, now, channel, `picture${now.padding ? `, padded by ${now.padding}` : ""}`, crowded);
    const shape = { rows: now.size[0], columns: now.size[1], crowded };
    const signed = (index, value) => colorOf(value, now.limit, colors);
    fill(parts.kernel, `kernel${now.flipped ? ", flipped" : ""}`, shape, now.sliding[channel], signed);
    parts.partial.figure.hidden = !many;
    if (many) drawAnswers(parts.partial, now, "partial sums", now.partial[channel], colors, crowded);
  });
  const title = many ? "answers: the sum of the partial sums" : "answers";
  drawAnswers(page.answers, now, `${title}, ${now.step + 1} of ${now.count}`, now.values, colors, crowded);
}

function drawPicture(grid, now, channel, caption, crowded) {
  const { tall, wide, padding } = now;
  fill(grid, caption, { rows: tall, columns: wide, origin: -padding, crowded }, now.padded[channel], (index, value) => {
    const [row, column] = [Math.floor(index / wide), index % wide];
    const padded = Math.min(row, column) < padding || row >= tall - padding || column >= wide - padding;
    const notes = [padded && "padding", !now.seen[index] && "seen by no window"].filter(Boolean).join(", ");
    const kind = `${padded ? "filterlab-padded" : ""} ${now.seen[index] ? "" : "filterlab-dropped"}`.trim();
    return { ...(padded ? {} : greyOf(value)), kind, notes };
  });
}

function drawAnswers(grid, now, caption, values, colors, crowded) {
  fill(grid, caption, { rows: now.rows, columns: now.columns, crowded }, values, (index, value) =>
    index > now.step ? { words: "", notes: "still to come", kind: "filterlab-pending" } : colorOf(value, now.limit, colors)
  );
  aim(grid, now.step);
}

/** Window times kernel, for one answer. */
function drawProducts(grid, now, channel, answer, colors) {
  const [rows, columns] = now.size;
  const products = taps(now, answer).map((pixel, weight) => now.padded[channel][pixel] * now.sliding[channel][weight]);
  const crowded = now.channels > 1 || now.wide > 12;
  fill(grid, "products", { rows, columns, crowded }, products, (index, value) => colorOf(value, now.limit, colors));
}

function drawWords(page, now, colors) {
  page.formula.replaceChildren(...formulas(now).map((words) => element("div", { textContent: words })));
  page.call.textContent = callOf(now);
  page.copied.textContent = "";
  const flipped = "Convolution slides the kernel turned by half a turn: flipped on both axes. The sliders name the weights as they were.";
  const none = now.seen.reduce((total, count) => total + !count, 0);
  const notes = [
    now.flipped && flipped,
    "Pictures: black at 0, white at 1. White among the answers: still to come.",
    now.padding && "Hatched: padding.",
    none && `Crossed out: ${none} of ${now.seen.length} pixels are seen by no window.`,
  ];
  page.notes.textContent = notes.filter(Boolean).join(" ");
  if (page.limit === now.limit) return;
  page.limit = now.limit;
  page.scale.replaceChildren(scaleBar(now.limit, colors), element("span", { className: "filterlab-faint" }, "one scale for all that is coloured"));
}

/** The number of answers along both axes, with the numbers of now. */
function formulas({ shape, size, stride, padding, dilation, rows, columns }) {
  const along = (name, axis, count) =>
    `${name}: ⌊(${shape[axis + 1]} + 2·${padding} − ${dilation}·(${size[axis]} − 1) − 1) / ${stride}⌋ + 1 = ${count}`;
  return [along("rows", 0, rows), along("columns", 1, columns)];
}

/** What one would write in PyTorch. */
function callOf({ shape, size, stride, padding, dilation, channels, flipped, rows, columns }) {
  const shapes = `# x (1, ${channels}, ${shape[1]}, ${shape[2]}), weight (1, ${channels}, ${size[0]}, ${size[1]}) → (1, 1, ${rows}, ${columns})`;
  const weight = flipped ? "weight.flip(-1, -2)" : "weight";
  return `${shapes}\ntorch.nn.functional.conv2d(x, ${weight}, stride=${stride}, padding=${padding}, dilation=${dilation})`;
}

async function copy({ call, copied }) {
  try {
    await navigator.clipboard.writeText(call.textContent);
    copied.textContent = "copied";
  } catch {
    // Pages without https may not write to the clipboard.
    getSelection().selectAllChildren(call);
    copied.textContent = "selected: press Ctrl+C (on a Mac ⌘C)";
  }
}

/** What tests compare with Python. */
function heldOf(now) {
  const { rows, columns, values, kernel, sliding, partial, padded, tall, wide, limit } = now;
  const settings = Object.fromEntries(["stride", "padding", "dilation", "size", "channels", "mode", "step"].map((name) => [name, now[name]]));
  const dropped = [...now.seen.keys()].filter((pixel) => !now.seen[pixel]);
  return { rows, columns, values, kernel, sliding, partial, padded, tall, wide, limit, settings, dropped, formula: formulas(now), call: callOf(now) };
}

// What is said about an answer, a pixel, a weight, and what lights up with it --------------------------------------------------

function exists(now, { part, channel, index }) {
  return channel < now.channels && index < { answers: now.count, picture: now.tall * now.wide, kernel: now.kernel[0].length }[part];
}

/** "0.2·(−1) + 0.7·1 = 0.5" */
function sumOf(now, channel, answer) {
  const terms = taps(now, answer).map((pixel, weight) => product(now.padded[channel][pixel], now.sliding[channel][weight]));
  return `${terms.join(" + ")} = ${text(now.partial[channel][answer])}`;
}

function place(index, columns, origin = 0) {
  return `row ${text(Math.floor(index / columns) + origin)}, column ${text((index % columns) + origin)}`;
}

function aboutAnswer(now, { index }) {
  const window = place(tap(now, index, 0), now.wide, -now.padding);
  const head = `answer ${text(now.values[index])} at ${place(index, now.columns)}: the window starts at ${window}`;
  const sums = now.partial.map((_, channel) => sumOf(now, channel, index));
  const total = `${now.partial.map((part) => text(part[index])).join(" + ")} = ${text(now.values[index])}`.replaceAll("+ −", "− ");
  const words = now.channels === 1 ? [head, sums[0]] : [head, ...sums.map((sum, channel) => `channel ${channel}: ${sum}`), `sum: ${total}`];
  const seen = taps(now, index);
  return { words, pixels: () => seen, weights: () => [], answers: [index] };
}

function aboutPixel(now, { channel, index }) {
  const answers = Array.from({ length: now.count }, (_, answer) => answer).filter((answer) => taps(now, answer).includes(index));
  const reach = answers.length ? `reaches ${answers.length} of ${now.count} answers` : "is seen by no window";
  const words = [`${whose(now, channel)}pixel at ${place(index, now.wide, -now.padding)}, ${text(now.padded[channel][index])}: ${reach}`];
  return { words, pixels: (other) => (other === channel ? [index] : []), weights: () => [], answers };
}

function aboutWeight(now, { channel, index }) {
  const pixels = Array.from({ length: now.count }, (_, answer) => tap(now, answer, index));
  const own = now.flipped ? now.kernel[channel].length - 1 - index : index;
  const name = `w[${Math.floor(own / now.size[1])}, ${own % now.size[1]}]`;
  const words = [`${whose(now, channel)}weight ${name} = ${text(now.sliding[channel][index])}: touches ${now.count} pixels, one for each answer`];
  const mine = (list) => (other) => (other === channel ? list : []);
  return { words, pixels: mine(pixels), weights: mine([index]), answers: [] };
}

function whose(now, channel) {
  return now.channels > 1 ? `channel ${channel}, ` : "";
}

// Grids of numbers ------------------------------------------------------------------------------------------------------------

function grid(whose = "") {
  const caption = element("figcaption");
  const table = element("table", { className: "filterlab-grid", role: "grid" });
  const box = element("div", { className: "filterlab-scroll" }, table);
  return { whose, caption, table, figure: element("figure", {}, caption, box), cells: [], drawn: [], lit: [], active: 0, layout: "" };
}

/** Write numbers into a grid. look: gives the colours of a value, its notes for screen readers, and words in place of the number. */
function fill(grid, caption, { rows, columns, origin = 0, crowded }, values, look) {
  build(grid, rows, columns, origin);
  if (grid.caption.textContent !== caption) {
    grid.caption.textContent = caption;
    grid.table.setAttribute("aria-label", `${caption}${grid.whose}`);
  }
  let longest = 1;
  for (let index = 0; index < values.length; index++) {
    const number = short(values[index]);
    longest = Math.max(longest, number.length);
    write(grid, index, number, look(index, values[index]));
  }
  const font = columns > 14 ? 9.5 : crowded ? 10.5 : 12.5;
  grid.table.style.setProperty("--font", `${font}px`);
  grid.table.style.setProperty("--tall", `${crowded ? 25 : 32}px`);
  grid.table.style.setProperty("--wide", `${Math.max(crowded ? 25 : 32, Math.ceil(0.63 * font * longest + 5))}px`);
}

function write(grid, index, number, { words = number, background = "", color = "", kind = "", notes = "" }) {
  const drawn = [words, background, kind, notes].join("|");
  if (grid.drawn[index] === drawn) return;
  grid.drawn[index] = drawn;
  const cell = grid.cells[index];
  cell.textContent = words;
  cell.style.backgroundColor = background;
  cell.style.color = color;
  cell.className = kind;
  cell.classList.toggle("filterlab-lit", grid.lit.includes(index));
  if (notes) cell.setAttribute("aria-label", [words, notes].filter(Boolean).join(", "));
  else cell.removeAttribute("aria-label");
}

/** The table of a grid, with the numbers of its rows and columns; origin: the first of them. */
function build(grid, rows, columns, origin) {
  const layout = `${rows} ${columns} ${origin}`;
  if (grid.layout === layout) return;
  const heading = (scope, number) => element("th", { scope, textContent: text(number + origin) });
  const head = element("tr", {}, element("td"), ...Array.from({ length: columns }, (_, column) => heading("col", column)));
  grid.cells = Array.from({ length: rows * columns }, () => element("td", { role: "gridcell", tabIndex: -1 }));
  const lines = Array.from({ length: rows }, (_, row) =>
    element("tr", {}, heading("row", row), ...grid.cells.slice(row * columns, (row + 1) * columns))
  );
  grid.table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...lines));
  Object.assign(grid, { layout, columns, drawn: [], lit: [] });
  aim(grid, Math.min(grid.active, grid.cells.length - 1));
}

/** Make one cell the one that Tab reaches. */
function aim(grid, index) {
  if (grid.cells[grid.active]) grid.cells[grid.active].tabIndex = -1;
  grid.active = index;
  grid.cells[index].tabIndex = 0;
}

function light(grid, indices) {
  grid.lit.forEach((index) => grid.cells[index]?.classList.remove("filterlab-lit"));
  indices.forEach((index) => grid.cells[index]?.classList.add("filterlab-lit"));
  grid.lit = indices;
}

/** Tell when the pointer or the arrow keys reach a number of the grid. */
function watch(grid, target, { hover, focus, step }, live) {
  const indexOf = (event) => grid.cells.indexOf(event.target.closest("td"));
  const at = (index) => (index < 0 ? null : { ...target, index });
  live.on(grid.table, "pointerover", (event) => hover(at(indexOf(event))));
  live.on(grid.table, "pointerleave", () => hover(null));
  live.on(grid.table, "focusin", (event) => focus(at(indexOf(event))));
  live.on(grid.table, "focusout", () => focus(null));
  live.on(grid.table, "click", (event) => {
    if (target.part === "answers" && indexOf(event) >= 0) step(indexOf(event));
    else if (indexOf(event) >= 0) aim(grid, indexOf(event));
  });
  live.on(grid.table, "keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    const [row, column] = [Math.floor(grid.active / grid.columns) + arrow[0], (grid.active % grid.columns) + arrow[1]];
    const next = row * grid.columns + column;
    if (column >= 0 && column < grid.columns && grid.cells[next]) {
      if (target.part === "answers") step(next);
      else aim(grid, next);
      grid.cells[next].focus();
    }
    event.preventDefault();
    event.stopPropagation();
  });
}

/** A number for a small cell: two decimals, so that 0.00 is small and 0 is nothing; large ones by their power of ten. */
function short(value) {
  const size = Math.abs(value);
  if (size >= 1e4) return value.toExponential(0).replace("+", "").replace("-", "−");
  return size < 0.005 && text(value) !== "0" ? "0.00" : text(Number(value.toFixed(2)));
}

// The page --------------------------------------------------------------------------------------------------------------------

function layOut(el) {
  const channels = [0, 1, 2].map((index) => {
    const [picture, kernel, products, partial] = Array.from({ length: 4 }, () => grid(` of channel ${index}`));
    return { picture, kernel, products, partial };
  });
  const headings = channels.map((_, index) => element("div", { className: "filterlab-heading" }, `channel ${index}`));
  const rows = channels.map((parts) => element("div", { className: "filterlab-row" }, ...Object.values(parts).map((part) => part.figure)));
  const [answers, total] = [grid(), element("div", { className: "filterlab-row" })];
  const parts = { words: element("div", { className: "filterlab-words" }), formula: element("div", { className: "filterlab-sum" }) };
  Object.assign(parts, { scale: element("div", { className: "filterlab-scale" }), notes: element("p", { className: "filterlab-faint" }) });
  const call = element("pre", { className: "filterlab-call", tabIndex: 0, "aria-label": "the same in PyTorch" });
  const button = element("button", { type: "button", className: "jupyter-button", textContent: "copy" });
  const copied = element("span", { className: "filterlab-faint", role: "status" });
  const root = element(
    "div",
    { className: "filterlab filterlab-window", role: "group", "aria-label": "sliding window", "data-lm-suppress-shortcuts": "true" },
    ...rows.flatMap((row, index) => [headings[index], row]),
    total,
    parts.words,
    parts.scale,
    parts.notes,
    element("div", { className: "filterlab-faint" }, "number of answers: ⌊(size + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1"),
    parts.formula,
    element("div", { className: "filterlab-row" }, call, button, copied)
  );
  el.append(root);
  return { root, channels, headings, rows, answers, total, call, copy: button, copied, ...parts };
}

/** Let Home and End know how far a slider goes now. */
function mendEnds(root, live) {
  let box = null;
  const mend = () => {
    if (box) return;
    box = root.closest(".filterlab-explorer");
    if (box) live.on(box, "keydown", toEnd);
  };
  // The view may be drawn before it is in the page.
  const timers = [0, 100, 500, 2000].map((delay) => setTimeout(mend, delay));
  live.later(() => timers.forEach(clearTimeout));
}

/** noUiSlider, which draws the sliders, keeps the ends that a slider had first: go to those that it has now. */
function toEnd(event) {
  const slider = event.target.closest(".noUi-target")?.noUiSlider;
  if (slider && event.key === "Home") slider.set(slider.options.range.min);
  if (slider && event.key === "End") slider.set(slider.options.range.max);
}

export default { render };
