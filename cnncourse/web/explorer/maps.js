/* A network's maps as pictures: their colors, a layer as a strip of them, and the words for what a layer does. */
(() => {
  "use strict";

  /** @typedef {{shape: number[], data: Float32Array}} Tensor */

  const CELL = 56, GAP = 6, NUMBER = 8; // CSS pixels: a map of a strip, what lies between, a number of a row
  const MOST_LINES = 8; // of numbers
  const WORDS = {
    input: "", conv: "convolution", dense: "dense", affine: "scale and shift", max_pool: "max pooling", average_pool: "average pooling",
    mean: "mean of each map", max: "largest of each map", add: "sum", multiply: "product", concatenate: "side by side", pad: "zeros added",
    relu: "ReLU", relu6: "ReLU6", leaky_relu: "leaky ReLU", silu: "SiLU", gelu: "GELU", gelu_tanh: "GELU", sigmoid: "sigmoid", tanh: "tanh",
  };

  const number = (value) => (value === 0 ? "0" : Math.abs(value) < 0.001 ? value.toExponential(1) : value.toPrecision(3)).replace("-", "−");

  /** Make an element; names with a dash, and `role`, are attributes. @returns {any} */
  function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(properties)) {
      if (key.includes("-") || key === "role") made.setAttribute(key, value);
      else made[key] = value;
    }
    made.append(...children);
    return made;
  }

  function sizeOf({ op, shape }) {
    const maps = op === "input" ? "channel" : "map";
    return shape.length === 1 ? `${shape[0]} numbers` : `${shape[0]} ${maps}${shape[0] > 1 ? "s" : ""} of ${shape[1]} × ${shape[2]}`;
  }

  function describe(step) {
    const window = step.kernel ? ` ${step.kernel.join(" × ")}` : "";
    return [`${WORDS[step.op] ?? step.op}${window}`, sizeOf(step)].filter(Boolean).join(", ");
  }

  /** The colors that the style gives to numbers below, at and above zero. */
  function colorsOf(root) {
    const style = getComputedStyle(root), channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    return Object.fromEntries(["zero", "low", "high"].map((name) => [name, channels(style.getPropertyValue(`--${name}`).trim())]));
  }

  /** How the numbers of a layer are colored: gray from zero, or two colors around it. */
  function scaleOf({ data }, colors) {
    let least = Infinity, most = -Infinity;
    for (const value of data) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const largest = Math.max(most, -least) || 1;
    if (least >= 0) return (value) => Array(3).fill((255 * value) / largest);
    const { zero, low, high } = colors;
    return (value) => {
      const share = Math.min(1, Math.abs(value) / largest) ** 0.7, end = value < 0 ? low : high;
      return zero.map((from, i) => from + (end[i] - from) * share);
    };
  }

  /** A layer as pictures: each map, or the numbers of a row as one picture. @param {Tensor} tensor */
  function viewOf(tensor, colors) {
    const { shape, data } = tensor, scale = scaleOf(tensor, colors), wide = Math.min(shape[0], 32);
    const [maps, rows, columns] = shape.length === 3 ? shape : [1, Math.ceil(shape[0] / wide), wide];
    const picture = (map) => {
      const image = new ImageData(columns, rows);
      for (let i = 0; i < rows * columns; i++) {
        const at = map * rows * columns + i;
        if (at < data.length) image.data.set([...scale(data[at]), 255], 4 * i);
      }
      const canvas = element("canvas", { width: columns, height: rows });
      canvas.getContext("2d").putImageData(image, 0, 0);
      return canvas;
    };
    // where a number of the picture stands in the layer, and back
    const placeOf = (map, y, x) => (shape.length === 3 ? [map, y, x] : [y * columns + x, 0, 0]);
    const cellOf = ([c, y, x]) => (shape.length === 3 ? [c, y, x] : [0, Math.floor(c / columns), c % columns]);
    const exists = (map, y, x) => y >= 0 && x >= 0 && y < rows && x < columns && (map * rows + y) * columns + x < data.length;
    return { maps, rows, columns, picture, placeOf, cellOf, exists };
  }

  /** Whether a layer is drawn as cells in lines, not as maps. */
  const isLine = ({ shape: [, h = 1, w = 1] }) => h * w === 1;

  const fitting = (step, room) => Math.min(step.shape[0], Math.floor((room + GAP) / (CELL + GAP)));

  /** The height of a layer's strip before it is drawn. */
  const heightOf = (step) => (isLine(step) ? 2 * NUMBER : CELL);

  /** The map, or the number, of a strip that lies under a point. @returns {number[] | null} as `open` takes it */
  function placeAt(step, { clientWidth: room }, x, y) {
    const isRow = isLine(step), columns = Math.floor(room / NUMBER);
    const at = isRow ? Math.floor(y / NUMBER) * columns + Math.floor(x / NUMBER) : Math.floor(x / (CELL + GAP));
    return at < (isRow ? step.shape[0] : fitting(step, room)) ? (isRow ? [at, 0, 0] : [at]) : null;
  }

  /** Draw as many maps as there is room for, side by side. */
  function drawStrip(canvas, step, tensor, colors) {
    const room = canvas.clientWidth, sharp = window.devicePixelRatio || 1;
    const isRow = isLine(step), columns = Math.floor(room / NUMBER);
    const high = isRow ? NUMBER * Math.min(MOST_LINES, Math.ceil(step.shape[0] / columns)) : CELL;
    Object.assign(canvas, { width: room * sharp, height: high * sharp });
    canvas.style.height = `${high}px`;
    const context = canvas.getContext("2d");
    context.scale(sharp, sharp);
    if (isRow) {
      const scale = scaleOf(tensor, colors);
      tensor.data.slice(0, columns * MOST_LINES).forEach((value, i) => {
        context.fillStyle = `rgb(${scale(value).map(Math.round)})`;
        context.fillRect((i % columns) * NUMBER, Math.floor(i / columns) * NUMBER, NUMBER - 1, NUMBER - 1);
      });
      return;
    }
    const view = viewOf(tensor, colors);
    for (let map = 0; map < fitting(step, room); map++) {
      const picture = view.picture(map), larger = Math.max(picture.width, picture.height);
      context.imageSmoothingEnabled = larger > CELL;
      const [w, h] = [picture.width, picture.height].map((side) => (side / larger) * CELL);
      context.drawImage(picture, map * (CELL + GAP) + (CELL - w) / 2, (CELL - h) / 2, w, h);
    }
  }

  /** Draw an image and, over it, what speaks for a class in one color and against it in another; a line goes around what
   * is above half of the largest.
   * @param {HTMLCanvasElement} canvas @param {ImageData} image @param {Float32Array} [heat] from -1 to 1 */
  function drawOver(canvas, image, heat, { low, high }) {
    const { width, height, data } = image, times = Math.max(1, Math.round(448 / Math.max(width, height)));
    const seen = new ImageData(data.slice(), width, height), small = element("canvas", { width, height });
    heat?.forEach((value, i) => {
      const share = 0.75 * Math.min(1, Math.abs(value)), end = value < 0 ? low : high;
      for (let c = 0; c < 3; c++) seen.data[4 * i + c] += (end[c] - seen.data[4 * i + c]) * share;
    });
    small.getContext("2d").putImageData(seen, 0, 0);
    Object.assign(canvas, { width: width * times, height: height * times });
    const pen = canvas.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, canvas.width, canvas.height);
    if (!heat) return;
    const inside = (y, x) => y >= 0 && x >= 0 && y < height && x < width && heat[y * width + x] >= 0.5;
    pen.beginPath();
    for (let i = 0; i < heat.length; i++) {
      const y = Math.floor(i / width), x = i % width, [top, left] = [y * times, x * times];
      if (!inside(y, x)) continue;
      if (!inside(y - 1, x)) { pen.moveTo(left, top); pen.lineTo(left + times, top); }
      if (!inside(y + 1, x)) { pen.moveTo(left, top + times); pen.lineTo(left + times, top + times); }
      if (!inside(y, x - 1)) { pen.moveTo(left, top); pen.lineTo(left, top + times); }
      if (!inside(y, x + 1)) { pen.moveTo(left + times, top); pen.lineTo(left + times, top + times); }
    }
    for (const [strokeStyle, lineWidth] of [["#000", 5], ["#fff", 2.5]]) {
      Object.assign(pen, { strokeStyle, lineWidth, lineCap: "square" });
      pen.stroke();
    }
  }

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, {
    maps: { WORDS, number, element, sizeOf, describe, colorsOf, viewOf, heightOf, placeAt, drawStrip, drawOver },
  });
})();
