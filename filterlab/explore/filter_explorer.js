// The filter explorer's canvas: a picture, a kernel, their cross-correlation, and the arithmetic of one window.

const DIVISORS = Array.from({ length: 16 }, (_, index) => index + 1);
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

async function render({ model, el }) {
  const controls = await controlsOf(model);
  const sliders = Object.keys(controls).filter((name) => name.startsWith("weight")).map((name) => controls[name]);
  const live = listeners();
  const page = layOut(el);
  hideStill(page.root, model);
  nameHandles(page.root, live);
  const speak = speaker(page.root, live);
  const colors = shades(model.get("palette"));
  page.scale.replaceChildren(scaleBar(model.get("limit"), colors));
  let image, height, width, response, divisor;
  let quiet = false; // while the sliders are put in step with the kernel, they have nothing to say

  function drawImage() {
    [height, width] = model.get("shape");
    image = floats(model.get("image"));
    paint(page.picture.canvas, image, height, width, null, colors);
    fit(page.picture.stage, height, width, width);
  }

  function draw() {
    const kernel = model.get("kernel");
    const [size, flat] = [kernel.length, kernel.flat()];
    response = correlate(image, height, width, flat, size, size);
    const signed = controls.colors.get("index") === 0;
    paint(page.response.canvas, response.values, response.rows, response.columns, signed ? model.get("limit") : null, colors);
    fit(page.response.stage, response.rows, response.columns, width);
    paint(page.kernel.canvas, flat, size, size, Math.max(1e-12, ...flat.map(Math.abs)), colors);
    page.sum.textContent = `sum of the ${flat.length} weights: ${text(total(kernel))}`;
    page.scale.hidden = !signed;
    page.note.textContent = signed ? beyond(response.values, model.get("limit"), "answers") : "black at 0 and below, white at 1 and above";
    pick();
  }

  /** Show the window of the chosen answer in both pictures, and its sum of products. */
  function pick() {
    const kernel = model.get("kernel");
    const [size, [row, column]] = [kernel.length, inside(model.get("pixel"))];
    const answer = response.values[row * response.columns + column];
    mark(page.picture.mark, row, column, size, height, width);
    mark(page.response.mark, row, column, 1, response.rows, response.columns);
    const terms = kernel.flatMap((weights, i) => weights.map((weight, j) => [image[(row + i) * width + column + j], weight]));
    const sum = terms.map(([pixel, weight]) => `${text(pixel)}·${weight < 0 ? `(${text(weight)})` : text(weight)}`).join(" + ");
    page.where.textContent = `window at row ${row}, column ${column}`;
    page.words.textContent = `${terms.length <= 25 ? sum : `sum of ${terms.length} products`} = ${text(answer)}`;
    page.root.held = { ...response, kernel, row, column, answer };
  }

  function inside([row, column]) {
    const within = (value, count) => Math.min(Math.max(Math.round(value), 0), count - 1);
    return [within(row, response.rows), within(column, response.columns)];
  }

  function choose(pixel) {
    const [row, column] = inside(pixel);
    if (String([row, column]) === String(model.get("pixel"))) return;
    model.set("pixel", [row, column]);
    model.save_changes();
    speak(`row ${row}, column ${column}, answer ${text(response.values[row * response.columns + column])}`);
  }

  /** Put sliders, divisor, size and preset in step with the kernel, and draw. held: a control that the hand is on, and that stays. */
  function follow(held = null) {
    quiet = true;
    const kernel = model.get("kernel");
    divisor = held ? divisor : divisorOf(kernel.flat(), sliders[0]);
    set(controls.divisor, { value: divisor });
    sliders.forEach((slider, index) => {
      const weight = weightOf(kernel, index);
      if (slider !== held) set(slider, { value: weight === undefined ? 0 : nearest(weight * divisor, slider) });
      set(slider.get("layout"), { display: weight === undefined ? "none" : null });
    });
    set(controls.grid.get("layout"), { grid_template_columns: `repeat(${Math.min(kernel.length, 5)}, minmax(0, 300px))` });
    choice(controls.size, `${kernel.length}×${kernel.length}`);
    choice(controls.preset, presetOf(kernel, model.get("presets")));
    // Weights that sum to zero ask for signed colours, others keep brightness; a hand on a slider wants to see what changes.
    if (!held) set(controls.colors, { index: Math.abs(total(kernel)) < 1e-9 ? 0 : 1 });
    quiet = false;
    draw();
  }

  /** Take a kernel that the hand has made. */
  function take(kernel, held = null) {
    quiet = true; // Python is told; the page follows at once
    model.set("kernel", kernel);
    follow(held);
    model.save_changes();
  }

  /** The weight that the slider of this index stands for; undefined where the kernel has none, or more than there are sliders. */
  function weightOf(kernel, index) {
    const [i, j] = place(kernel, index);
    return kernel.length > 5 ? undefined : kernel[i]?.[j];
  }

  /** The row and column of a slider's weight: the sliders are 5×5, and a smaller kernel is their middle. */
  function place(kernel, index) {
    const margin = (5 - kernel.length) / 2;
    return [Math.floor(index / 5) - margin, (index % 5) - margin];
  }

  sliders.forEach((slider, index) =>
    live.on(slider, "change:value", () => {
      const kernel = model.get("kernel");
      const weight = weightOf(kernel, index);
      // A slider that stands as near to its weight as its steps allow has not been moved by a hand.
      if (quiet || weight === undefined || Math.abs(slider.get("value") - nearest(weight * divisor, slider)) < 1e-9) return;
      const [i, j] = place(kernel, index);
      take(kernel.map((row, r) => row.map((old, c) => (r === i && c === j ? slider.get("value") / divisor : old))), slider);
    })
  );
  live.on(controls.divisor, "change:value", () => {
    if (quiet) return;
    const before = divisor;
    divisor = controls.divisor.get("value");
    take(model.get("kernel").map((row) => row.map((weight) => (weight * before) / divisor)), controls.divisor);
  });
  live.on(controls.preset, "change:index", () => {
    const preset = model.get("presets")[chosen(controls.preset)];
    if (!quiet && preset) take(preset);
  });
  live.on(controls.size, "change:index", () => {
    const size = parseInt(chosen(controls.size), 10);
    if (!quiet && size) take(resized(model.get("kernel"), size));
  });
  live.on(controls.colors, "change:index", draw);
  live.on(model, "change:kernel", () => quiet || follow());
  live.on(model, "change:pixel", pick);
  live.on(model, "change:image", () => {
    drawImage();
    draw();
  });
  for (const [part, offset] of [[page.picture, () => (model.get("kernel").length - 1) / 2], [page.response, () => 0]]) {
    live.on(part.canvas, "pointermove pointerdown", (event) => {
      const [row, column] = pixelAt(part.canvas, event);
      choose([row - offset(), column - offset()]);
    });
    live.on(part.canvas, "keydown", (event) => {
      const step = ARROWS[event.key];
      if (!step) return;
      const far = event.shiftKey ? 10 : 1;
      const [row, column] = inside(model.get("pixel"));
      choose([row + far * step[0], column + far * step[1]]);
      event.preventDefault();
      event.stopPropagation();
    });
  }

  drawImage();
  follow();
  return () => live.stop();
}

