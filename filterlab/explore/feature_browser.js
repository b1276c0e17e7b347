// The feature browser's canvas: the slices of one filter, its map on one picture, and the patches that excite it most.

const [PICTURE, PATCH] = [260, 92]; // CSS pixels that a picture and a patch are wide
const [WIDE, TALL] = [420, 220]; // that the slices cover at most

async function render({ model, el }) {
  const controls = await controlsOf(model);
  const live = listeners();
  const colors = shades(model.get("palette"));
  const page = layOut(el);
  const pictures = album(model);
  hideStill(page.root, model);
  nameHandles(page.root, live);
  const speak = speaker(page.root, live);
  let layer;

  function draw() {
    const [channel, index] = [Math.min(model.get("channel"), layer.channels - 1), model.get("image")];
    const [map, filter] = [layer.map(channel, index), layer.filter(channel)];
    const name = `layer ${layer.name}, channel ${channel}`;
    const [mapLimit, filterLimit] = [layer.mapLimits[channel], layer.filterLimits[channel]];
    drawFilter(page, layer, filter, filterLimit, colors);
    const best = drawAnswer(page, layer, pictures, index, map, mapLimit, name, colors);
    const patches = layer.places[channel].map((place, rank) => ({ place, value: layer.values[channel][rank] }));
    drawPatches(page, layer, pictures, patches);
    page.words.textContent = `${name}, picture ${index}: ${best.words}`;
    page.root.held = { layer: layer.name, channel, image: index, map, filter, mapLimit, filterLimit, patches, best: best.place };
  }

  function load() {
    layer = unpack(model);
    page.state.textContent = model.get("message");
    page.root.setAttribute("aria-busy", "false");
    follow();
  }

  /** Put the sliders in step, and draw. */
  function follow() {
    set(controls.channel, { value: model.get("channel") });
    set(controls.image, { value: model.get("image") });
    draw();
  }

  function choose(trait, value) {
    if (value === model.get(trait)) return;
    model.set(trait, value);
    model.save_changes();
    speak(page.words.textContent);
  }

  live.on(controls.channel, "change:value", () => choose("channel", Math.min(controls.channel.get("value"), layer.channels - 1)));
  live.on(controls.image, "change:value", () => choose("image", controls.image.get("value")));
  live.on(controls.layer, "change:index", () => {
    if (chosen(controls.layer) === model.get("layer")) return;
    // Python computes the layer; until then the page shows, and answers for, the one before.
    page.state.textContent = `computing ${chosen(controls.layer)} …`;
    page.root.setAttribute("aria-busy", "true");
  });
  live.on(model, "change:channel change:image", follow);
  live.on(model, "change:contents", () => {
    load();
    speak(page.words.textContent);
  });
  live.on(model, "change:message", () => {
    page.state.textContent = model.get("message");
    page.root.setAttribute("aria-busy", "false");
  });
  load();
  return () => live.stop();
}

/** The layer that Python sent: its maps and filters channel by channel, as numbers. */
function unpack(model) {
  const contents = model.get("contents");
  const [channels, , rows, columns] = contents.map_shape;
  const [mapsExact, filtersExact] = contents.exact;
  const [maps, filters] = [packed(model.get("maps"), mapsExact), packed(model.get("filters"), filtersExact)];
  const [area, count] = [rows * columns, contents.map_shape[1]];
  const size = contents.filter_shape.slice(1).reduce((product, side) => product * side, 1);
  return {
    name: model.get("layer"),
    channels,
    rows,
    columns,
    rounded: !mapsExact,
    sides: contents.filter_shape,
    first: contents.first,
    field: contents.field,
    places: contents.places,
    values: contents.values.map((row) => row.map(Number)),
    mapLimits: contents.maps,
    filterLimits: contents.filters,
    map: (channel, index) => part(maps, (channel * count + index) * area, area, mapsExact ? null : contents.maps[channel]),
    filter: (channel) => part(filters, channel * size, size, filtersExact ? null : contents.filters[channel]),
  };
}

function packed(bytes, exact) {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return exact ? new Float32Array(buffer) : new Int8Array(buffer);
}

