// What every explorer's script begins with: correlation, painting, sliders, words for screen readers.
// explorer.py puts this text before each explorer's own; there is no bundler and nothing is fetched.

/** Zero-padded cross-correlation of one channel, rounding down like PyTorch. Returns {rows, columns, values: Float64Array}. */
function correlate(image, height, width, kernel, kh, kw, { stride = 1, padding = 0, dilation = 1 } = {}) {
  const tall = height + 2 * padding;
  const wide = width + 2 * padding;
  const padded = pad(image, height, width, padding);
  const rows = Math.floor((tall - dilation * (kh - 1) - 1) / stride) + 1;
  const columns = Math.floor((wide - dilation * (kw - 1) - 1) / stride) + 1;
  const values = new Float64Array(rows * columns);
  // One tap at a time, over the whole picture: the inner loop is then plain addition along a row.
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const weight = kernel[i * kw + j];
      if (weight === 0) continue;
      for (let row = 0; row < rows; row++) {
        let from = (row * stride + i * dilation) * wide + j * dilation;
        const end = (row + 1) * columns;
        for (let to = row * columns; to < end; to++, from += stride) values[to] += weight * padded[from];
      }
    }
  }
  return { rows, columns, values };
}

/** A channel with `padding` zeros on each side. */
function pad(image, height, width, padding) {
  if (!padding) return image;
  const wide = width + 2 * padding;
  const padded = new Float64Array((height + 2 * padding) * wide);
  for (let row = 0; row < height; row++) {
    padded.set(image.subarray(row * width, (row + 1) * width), (row + padding) * wide + padding);
  }
  return padded;
}

/** Numbers that Python sent as bytes of float64. */
function floats(bytes) {
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** The signed colours as 32-bit pixels: blue, grey at zero, orange (257 of them, so that the middle one is zero). */
function shades(palette) {
  return Uint32Array.from({ length: palette.byteLength / 3 }, (_, index) => {
    const [red, green, blue] = [0, 1, 2].map((part) => palette.getUint8(3 * index + part));
    return (255 << 24) | (blue << 16) | (green << 8) | red;
  });
}

const NOT_A_NUMBER = (255 << 24) | (0x8f << 16) | (0x00 << 8) | 0xd6; // show.NOT_A_NUMBER, magenta

/** The pixel of a value: signed colours from −limit to limit, or black (0) to white (1) where limit is null. */
function pixelOf(value, limit, colors) {
  if (!Number.isFinite(value)) return NOT_A_NUMBER;
  if (limit === null) {
    const grey = Math.round(255 * Math.min(1, Math.max(0, value)));
    return (255 << 24) | (grey << 16) | (grey << 8) | grey;
  }
  return colors[Math.round(((colors.length - 1) / 2) * (1 + Math.min(1, Math.max(-1, value / limit))))];
}

/** Paint an array, one pixel per value, in signed colours or, where limit is null, from black to white. */
function paint(canvas, values, rows, columns, limit, colors) {
  if (canvas.width !== columns || canvas.height !== rows) {
    canvas.width = columns;
    canvas.height = rows;
  }
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(columns, rows);
  const target = new Uint32Array(pixels.data.buffer);
  for (let index = 0; index < target.length; index++) target[index] = pixelOf(values[index], limit, colors);
  context.putImageData(pixels, 0, 0);
}

/** How `count` groups of `group` maps, rows × columns each, fill a sheet of at most wide × tall CSS pixels best: its sides in pixels of maps. */
function sheetOf(count, group, rows, columns, wide, tall, largest = 28) {
  const inner = Math.ceil(columns / 8); // the gaps, in pixels of maps too
  const outer = group > 1 ? 2 * inner : inner; // between groups that stand side by side
  const step = group * (columns + inner) - inner + outer;
  const sides = (across) => ({ width: across * step - outer, height: Math.ceil(count / across) * (rows + inner) - inner, across });
  const scaleOf = ({ width, height }) => Math.min(largest, wide / width, tall / height);
  const all = Array.from({ length: count }, (_, index) => sides(index + 1));
  const best = all.reduce((found, next) => (scaleOf(next) > scaleOf(found) * 1.001 ? next : found));
  const scale = scaleOf(best);
  return { ...best, scale: scale > 2 ? Math.floor(scale) : scale, count, group, rows, columns, inner, step };
}

/** Paint maps, one after another in `values`, as signed colours on a sheet; the gaps between them stay clear. */
function paintSheet(canvas, values, sheet, limit, colors) {
  const { width, height, across, group, rows, columns } = sheet;
  [canvas.width, canvas.height] = [width, height]; // clears it, too
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  const target = new Uint32Array(pixels.data.buffer);
  for (let index = 0; index < values.length; index++) {
    const column = index % columns;
    const row = Math.floor(index / columns) % rows;
    const map = Math.floor(index / (rows * columns));
    const unit = Math.floor(map / group);
    const left = (unit % across) * sheet.step + (map % group) * (columns + sheet.inner);
    const top = Math.floor(unit / across) * (rows + sheet.inner);
    target[(top + row) * width + left + column] = pixelOf(values[index], limit, colors);
  }
  context.putImageData(pixels, 0, 0);
}

/** CSS colours of a signed value: the ground, and letters that can be read on it. */
function colorOf(value, limit, colors) {
  const color = pixelOf(value, limit, colors);
  return inks([color & 255, (color >> 8) & 255, (color >> 16) & 255]);
}

/** The same for a brightness from 0, black, to 1, white. */
function greyOf(value) {
  const grey = Math.round(255 * Math.min(1, Math.max(0, value)));
  return inks([grey, grey, grey]);
}

function inks(rgb) {
  // Black and white letters contrast equally with a ground of relative luminance 0.18 (WCAG 2).
  const luminance = rgb.reduce((sum, part, index) => sum + [0.2126, 0.7152, 0.0722][index] * (part / 255) ** 2.2, 0);
  return { background: `rgb(${rgb.join(",")})`, color: luminance > 0.18 ? "black" : "white" };
}

/** A number as people read it: at most three digits that count, a printer's minus sign, rounding errors (below `least`) as 0. */
function text(value, least = 5e-13) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "∞" : "−∞";
  return Math.abs(value) < least ? "0" : String(Number(value.toPrecision(3))).replace("-", "−");
}

