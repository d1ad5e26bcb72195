/* Windows that slide over an image: convolution and pooling by hand, as the chapters write them. No page is needed. */
(() => {
  "use strict";

  /** @typedef {{shape: number[], data: ArrayLike<number>}} Image rows and columns, and the numbers row by row */
  /** @typedef {{stride?: number, padding?: number, dilation?: number}} Options */
  /** @typedef {{row: number, column: number, value: number, weight: number}} Product a pixel and what it is multiplied by */

  /** How often a window fits along a side; 0 or less where it does not fit at all.
   * @param {number} size @param {number} window @param {Options} [options] */
  function outputSize(size, window, { stride = 1, padding = 0, dilation = 1 } = {}) {
    return Math.floor((size + 2 * padding - dilation * (window - 1) - 1) / stride) + 1;
  }

  /** The products of one stop; pixels of the padding are zeros with places outside of the image.
   * @param {Image} image @param {Image} kernel @param {number} i row of the output @param {number} j its column
   * @param {Options} [options] @returns {Product[]} */
  function products(image, kernel, i, j, { stride = 1, padding = 0, dilation = 1 } = {}) {
    const [height, width] = image.shape, columns = kernel.shape[1];
    return Array.from(kernel.data, (weight, at) => {
      const row = i * stride - padding + Math.floor(at / columns) * dilation;
      const column = j * stride - padding + (at % columns) * dilation;
      const inside = row >= 0 && row < height && column >= 0 && column < width;
      return { row, column, weight, value: inside ? image.data[row * width + column] : 0 };
    });
  }

  const sum = (terms) => terms.reduce((total, { weight, value }) => total + weight * value, 0);

  /** @param {Image} image @param {number[]} window @param {Options} options @param {(i: number, j: number) => number} value
   * @returns {Image} */
  function slide(image, window, options, value) {
    const [rows, columns] = image.shape.map((size, axis) => Math.max(0, outputSize(size, window[axis], options)));
    const data = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) data[i * columns + j] = value(i, j);
    return { shape: [rows, columns], data };
  }

  /** Slide a kernel over an image, without a flip.
   * @param {Image} image @param {Image} kernel @param {Options} [options] @returns {Image} */
  const correlate = (image, kernel, options = {}) =>
    slide(image, kernel.shape, options, (i, j) => sum(products(image, kernel, i, j, options)));

  /** The kernel turned by half a circle. @param {Image} kernel @returns {Image} */
  const flipped = ({ shape, data }) => ({ shape, data: Array.from(data).reverse() });

  /** One number for each window: the largest, or the mean.
   * @param {Image} image @param {number} window @param {"max" | "mean"} how @param {Options} [options] by default windows touch */
  function pool(image, window, how, options = { stride: window }) {
    const ones = { shape: [window, window], data: Array(window * window).fill(1) };
    return slide(image, ones.shape, options, (i, j) => {
      const terms = products(image, ones, i, j, options);
      return how === "max" ? Math.max(...terms.map(({ value }) => value)) : sum(terms) / terms.length;
    });
  }

  /** Whether two images rise and fall together: their correlation, 0 where one of them is flat.
   * @param {Image} a @param {Image} b */
  function alike(a, b) {
    const n = a.data.length, mean = (x) => x.data.reduce((total, value) => total + value, 0) / n;
    const [p, q] = [mean(a), mean(b)];
    let both = 0, first = 0, second = 0;
    for (let i = 0; i < n; i++) {
      both += (a.data[i] - p) * (b.data[i] - q);
      first += (a.data[i] - p) ** 2;
      second += (b.data[i] - q) ** 2;
    }
    return both / Math.sqrt(first * second) || 0;
  }

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, {
    windows: { outputSize, products, sum, correlate, flipped, pool, alike },
  });
})();