/** Some of the values as numbers; rounded ones count in steps of limit / 127, and −128 stands for none. */
function part(values, start, length, limit) {
  const slice = values.subarray(start, start + length);
  return limit === null ? Float64Array.from(slice) : Float64Array.from(slice, (step) => (step === -128 ? NaN : (step * limit) / 127));
}

/** The pictures, which may be grey or in colour, and painting a window of one; outside the picture is zero. */
function album(model) {
  const [count, planes, height, width] = model.get("picture_shape");
  const bytes = model.get("pictures");
  const [black, white] = model.get("range");
  const area = height * width;
  const plane = (pixel, color) => bytes.getUint8((Math.floor(pixel / area) * planes + (color % planes)) * area + (pixel % area));
  const pixels = Uint32Array.from({ length: count * area }, (_, pixel) => rgb(plane(pixel, 0), plane(pixel, 1), plane(pixel, 2)));
  const grey = Math.round(255 * Math.min(1, Math.max(0, -black / (white - black))));
  const zero = rgb(grey, grey, grey);
  const paintWindow = (canvas, index, top, left, tall, wide) => {
    [canvas.width, canvas.height] = [wide, tall];
    const drawn = new ImageData(wide, tall);
    const target = new Uint32Array(drawn.data.buffer).fill(zero);
    const [first, last] = [Math.max(0, left), Math.min(width, left + wide)];
    for (let row = Math.max(0, top); row < Math.min(height, top + tall) && first < last; row++) {
      const start = index * area + row * width;
      target.set(pixels.subarray(start + first, start + last), (row - top) * wide + first - left);
    }
    canvas.getContext("2d").putImageData(drawn, 0, 0);
  };
  return { height, width, black, white, paintWindow };
}

function rgb(red, green, blue) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

function drawFilter(page, layer, filter, limit, colors) {
  const [, slices, rows, columns] = layer.sides;
  const sheet = sheetOf(slices, 1, rows, columns, WIDE, TALL);
  paintSheet(page.filter.canvas, filter, sheet, limit, colors);
  page.filter.stage.style.width = `${sheet.width * sheet.scale}px`;
  page.filter.stage.style.aspectRatio = `${sheet.width} / ${sheet.height}`;
  const words = `${slices} slice${slices === 1 ? "" : "s"} of ${rows}×${columns}, one per input channel`;
  page.filter.caption.textContent = `filter: ${words}`;
  page.filter.canvas.setAttribute("aria-label", `${words}, weights up to ${text(limit)} in magnitude`);
  page.filter.scale.replaceChildren(scaleBar(limit, colors));
  page.filter.note.textContent = "a scale of its own for each filter";
  const colorful = layer.first && slices === 3;
  page.color.figure.hidden = !colorful;
  if (colorful) {
    paintColors(page.color.canvas, filter, rows, columns, limit);
    fit(page.color.stage, rows, columns, columns, 28 * columns <= 150 ? 28 * columns : 150);
  }
}

