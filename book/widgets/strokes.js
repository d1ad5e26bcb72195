/* Strokes as pixels, and as the pixels that LeNet-5 was trained on: cut out, made coarse, enlarged. No page is needed. */
(() => {
  "use strict";

  /** @typedef {number[][]} Stroke points, each a row and a column, in pixels */
  /** @typedef {{shape: number[], data: Float32Array}} Image rows and columns, and the numbers row by row, from 0 to 1 */

  const BLOCKS = 8; // a digit of the training set had 8 x 8 numbers, each the ink in a block
  const MARGIN = 2.5; // between a digit's middle line and the border, where it was cut out
  const MOST = 3; // times a drawing is enlarged: a dot stays a dot
  const clamp = (value) => Math.max(0, Math.min(1, value));

  /** Draw strokes of a round pen, white on black.
   * @param {Stroke[]} strokes @param {number} size of the square image @param {number} width of the pen @returns {Image} */
  function ink(strokes, size, width) {
    const data = new Float32Array(size * size), reach = width / 2 + 1;
    const from = (...places) => Math.max(0, Math.floor(Math.min(...places) - reach));
    const to = (...places) => Math.min(size, Math.ceil(Math.max(...places) + reach));
    for (const stroke of strokes) {
      stroke.forEach(([y1, x1], i) => {
        const [y0, x0] = stroke[Math.max(0, i - 1)], [down, right] = [y1 - y0, x1 - x0], long = down * down + right * right;
        for (let y = from(y0, y1); y < to(y0, y1); y++) {
          for (let x = from(x0, x1); x < to(x0, x1); x++) {
            const [py, px] = [y + 0.5 - y0, x + 0.5 - x0], along = long ? clamp((py * down + px * right) / long) : 0;
            const distance = Math.hypot(py - along * down, px - along * right);
            data[y * size + x] = Math.max(data[y * size + x], clamp(width / 2 + 0.5 - distance));
          }
        }
      });
    }
    return { shape: [size, size], data };
  }

  /** Move strokes into the middle of a square and make them as large as it is. @param {Stroke[]} strokes @returns {Stroke[]} */
  function cutOut(strokes, size) {
    const points = strokes.flat();
    if (!points.length) return strokes;
    const ends = [0, 1].map((axis) => [Math.min, Math.max].map((end) => end(...points.map((point) => point[axis]))));
    const longest = Math.max(...ends.map(([least, most]) => most - least), 1);
    const scale = Math.min(MOST, (size - 2 * MARGIN) / longest);
    return strokes.map((stroke) => stroke.map((point) => point.map((place, axis) => {
      const [least, most] = ends[axis];
      return (place - (least + most) / 2) * scale + size / 2;
    })));
  }

  /** The mean of each block. @param {Image} image @returns {Image} */
  function coarse({ shape: [rows, columns], data }) {
    const made = new Float32Array(BLOCKS * BLOCKS), [high, wide] = [rows / BLOCKS, columns / BLOCKS];
    for (let i = 0; i < rows * columns; i++) {
      const row = Math.floor(i / columns), column = i % columns;
      made[Math.floor(row / high) * BLOCKS + Math.floor(column / wide)] += data[i] / (high * wide);
    }
    return { shape: [BLOCKS, BLOCKS], data: made };
  }

  /** The weights of old pixels in new ones along a side, bicubic: Pillow's, by which the training set was enlarged. */
  function weights(size, larger) {
    const cubic = (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0);
    return Array.from({ length: larger }, (_, i) => {
      const row = Array.from({ length: size }, (_, j) => cubic(Math.abs(j + 0.5 - ((i + 0.5) * size) / larger)));
      const total = row.reduce((a, b) => a + b);
      return row.map((weight) => weight / total);
    });
  }

  /** @param {Image} image @param {number} size @returns {Image} */
  function enlarge({ shape: [rows, columns], data }, size) {
    const down = weights(rows, size), across = weights(columns, size), made = new Float32Array(size * size);
    const half = across.map((row) => Array.from({ length: rows }, (_, y) => row.reduce((total, weight, x) => total + weight * data[y * columns + x], 0)));
    for (let i = 0; i < size * size; i++) {
      const column = half[i % size];
      made[i] = clamp(down[Math.floor(i / size)].reduce((total, weight, y) => total + weight * column[y], 0));
    }
    return { shape: [size, size], data: made };
  }

  /** What the network was trained on, had these strokes been in its training set.
   * @param {Stroke[]} strokes @param {number} size @param {number} width of the pen @returns {Image} */
  const asInTraining = (strokes, size, width) => enlarge(coarse(ink(cutOut(strokes, size), size, width)), size);

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { strokes: { ink, cutOut, coarse, enlarge, asInTraining } });
})();