/** An element with attributes, properties and children; what is no attribute of HTML is set as a property. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made && name !== "role") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** The browser's models of the ipywidgets that belong to a view, by name. */
async function controlsOf(model) {
  const named = Object.entries(model.get("controls"));
  const models = await Promise.all(named.map(([, reference]) => model.widget_manager.get_model(reference.replace("IPY_MODEL_", ""))));
  return Object.fromEntries(named.map(([name], index) => [name, models[index]]));
}

/** Set an ipywidget from the browser, and tell the kernel, if there is anything to tell. */
function set(control, values) {
  if (Object.entries(values).every(([name, value]) => control.get(name) === value)) return;
  control.set(values);
  control.save_changes();
}

/** Listeners that are taken off together, so that a closed explorer leaves nothing behind. */
function listeners() {
  const all = [];
  return {
    on(target, events, action) {
      const [add, remove] = target.addEventListener ? ["addEventListener", "removeEventListener"] : ["on", "off"];
      for (const event of events.split(" ")) {
        target[add](event, action);
        all.push(() => target[remove](event, action));
      }
    },
    later(action) {
      all.push(action);
    },
    stop() {
      all.splice(0).forEach((take) => take());
    },
  };
}

/** Hide the still picture that stands in for this explorer where no script runs. */
function hideStill(root, model) {
  const still = `.filterlab-still-${model.get("still")}`;
  root.append(element("style", { textContent: `${still}, .jp-OutputArea-child:has(${still}) { display: none; }` }));
}

const PLAY_BUTTONS = ["play or pause", "stop, back to the start", "repeat"];

