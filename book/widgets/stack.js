/* A stack of dense layers with random weights and no biases, every layer's numbers kept. Arrays are (inputs of a batch, units). */
(() => {
  "use strict";

  /** @type {Object<string, (sum: number) => number>} */
  const activations = {
    relu: (z) => Math.max(0, z),
    tanh: Math.tanh,
    sigmoid: (z) => 1 / (1 + Math.exp(-z)),
    none: (z) => z,
  };
  const TINY = 1e-5; // in the normalization, as in PyTorch's

  /** Random numbers, the same for a seed wherever they are made: mulberry32's, made normal by Box and Muller. @returns {Float64Array} */
  function normals(seed, count) {
    let state = seed;
    const uniform = () => { // in (0, 1)
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
      return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
    };
    const made = new Float64Array(count);
    for (let i = 0; i < count; i += 2) {
      const radius = Math.sqrt(-2 * Math.log(uniform())), angle = 2 * Math.PI * uniform();
      made[i] = radius * Math.cos(angle);
      if (i + 1 < count) made[i + 1] = radius * Math.sin(angle);
    }
    return made;
  }

  /** Inputs of size 1 and a square of weights for each layer, of deviation 1 / √inputs: the gain multiplies them. */
  function draw({ seed, depth, width, batch }) {
    const all = normals(seed, batch * width + depth * width ** 2), inputs = all.slice(0, batch * width);
    const weights = Array.from({ length: depth }, (_, layer) =>
      all.subarray(inputs.length + layer * width ** 2, inputs.length + (layer + 1) * width ** 2).map((weight) => weight / Math.sqrt(width)));
    return { inputs, weights, width };
  }

  /** The root of the mean square. @param {ArrayLike<number>} values */
  function size(values) {
    let total = 0;
    for (let i = 0; i < values.length; i++) total += values[i] ** 2;
    return Math.sqrt(total / values.length);
  }

  /** What one layer adds up: gain · W h, for four inputs at a time. */
  function dense(inputs, weight, width, gain) {
    const sums = new Float64Array(inputs.length);
    for (let row = 0; row < inputs.length; row += 4 * width) {
      for (let unit = 0; unit < width; unit++) {
        let a = 0, b = 0, c = 0, d = 0;
        for (let i = 0, at = unit * width, h = row; i < width; i++, h++) {
          const w = weight[at + i];
          a += w * inputs[h];
          b += w * inputs[h + width];
          c += w * inputs[h + 2 * width];
          d += w * inputs[h + 3 * width];
        }
        [a, b, c, d].forEach((total, k) => { sums[row + k * width + unit] = gain * total; });
      }
    }
    return sums;
  }

  /** Give each unit mean 0 and deviation 1 over the batch, in place. */
  function normalize(sums, width) {
    const batch = sums.length / width;
    for (let unit = 0; unit < width; unit++) {
      let mean = 0, square = 0;
      for (let at = unit; at < sums.length; at += width) mean += sums[at] / batch;
      for (let at = unit; at < sums.length; at += width) square += (sums[at] - mean) ** 2 / batch;
      for (let at = unit; at < sums.length; at += width) sums[at] = (sums[at] - mean) / Math.sqrt(square + TINY);
    }
  }

  /** Send the inputs through all layers.
   * @returns {{coming: number, added: number, sums: Float64Array, outputs: Float64Array}[]} for each layer the size of what
   * comes in, the size of what it adds up, its sums (normalized, if asked for) and what the activation makes of them */
  function run({ inputs, weights, width }, { gain, activation, normalized = false }) {
    let now = inputs;
    return weights.map((weight) => {
      const coming = size(now), sums = dense(now, weight, width, gain), added = size(sums);
      if (normalized) normalize(sums, width);
      now = sums.map(activations[activation]);
      return { coming, added, sums, outputs: now };
    });
  }

  /** How many of the values are in each of so many equal bins between −reach and reach, as shares; what is beyond counts in the last. */
  function shares(values, reach, bins) {
    const found = new Float64Array(bins);
    for (const value of values) {
      found[Math.max(0, Math.min(bins - 1, Math.floor(((value + reach) / (2 * reach)) * bins)))] += 1 / values.length;
    }
    return found;
  }

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { stack: { normals, draw, run, size, shares } });
})();