function layOut(el) {
  const keys = "Arrow keys move the window, with Shift by ten.";
  const picture = stage("picture", keys, true);
  const response = stage("response", keys, true);
  const kernel = stage("kernel", "", false);
  fit(kernel.stage, 1, 1, 1, 120);
  const parts = { sum: element("strong"), note: element("span", { className: "filterlab-faint" }), scale: element("div") };
  const [where, words] = [element("span", { className: "filterlab-faint" }), element("div")];
  const root = element(
    "div",
    { className: "filterlab", role: "group", "aria-label": "filter explorer", "data-lm-suppress-shortcuts": "true" },
    element("div", { className: "filterlab-row" }, picture.figure, response.figure, kernel.figure),
    element("p", { className: "filterlab-sum" }, parts.sum, " ", parts.note),
    parts.scale,
    element("div", { className: "filterlab-sum" }, where, words)
  );
  el.append(root);
  return { root, picture, response, kernel, where, words, ...parts };
}

/** Put a mark around size × size pixels. */
function mark(frame, row, column, size, rows, columns) {
  const share = { top: row / rows, left: column / columns, height: size / rows, width: size / columns };
  for (const [side, part] of Object.entries(share)) frame.style[side] = `${100 * part}%`;
}

function pixelAt(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const along = (position, start, length, count) => Math.floor(((position - start) / length) * count);
  return [along(event.clientY, box.top, box.height, canvas.height), along(event.clientX, box.left, box.width, canvas.width)];
}

/** The smallest divisor with which the sliders can stand exactly on these weights; 1 if none can. */
function divisorOf(weights, slider) {
  const whole = (step) => (divisor) =>
    weights.every((weight) => {
      const value = weight * divisor;
      return Math.abs(value) <= slider.get("max") && Math.abs(value - Math.round(value / step) * step) < 1e-9;
    });
  return DIVISORS.find(whole(1)) ?? DIVISORS.find(whole(slider.get("step"))) ?? 1;
}

/** The value nearest to this one at which the slider can stand. */
function nearest(value, slider) {
  const step = slider.get("step");
  return Math.min(slider.get("max"), Math.max(slider.get("min"), Math.round(value / step) * step));
}

function presetOf(kernel, presets) {
  const flat = kernel.flat();
  const same = (preset) => preset.length === kernel.length && preset.flat().every((weight, index) => Math.abs(weight - flat[index]) < 1e-9);
  return Object.keys(presets).find((name) => same(presets[name])) ?? "custom";
}

function total(kernel) {
  return kernel.flat().reduce((sum, weight) => sum + weight, 0);
}

function resized(kernel, size) {
  const margin = (size - kernel.length) / 2;
  const weight = (i, j) => kernel[i - margin]?.[j - margin] ?? 0;
  return Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => weight(i, j)));
}

export default { render };