/** Give the play buttons and the handles of the explorer's sliders (their visible labels) the names that ipywidgets leaves out. */
function nameHandles(root, live) {
  const name = () => {
    const sliders = [...(root.closest(".filterlab-explorer")?.querySelectorAll(".widget-slider") ?? [])];
    for (const slider of sliders) {
      const label = slider.querySelector(".widget-label")?.textContent || "slider";
      slider.querySelectorAll(".noUi-handle").forEach((handle) => handle.setAttribute("aria-label", label));
    }
    for (const play of root.closest(".filterlab-explorer")?.querySelectorAll(".widget-play") ?? []) {
      play.querySelectorAll("button").forEach((button, index) => button.setAttribute("aria-label", PLAY_BUTTONS[index]));
    }
  };
  // The sliders may come into the page after this view, and again when a hidden one is shown: name them when they are used, too.
  const timers = [0, 100, 500, 2000].map((delay) => setTimeout(name, delay));
  timers.push(setTimeout(() => root.closest(".filterlab-explorer")?.addEventListener("focusin", name), 500));
  live.later(() => timers.forEach(clearTimeout));
}

/** Let a Play step no faster than one picture a second where the reader wants little motion, and never after the explorer is gone. */
function calm(play, live) {
  const little = window.matchMedia("(prefers-reduced-motion: reduce)");
  const interval = play.get("interval");
  const follow = () => play.set("interval", little.matches ? Math.max(1000, interval) : interval);
  live.on(little, "change", follow);
  live.later(() => play.set("playing", false));
  follow();
}

/** A line that screen readers speak when it changes, once the changes have paused. */
function speaker(root, live) {
  const line = element("p", { className: "filterlab-spoken", role: "status", "aria-live": "polite" });
  let timer = 0;
  root.append(line);
  live.later(() => clearTimeout(timer));
  return (words) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      line.textContent = words;
    }, 300);
  };
}

const SCREEN = 300; // CSS pixels that a picture is wide

/** A picture with its caption, and the mark of a window on it. */
function stage(name, keys, chooses) {
  const canvas = element("canvas", { role: "img", "aria-label": `${name}. ${keys}`, ...(chooses ? { tabIndex: 0 } : {}) });
  const mark = element("div", { className: "filterlab-mark", hidden: !chooses });
  const frame = element("div", { className: "filterlab-stage" }, canvas, mark);
  return { canvas, mark, stage: frame, figure: element("figure", {}, element("figcaption", {}, name), frame) };
}

/** The size on the page: all pictures of one explorer on the same scale. */
function fit(frame, rows, columns, widest, screen = SCREEN) {
  frame.style.width = `${(screen * columns) / widest}px`;
  frame.style.aspectRatio = `${columns} / ${rows}`;
}

/** What the colours do not tell: how many values take the end colour because they lie beyond it, and how many are no numbers. */
function beyond(values, limit, what) {
  const share = (test) => (100 * values.reduce((total, value) => total + test(value), 0)) / values.length;
  const said = (part) => `${part < 0.1 ? "less than 0.1" : part.toFixed(1)} % of the ${what}`;
  const far = share((value) => Number.isFinite(value) && Math.abs(value) > limit * (1 + 1e-9));
  const odd = share((value) => !Number.isFinite(value));
  const parts = [far && `${said(far)} lie beyond ±${text(limit)} and take the end colour`, odd && `magenta: ${said(odd)} are not finite numbers`];
  return parts.filter(Boolean).join("; ");
}

/** The colour bar from −limit to limit. */
function scaleBar(limit, colors) {
  const canvas = element("canvas", { className: "filterlab-bar", "aria-hidden": "true" });
  paint(canvas, Float64Array.from(colors, (_, index) => index - (colors.length - 1) / 2), 1, colors.length, (colors.length - 1) / 2, colors);
  return element("div", { className: "filterlab-scale" }, `−${text(limit, 0)}`, canvas, text(limit, 0));
}

/** The label that a dropdown or a row of buttons stands on, and setting it (to none, where there is no such label). */
function chosen(control) {
  return control.get("_options_labels")[control.get("index")];
}

function choice(control, label) {
  const index = control.get("_options_labels").indexOf(label);
  set(control, { index: index < 0 ? null : index });
}
