/* What in an image speaks for a class: by the last maps (Grad-CAM), and by covering one part after the other (occlusion).
   Both as `cnncourse.explain` has them; only that no gradient is needed where a network ends with one number of each map
   and a dense layer. Its weights are that gradient. */
(() => {
  "use strict";

  /** @typedef {{shape: number[], data: Float32Array}} Tensor */

  /** The step whose maps are weighed, and the dense layer that weighs them; null where a network ends otherwise. */
  function ending(network) {
    const { steps } = network, dense = steps.at(-1);
    const before = (step) => steps[step.inputs[0]];
    if (dense.op !== "dense") return null;
    let one = before(dense);
    while (one.op === "flatten") one = before(one);
    if (one.op !== "mean" && one.op !== "max") return null;
    const maps = before(one);
    return maps.shape[1] * maps.shape[2] > 1 ? { maps, dense } : null;
  }

  /** Scale a map to another size, bilinearly; places are the middles of pixels.
   * @param {ArrayLike<number>} map @param {number[]} from rows, columns @param {number[]} to @returns {Float32Array} */
  function scaled(map, [h, w], [height, width]) {
    const between = (i, size, of) => {
      const at = Math.min(of - 1, Math.max(0, ((i + 0.5) * of) / size - 0.5)), low = Math.floor(at);
      return [low, Math.min(of - 1, low + 1), at - low];
    };
    const made = new Float32Array(height * width), columns = Array.from({ length: width }, (_, x) => between(x, width, w));
    for (let y = 0; y < height; y++) {
      const [top, bottom, down] = between(y, height, h);
      columns.forEach(([left, right, along], x) => {
        const line = (row) => map[row * w + left] * (1 - along) + map[row * w + right] * along;
        made[y * width + x] = line(top) * (1 - down) + line(bottom) * down;
      });
    }
    return made;
  }

  /** Where the last maps speak for a class: of the image's size, 1 at most, 0 where nothing does.
   * @param {object} network @param {Map<string, Tensor>} activations of one run @param {number} target @returns {Float32Array} */
  function gradCam(network, activations, target) {
    const { maps, dense } = ending(network), weights = globalThis.cnncourse.stored(network, dense.weight);
    const { shape: [channels, h, w], data } = activations.get(maps.name), heat = new Float32Array(h * w);
    for (let c = 0; c < channels; c++) {
      const weight = weights[target * channels + c];
      for (let i = 0; i < heat.length; i++) heat[i] += weight * data[c * heat.length + i];
    }
    const large = scaled(heat.map((value) => Math.max(0, value)), [h, w], network.steps[0].shape.slice(1));
    const most = large.reduce((a, b) => Math.max(a, b));
    return most > 0 ? large.map((value) => value / most) : large;
  }

  /** How far the probability of a class falls where a square of the mean color lies over the image: the mean over all squares
   * that cover a pixel. Yields after each of them, so that a page can breathe, and returns one number a pixel.
   * @param {object} network @param {Uint8ClampedArray} pixels (H, W, 4) @param {number} target
   * @param {{patch?: number, stride?: number}} [options] @returns {Generator<number, Float32Array>} the share that is done */
  function* occlusion(network, pixels, target, { patch, stride } = {}) {
    const { run, prepare, probabilities } = globalThis.cnncourse, [, height, width] = network.steps[0].shape;
    const side = patch ?? Math.max(1, Math.round(Math.min(height, width) / 4)), by = stride ?? Math.max(1, Math.floor(side / 2));
    const starts = (length) => {
      const found = [];
      for (let at = 0; at < length - side; at += by) found.push(at);
      return [...found, length - side];
    };
    const places = starts(height).flatMap((y) => starts(width).map((x) => [y, x]));
    const share = (image) => probabilities(network, run(network, prepare(network, image), { keep: () => false }).logits)[target];
    const sums = [0, 0, 0];
    pixels.forEach((value, i) => { if (i % 4 < 3) sums[i % 4] += value; });
    const color = [...sums.map((total) => Math.round(total / (height * width))), 255];
    const falls = new Float32Array(height * width), covers = new Float32Array(height * width), whole = share(pixels);
    for (const [number, [top, left]] of places.entries()) {
      const covered = pixels.slice(), under = [];
      for (let i = 0; i < side * side; i++) under.push((top + Math.floor(i / side)) * width + left + (i % side));
      for (const at of under) covered.set(color, 4 * at);
      const fall = whole - share(covered);
      for (const at of under) [falls[at], covers[at]] = [falls[at] + fall, covers[at] + 1];
      yield (number + 1) / places.length;
    }
    return falls.map((total, i) => total / covers[i]);
  }

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { ending, gradCam, occlusion });
})();
