/* Steps of SGD, momentum and Adam in the valley (c₀·w₀² + c₁·w₁²) / 2, as torch.optim takes them, with all they are made of. */
(() => {
  "use strict";

  const KEEP = 0.9; // of the velocity, and of the running mean of gradients
  const KEEP_SQUARES = 0.999;
  const TINY = 1e-8; // no division by zero

  /** @typedef {Object<string, number>} Step of one weight: where it begins, its gradient, what it remembers, how far it goes */

  /** @type {Object<string, (gradient: number, before: Step, rate: number, count: number) => Step>} */
  const rules = {
    sgd: (gradient, before, rate) => ({ update: -rate * gradient }),
    momentum(gradient, before, rate) {
      const velocity = KEEP * (before.velocity ?? 0) + gradient;
      return { velocity, update: -rate * velocity };
    },
    adam(gradient, before, rate, count) {
      const mean = KEEP * (before.mean ?? 0) + (1 - KEEP) * gradient;
      const squares = KEEP_SQUARES * (before.squares ?? 0) + (1 - KEEP_SQUARES) * gradient ** 2;
      const fairMean = mean / (1 - KEEP ** count), fairSquares = squares / (1 - KEEP_SQUARES ** count); // both began at zero
      return { mean, squares, fairMean, fairSquares, update: (-rate * fairMean) / (Math.sqrt(fairSquares) + TINY) };
    },
  };

  /** The steps of a walk, each with a record for each weight.
   * @param {string} rule @param {{start: number[], curvature: number[], rate: number, steps: number}} options @returns {Step[][]} */
  function walk(rule, { start, curvature, rate, steps }) {
    const made = [];
    let now = start.map((weight) => ({ next: weight }));
    for (let count = 1; count <= steps; count++) {
      now = now.map((before, axis) => {
        const weight = before.next, gradient = curvature[axis] * weight, step = rules[rule](gradient, before, rate, count);
        return { weight, gradient, ...step, next: weight + step.update };
      });
      made.push(now);
    }
    return made;
  }

  /** The height of the valley at a place. */
  const loss = (place, curvature) => place.reduce((total, weight, axis) => total + (curvature[axis] * weight ** 2) / 2, 0);

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { optimizers: { walk, loss, KEEP, KEEP_SQUARES } });
})();
