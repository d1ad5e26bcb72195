/* Pixels that change places, and a dense layer to which that is nothing. No page is needed. */
(() => {
  "use strict";

  /** Where each place gets its number from, when the first so many of `order` hand theirs on in a ring and all others stay.
   * @param {number[]} order all places @param {number} count */
  function moves(order, count) {
    const from = order.map((_, place) => place);
    for (let i = 0; i < count; i++) from[order[(i + 1) % count]] = order[i];
    return from;
  }

  /** @param {ArrayLike<number>} values @param {number[]} from */
  const moved = (values, from) => from.map((place) => values[place]);

  /** How far the mean of its four neighbors is from a pixel, on average over those that have four.
   * @param {ArrayLike<number>} values @param {number} side of a square */
  function offBy(values, side) {
    let sum = 0;
    for (let i = 1; i < side - 1; i++) {
      for (let j = 1; j < side - 1; j++) {
        const at = i * side + j;
        sum += Math.abs(values[at] - (values[at - side] + values[at + side] + values[at - 1] + values[at + 1]) / 4);
      }
    }
    return sum / (side - 2) ** 2;
  }

  /** What each unit of a dense layer says. @param {ArrayLike<number>} pixels from 0 to 255 @param {number[][]} weights @param {number[]} bias */
  const scores = (pixels, weights, bias) =>
    weights.map((row, unit) => row.reduce((sum, weight, i) => sum + (weight * pixels[i]) / 255, bias[unit]));

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { shuffling: { moves, moved, offBy, scores } });
})();