/** A filter on three colours as a picture: 0 is middle grey, the limit full colour. */
function paintColors(canvas, filter, rows, columns, limit) {
  [canvas.width, canvas.height] = [columns, rows];
  const pixels = new ImageData(columns, rows);
  const area = rows * columns;
  for (let place = 0; place < area; place++) {
    for (let plane = 0; plane < 3; plane++) pixels.data[4 * place + plane] = Math.round(127.5 * (1 + filter[plane * area + place] / limit));
    pixels.data[4 * place + 3] = 255;
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/** The picture and the map on it, with the strongest answer and its window. */
function drawAnswer(page, layer, pictures, index, map, limit, name, colors) {
  const { rows, columns, field } = layer;
  const { height, width } = pictures;
  pictures.paintWindow(page.picture.canvas, index, 0, 0, height, width);
  paint(page.map.canvas, map, rows, columns, limit, colors);
  fit(page.picture.stage, height, width, Math.max(height, width), PICTURE);
  fit(page.map.stage, rows, columns, Math.max(rows, columns), PICTURE);
  page.map.scale.replaceChildren(scaleBar(limit, colors));
  const odd = beyond(map, limit, "answers");
  page.map.note.textContent = `one scale for this channel on all pictures, before any ReLU that follows${layer.rounded ? "; rounded to 1/127 of it" : ""}${odd ? `; ${odd}` : ""}`;
  const place = map.reduce((best, value, at) => (value > map[best] || Number.isNaN(map[best]) ? at : best), 0);
  const [row, column] = [Math.floor(place / columns), place % columns];
  box(page.map.mark, row, column, 1, 1, rows, columns);
  const [top, left] = corner(field, row, column);
  const [up, before] = [Math.max(0, top), Math.max(0, left)];
  const tall = Math.min(height, top + field[0][0]) - up;
  const wide = Math.min(width, left + field[0][1]) - before;
  box(page.picture.mark, up, before, tall, wide, height, width);
  const answer = `strongest answer ${text(map[place])} at row ${row}, column ${column}`;
  page.picture.caption.textContent = `picture ${index}`;
  const { black, white } = pictures;
  page.picture.note.textContent = black === 0 && white === 1 ? "" : `black ${text(black)}, white ${text(white)}`;
  page.picture.canvas.setAttribute("aria-label", `picture ${index}, ${height}×${width}, with the window of the strongest answer`);
  page.map.canvas.setAttribute("aria-label", `map of ${name} on picture ${index}, ${rows}×${columns}, ${answer}`);
  return { words: `${answer}; it sees ${field[0].join("×")} pixels`, place: [row, column] };
}

function corner([, stride, padding], row, column) {
  return [row * stride[0] - padding[0], column * stride[1] - padding[1]];
}

/** Put a mark around height × width pixels of a picture of rows × columns. */
function box(frame, row, column, height, width, rows, columns) {
  const share = { top: row / rows, left: column / columns, height: height / rows, width: width / columns };
  for (const [side, of] of Object.entries(share)) frame.style[side] = `${100 * of}%`;
}

function drawPatches(page, layer, pictures, patches) {
  const [[tall, wide]] = layer.field;
  while (page.patches.children.length > patches.length) page.patches.lastChild.remove();
  while (page.patches.children.length < patches.length) page.patches.append(stage("", "", false).figure);
  patches.forEach(({ place: [index, row, column], value }, rank) => {
    const figure = page.patches.children[rank];
    const canvas = figure.querySelector("canvas");
    pictures.paintWindow(canvas, index, ...corner(layer.field, row, column), tall, wide);
    fit(figure.querySelector(".filterlab-stage"), tall, wide, Math.max(tall, wide), PATCH);
    const words = `${text(value)}, picture ${index}`;
    figure.querySelector("figcaption").textContent = words;
    canvas.setAttribute("aria-label", `patch ${rank + 1}: ${words}, row ${row}, column ${column} of the map`);
  });
  page.excite.textContent = `patches that excite it most: ${tall}×${wide} pixels of any picture, with the answer; outside the picture is zero`;
}

function layOut(el) {
  const framed = (name, marked) => {
    const one = stage(name, "", false);
    const [scale, note] = [element("div"), element("div", { className: "filterlab-faint" })];
    one.mark.hidden = !marked;
    one.figure.append(scale, note);
    return { ...one, scale, note, caption: one.figure.querySelector("figcaption") };
  };
  const [picture, map] = [framed("picture", true), framed("map", true)];
  const [filter, color] = [framed("filter", false), framed("as a colour picture, zero grey", false)];
  const [words, state] = [element("strong"), element("p", { className: "filterlab-sum", role: "status" })];
  const [patches, excite] = [element("div", { className: "filterlab-row" }), element("p", { className: "filterlab-sum" })];
  const root = element(
    "div",
    { className: "filterlab", role: "group", "aria-label": "feature browser", "data-lm-suppress-shortcuts": "true" },
    state,
    element("p", { className: "filterlab-sum" }, words),
    element("div", { className: "filterlab-row filterlab-below" }, picture.figure, map.figure),
    element("div", { className: "filterlab-row filterlab-below" }, filter.figure, color.figure),
    excite,
    patches
  );
  el.append(root);
  return { root, picture, map, filter, color, patches, excite, words, state };
}

export default { render };
