/* Fewer pixels: keep some, blur before, and the false name of a wave that is too fast. No page is needed. */
(() => {
  "use strict";

  /** @typedef {{shape: number[], data: ArrayLike<number>}} Image rows and columns, and the numbers row by row */

  /** Weights of a bell curve that sum to 1. @param {number} sigma in pixels */
  function bell(sigma) {
    const radius = Math.ceil(3 * sigma);
    const curve = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-0.5 * ((i - radius) / sigma) ** 2));
    const sum = curve.reduce((total, value) => total + value, 0);
    return curve.map((value) => value / sum);
  }

  /** A place beyond the border, mirrored into the image: -1 is 0 again, and -2 is 1. */
  function mirrored(at, size) {
    const place = ((at % (2 * size)) + 2 * size) % (2 * size);
    return place < size ? place : 2 * size - 1 - place;
  }

  /** Blur along rows and columns. @param {Image} image @param {number} sigma @returns {Image} */
  function lowPass({ shape, data }, sigma) {
    const [rows, columns] = shape, weights = bell(sigma), radius = (weights.length - 1) / 2;
    const along = (values, value) => {
      const made = new Float64Array(rows * columns);
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) made[i * columns + j] = weights.reduce((sum, w, k) => sum + w * value(values, i, j, k - radius), 0);
      }
      return made;
    };
    const across = along(data, (values, i, j, by) => values[i * columns + mirrored(j + by, columns)]);
    return { shape, data: along(across, (values, i, j, by) => values[mirrored(i + by, rows) * columns + j]) };
  }

  /** Keep every so many-th pixel of every so many-th row. @param {Image} image @param {number} step @returns {Image} */
  function keepEvery({ shape, data }, step) {
    const [rows, columns] = shape.map((size) => Math.ceil(size / step));
    const kept = Float64Array.from({ length: rows * columns }, (_, i) => data[step * (Math.floor(i / columns) * shape[1] + (i % columns))]);
    return { shape: [rows, columns], data: kept };
  }

  /** Cut so many pixels off each side. @param {Image} image @param {number} margin @returns {Image} */
  function inner({ shape, data }, margin) {
    const [rows, columns] = shape.map((size) => size - 2 * margin);
    const kept = Float64Array.from({ length: rows * columns }, (_, i) => data[(margin + Math.floor(i / columns)) * shape[1] + margin + (i % columns)]);
    return { shape: [rows, columns], data: kept };
  }

  /** How far the numbers of an image lie from their mean: their standard deviation. @param {Image} image */
  function spread({ data }) {
    const mean = Array.from(data).reduce((total, value) => total + value, 0) / data.length;
    return Math.sqrt(Array.from(data).reduce((total, value) => total + (value - mean) ** 2, 0) / data.length);
  }

  /** As what a wave of a whole period appears among every so many-th pixels: periods a pixel, below zero where it runs
   * backward, as a fraction in lowest terms; and how often it has run through between two of them, rounded.
   * @param {number} period @param {number} step */
  function alias(period, step) {
    const times = Math.round(step / period), above = step - period * times, below = period * step;
    const common = (a, b) => (b ? common(b, a % b) : a), by = common(Math.abs(above), below);
    return { times, above: above / by, below: below / by };
  }

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { thinning: { lowPass, keepEvery, inner, spread, alias } });
})();
