/* Where a number of a network comes from: the step's rule, and the numbers that it was made of, with their places.

     cnncourse.arithmetic(network, activations, "features.3", [4, 0, 2])
     // { rule: "sum", terms: [{ name: "features.2", place: [0, 0, 2], value: .5, weight: -.1 }, ...], bias: .02 } */
(() => {
  "use strict";

  /** @typedef {{name: string, place: number[], value: number, weight?: number}} Term */

  /** What a rule makes of its terms; the words that say so are the page's.
   * @type {Object<string, (terms: Term[], bias: number) => number>} */
  const RULES = {
    sum: (terms, bias) => terms.reduce((total, { value, weight = 1 }) => total + value * weight, bias),
    product: (terms) => terms.reduce((product, { value }) => product * value, 1),
    largest: (terms) => Math.max(...terms.map(({ value }) => value)),
    copy: (terms) => (terms.length ? terms[0].value : 0),
  };

  const indexOf = ([, h = 1, w = 1], [c, y, x]) => (c * h + y) * w + x;

  /** @param {object} network @param {Map<string, {shape: number[], data: Float32Array}>} activations of one run, all kept
   * @param {string} name the step's @param {number[]} place [c, y, x]; in a row of numbers y and x are 0
   * @returns {{rule: string, terms: Term[], bias: number}} `rule` is one of RULES or, of one term, the name of a function */
  function arithmetic(network, activations, name, place) {
    const step = network.steps.find((each) => each.name === name), [c, y, x] = place;
    const names = step.inputs.map((input) => network.steps[input].name);
    const shape = names.length ? activations.get(names[0]).shape : [];
    const [channels, h = 1, w = 1] = shape;
    const term = (from, at, weight) => {
      const tensor = activations.get(from);
      return { name: from, place: at, value: tensor.data[indexOf(tensor.shape, at)], weight };
    };
    const of = (rule, terms, bias = 0) => ({ rule, terms, bias });
    const weights = (key) => globalThis.cnncourse.stored(network, step[key]);
    const window = (maps, weigh) => {
      const terms = [], [kh, kw] = step.kernel;
      for (const map of maps) {
        for (let i = 0; i < kh * kw; i++) {
          const row = y * step.stride[0] - step.padding[0] + Math.floor(i / kw) * step.dilation[0];
          const column = x * step.stride[1] - step.padding[1] + (i % kw) * step.dilation[1];
          const inside = row >= 0 && row < h && column >= 0 && column < w;
          if (inside) terms.push(term(names[0], [map, row, column], weigh(map, i)));
        }
      }
      return terms;
    };
    const everywhere = (weigh) => Array.from({ length: h * w }, (_, i) =>
      term(names[0], [c, Math.floor(i / w), i % w], weigh));

    switch (step.op) {
      case "input": return of("image", []);
      case "conv": {
        const [outputs, inward] = step.weight.shape, first = Math.floor(c / (outputs / step.groups)) * inward;
        const weight = weights("weight"), cells = step.kernel[0] * step.kernel[1];
        const maps = Array.from({ length: inward }, (_, i) => first + i);
        const terms = window(maps, (map, i) => weight[(c * inward + map - first) * cells + i]);
        return of("sum", terms, weights("bias")[c]);
      }
      case "dense": {
        const weight = weights("weight"), inward = step.weight.shape[1];
        const terms = Array.from({ length: inward }, (_, i) =>
          term(names[0], [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w], weight[c * inward + i]));
        return of("sum", terms, weights("bias")[c]);
      }
      case "affine": {
        const weight = weights("weight"), bias = weights("bias");
        return of("sum", [term(names[0], place, weight[c % weight.length])], bias[c % bias.length]);
      }
      case "max_pool": return of("largest", window([c], () => undefined));
      case "average_pool": {
        const terms = window([c], () => 1);
        return of("sum", terms.map((each) => ({ ...each, weight: 1 / (step.divisor || terms.length) })));
      }
      case "mean": return of("sum", everywhere(1 / (h * w)));
      case "max": return of("largest", everywhere());
      case "add": case "multiply": {
        const terms = names.map((from) => {
          const [, high = 1, wide = 1] = activations.get(from).shape;
          return term(from, [c, high > 1 ? y : 0, wide > 1 ? x : 0]);
        });
        return of(step.op === "add" ? "sum" : "product", terms);
      }
      case "concatenate": {
        let map = c, which = 0;
        while (map >= activations.get(names[which]).shape[0]) map -= activations.get(names[which++]).shape[0];
        return of("copy", [term(names[which], [map, y, x])]);
      }
      case "pad": {
        const at = [c - step.padding[0], y - step.padding[1], x - step.padding[2]];
        const inside = at.every((value, axis) => value >= 0 && value < [channels, h, w][axis]);
        return of("copy", inside ? [term(names[0], at)] : []);
      }
      case "flatten": return of("copy", [term(names[0], [Math.floor(c / (h * w)), Math.floor(c / w) % h, c % w])]);
      default: return of(step.op, [term(names[0], place)]);
    }
  }

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { arithmetic, RULES });
})();
