/* The engine: runs a network that `cnncourse export web` wrote, an image at a time, and keeps what every layer gives.

     const network = cnncourse.load(cnncourse.networks.lenet5);
     const { logits, activations } = cnncourse.run(network, cnncourse.prepare(network, pixels));

   A network is a list of steps, the first of which is the image; each names its operation, the steps that it takes, and the
   shape of what it gives: (C, H, W) or (C,). Where a kernel begins is in `padding`, where it ends follows from the shape.
   Needs simd.js before it, and nothing else; works in browsers, workers and Node. */
(() => {
  "use strict";

  /** @typedef {{shape: number[], data: Float32Array}} Tensor */
  /** @typedef {{shape: number[], at: number, scales?: number, bits?: number}} Stored weights: where they begin in the bytes */
  /** @typedef {{name: string, op: string, inputs: number[], shape: number[], weight?: Stored, bias?: Stored,
   *   kernel?: number[], stride?: number[], padding?: number[], dilation?: number[], groups?: number,
   *   divisor?: number, slope?: number}} Step */
  /** @typedef {{steps: Step[], mean: number[], std: number[], temperature: number, classes: string[], bytes: Uint8Array,
   *   numbers: Float32Array, product: Function, places: object[]}} Network */

  const FORMAT = "cnncourse web 1";
  const CHUNK = 512; // columns of a product at a time: what they are made of stays in the processor's cache
  const count = (shape) => shape.reduce((product, size) => product * size, 1);
  const sum = (a, b) => a + b;
  const upTo = (n, multiple) => Math.ceil(n / multiple) * multiple;

  /** Make what `cnncourse export web` wrote ready: decode its weights and reserve room for the products.
   * @param {object} description @param {{simd?: boolean}} [options] whether WebAssembly may be used @returns {Network} */
  function load(description, { simd = true } = {}) {
    if (description.format !== FORMAT) throw new Error(`the engine reads ${FORMAT}, not ${description.format}`);
    const unknown = description.steps.find((step) => !Object.hasOwn(OPERATIONS, step.op));
    if (unknown) throw new Error(`${unknown.name}: the engine has no operation ${unknown.op}`);
    const network = { ...description, bytes: bytesOf(description.data), data: undefined };
    let size = 0, columns = 0, results = 0; // room for all weights, and for the largest product
    const reserve = (n) => (size += upTo(n, 4)) - upTo(n, 4);
    network.places = network.steps.map((step) => {
      if (step.op !== "dense" && (step.op !== "conv" || isDepthwise(step))) return null;
      const { groups = 1, weight: { shape } } = step, rows = upTo(shape[0] / groups, 4), k = count(shape.slice(1));
      const width = step.op === "conv" ? chunkOf(step).columns : 0;
      [columns, results] = [Math.max(columns, k * width), Math.max(results, rows * width)];
      return { groups, rows, k, weight: reserve(groups * rows * k), bias: reserve(groups * rows) };
    });
    [network.columns, network.results] = [reserve(columns), reserve(results)];
    Object.assign(network, globalThis.cnncourse.room(size, simd));
    network.steps.forEach((step, index) => network.places[index] && pack(network, step, network.places[index]));
    return network;
  }

  /** Lay weights as the product takes them: four rows beside each other. */
  function pack(network, step, { groups, rows, k, weight, bias }) {
    const weights = stored(network, step.weight), biases = stored(network, step.bias);
    const each = step.weight.shape[0] / groups;
    for (let group = 0; group < groups; group++) {
      for (let row = 0; row < each; row++) {
        const from = (group * each + row) * k, to = weight + (group * rows + (row & ~3)) * k + (row & 3);
        for (let i = 0; i < k; i++) network.numbers[to + 4 * i] = weights[from + i];
        network.numbers[bias + group * rows + row] = biases[group * each + row];
      }
    }
  }

  function bytesOf(text) {
    const letters = atob(text), bytes = new Uint8Array(letters.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
    return bytes;
  }

  /** Weights as numbers, in the order of their shape.
   * @param {Network} network @param {Stored} place @returns {Float32Array} */
  function stored(network, place) {
    const total = count(place.shape), { buffer } = network.bytes;
    if (place.scales === undefined) return new Float32Array(buffer, place.at, total);
    const whole = new (place.bits === 16 ? Int16Array : Int8Array)(buffer, place.at, total), numbers = new Float32Array(total);
    const scales = new Float32Array(buffer, place.scales, place.shape[0]), each = total / scales.length;
    for (let i = 0; i < total; i++) numbers[i] = whole[i] * scales[Math.floor(i / each)];
    return numbers;
  }

  /** An image (C, H, W) as the network takes it, normalized: of pixels (H, W, 4) as a canvas gives them, from 0 to 255.
   * @param {Network} network @param {Uint8ClampedArray} pixels @returns {Float32Array} */
  function prepare(network, pixels) {
    const [channels, height, width] = network.steps[0].shape, area = height * width;
    if (pixels.length !== 4 * area) throw new Error(`the image must be ${height} x ${width}, four bytes a pixel`);
    const image = new Float32Array(channels * area);
    for (let c = 0; c < channels; c++) {
      const mean = network.mean[c % network.mean.length], std = network.std[c % network.std.length];
      for (let i = 0, p = 0; i < area; i++, p += 4) {
        const value = channels > 1 ? pixels[p + c] : 0.299 * pixels[p] + 0.587 * pixels[p + 1] + 0.114 * pixels[p + 2];
        image[c * area + i] = (value / 255 - mean) / std;
      }
    }
    return image;
  }

  /** Run the network on an image that `prepare` returned. Activations are kept by the names of their steps: all, or some.
   * @param {Network} network @param {Float32Array} image @param {{keep?: (step: Step) => boolean}} [options]
   * @returns {{logits: Float32Array, activations: Map<string, Tensor>}} */
  function run(network, image, { keep = () => true } = {}) {
    const { steps } = network, shape = steps[0].shape;
    if (image.length !== count(shape)) throw new Error(`the image must have ${shape.join(" x ")} numbers`);
    const last = new Map(steps.flatMap((step, index) => step.inputs.map((input) => [input, index])));
    const values = [{ shape, data: image }], activations = new Map();
    steps.forEach((step, index) => {
      const inputs = step.inputs.map((input) => values[input]);
      if (index) values[index] = { shape: step.shape, data: OPERATIONS[step.op](inputs, step, network, index) };
      if (keep(step)) activations.set(step.name, values[index]);
      step.inputs.forEach((input) => last.get(input) === index && delete values[input]);
    });
    return { logits: values[steps.length - 1].data, activations };
  }

  /** The probability of each class. @param {Network} network @param {Float32Array} logits @returns {Float32Array} */
  const probabilities = (network, logits) => softmax(logits.map((logit) => logit / network.temperature));

  function softmax(x) {
    const largest = x.reduce((a, b) => Math.max(a, b)), powers = x.map((value) => Math.exp(value - largest));
    const total = powers.reduce(sum);
    return powers.map((power) => power / total);
  }

  const isDepthwise = (step) => step.weight.shape[1] === 1 && step.groups > 1;

  /** The rows of the output that are computed at a time, and the columns of the product that they are. */
  function chunkOf({ shape: [, height, width] }) {
    const lines = Math.min(height, Math.max(1, Math.floor(CHUNK / width)));
    return { lines, columns: upTo(lines * width, 8) };
  }

  /** For each cell of a kernel, where it lies inside the image: rows y0 to y1 and columns x0 to x1 of the output
   * read it, from `shift` on in the map that comes in. */
  function cells({ kernel: [kh, kw], stride: [sy, sx], padding: [top, left], dilation: [dy, dx], shape }, [, h, w]) {
    const found = [];
    for (let i = 0; i < kh * kw; i++) {
      const y = Math.floor(i / kw) * dy - top, x = (i % kw) * dx - left;
      found.push({
        i, shift: y * w + x,
        y0: Math.max(0, Math.ceil(-y / sy)), y1: Math.min(shape[1], Math.floor((h - 1 - y) / sy) + 1),
        x0: Math.max(0, Math.ceil(-x / sx)), x1: Math.min(shape[2], Math.floor((w - 1 - x) / sx) + 1),
      });
    }
    return found;
  }

  /** A convolution as a product: patches of the input as columns, filters as rows. */
  function conv([x], step, network, index) {
    if (isDepthwise(step)) return depthwise(x, step, network);
    const { numbers, product, columns: b, results: c } = network, place = network.places[index];
    const [outputs, height, width] = step.shape, area = height * width, out = new Float32Array(outputs * area);
    const { lines, columns: pitch } = chunkOf(step), kernel = cells(step, x.shape);
    const each = outputs / place.groups, input = count(x.shape) / place.groups; // outputs and numbers of a group
    for (let first = 0; first < height; first += lines) {
      const end = Math.min(height, first + lines), used = (end - first) * width;
      for (let group = 0; group < place.groups; group++) {
        columns(numbers, b, x, group * input, kernel, step, place.k, first, end);
        const rows = group * place.rows;
        product(place.weight + rows * place.k, place.bias + rows, b, c, place.rows / 4, Math.ceil(used / 8), place.k, pitch);
        for (let row = 0; row < each; row++) {
          out.set(numbers.subarray(c + row * pitch, c + row * pitch + used), (group * each + row) * area + first * width);
        }
      }
    }
    return out;
  }

  /** Write the patches under some rows of the output, from `at` on, as panels of eight columns. */
  function columns(numbers, at, { shape: [, h, w], data }, from, kernel, { stride: [sy, sx], shape }, k, first, end) {
    const width = shape[2], area = h * w;
    numbers.fill(0, at, at + k * upTo((end - first) * width, 8));
    for (let row = 0; row < k; row++) {
      const { i, shift, y0, y1, x0, x1 } = kernel[row % kernel.length];
      const channel = from + ((row - i) / kernel.length) * area + shift, line = at + 8 * row;
      for (let y = Math.max(y0, first); y < Math.min(y1, end); y++) {
        let j = (y - first) * width + x0, source = channel + y * sy * w + x0 * sx;
        for (let x = x0; x < x1; x++, j++, source += sx) numbers[line + (j >> 3) * 8 * k + (j & 7)] = data[source];
      }
    }
  }

  /** A convolution whose maps each look at one map alone: cell by cell of the kernel, over the whole map. */
  function depthwise({ shape, data }, step, network) {
    const [outputs, height, width] = step.shape, [sy, sx] = step.stride, [channels, h, w] = shape;
    const weights = stored(network, step.weight), biases = stored(network, step.bias);
    const out = new Float32Array(outputs * height * width), kernel = cells(step, shape);
    for (let o = 0; o < outputs; o++) {
      const from = Math.floor((o * channels) / outputs) * h * w, to = o * height * width;
      out.fill(biases[o], to, to + height * width);
      for (const { i, shift, y0, y1, x0, x1 } of kernel) {
        const weight = weights[o * kernel.length + i];
        for (let y = y0; y < y1; y++) {
          let source = from + shift + y * sy * w + x0 * sx;
          for (let j = to + y * width + x0; j < to + y * width + x1; j++, source += sx) out[j] += weight * data[source];
        }
      }
    }
    return out;
  }

  function dense([{ data }], step, network, index) {
    const { numbers: n } = network, { rows, k, weight, bias } = network.places[index], out = new Float32Array(rows);
    for (let row = 0; row < rows; row += 4) {
      let s0 = n[bias + row], s1 = n[bias + row + 1], s2 = n[bias + row + 2], s3 = n[bias + row + 3];
      for (let i = 0, p = weight + row * k; i < k; i++, p += 4) {
        s0 += n[p] * data[i]; s1 += n[p + 1] * data[i]; s2 += n[p + 2] * data[i]; s3 += n[p + 3] * data[i];
      }
      out.set([s0, s1, s2, s3], row);
    }
    return out.subarray(0, step.shape[0]);
  }

  function pool({ shape: [, h, w], data }, step, start, join) {
    const [channels, height, width] = step.shape, [sy, sx] = step.stride, kernel = cells(step, [0, h, w]);
    const out = new Float32Array(channels * height * width).fill(start);
    for (let c = 0; c < channels; c++) {
      for (const { shift, y0, y1, x0, x1 } of kernel) {
        for (let y = y0; y < y1; y++) {
          let j = (c * height + y) * width + x0, source = c * h * w + shift + y * sy * w + x0 * sx;
          for (let x = x0; x < x1; x++, j++, source += sx) out[j] = join(out[j], data[source]);
        }
      }
    }
    return out;
  }

  function averagePool([x], step) {
    const [, h, w] = x.shape, [, height, width] = step.shape, ones = new Float32Array(h * w).fill(1);
    const inside = pool({ shape: [1, h, w], data: ones }, { ...step, shape: [1, height, width] }, 0, sum);
    return pool(x, step, 0, sum).map((total, i) => total / (step.divisor || inside[i % inside.length]));
  }

  /** One number of each map. */
  const eachMap = (join) => ([{ shape, data }]) => Float32Array.from({ length: shape[0] }, (_, c) =>
    join(data.subarray(c * shape[1] * shape[2], (c + 1) * shape[1] * shape[2])));

  /** Two inputs, number by number; one of them may have a number for each map, or one for all. */
  function both(join) {
    return ([{ data: x }, { data: y }], { shape }) => {
      const total = count(shape), a = total / x.length, b = total / y.length, out = new Float32Array(total);
      if (a * b === 1) for (let i = 0; i < total; i++) out[i] = join(x[i], y[i]);
      else for (let i = 0; i < total; i++) out[i] = join(x[Math.floor(i / a)], y[Math.floor(i / b)]);
      return out;
    };
  }
  const add = both(sum), multiply = both((a, b) => a * b);

  /** A factor and a summand for each map, or one for all. */
  function affine([x], step, network) {
    const [weight, bias] = [step.weight, step.bias].map((place) => ({ data: stored(network, place) }));
    return add([{ data: multiply([x, weight], step) }, bias], step);
  }

  function concatenate(inputs, { shape }) {
    const out = new Float32Array(count(shape));
    let at = 0;
    for (const { data } of inputs) out.set(data, (at += data.length) - data.length);
    return out;
  }

  /** Zeros around the maps, and maps of zeros before and after. */
  function pad([x], { padding: [front, top, left], shape: [maps, height, width] }) {
    const out = new Float32Array(maps * height * width), cell = { kernel: [1, 1], stride: [1, 1], dilation: [1, 1] };
    out.set(pool(x, { ...cell, padding: [top, left], shape: [x.shape[0], height, width] }, 0, sum), front * height * width);
    return out;
  }

  /** erfc by a Chebyshev fit, within 1.2e-7 of itself (Press et al., Numerical Recipes, section 6.2). */
  function erfc(x) {
    const t = 1 / (1 + 0.5 * Math.abs(x));
    const terms = [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196];
    const value = t * Math.exp([...terms, 1.00002368, -1.26551223].reduce((a, term) => a * t + term) - x * x);
    return x < 0 ? 2 - value : value;
  }

  function clamp({ data }, most) {
    const out = new Float32Array(data.length);
    for (let i = 0; i < out.length; i++) out[i] = data[i] > 0 ? (data[i] < most ? data[i] : most) : 0;
    return out;
  }

  const alone = (change) => ([x], step) => x.data.map((value) => change(value, step));
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));

  /** @type {Object<string, (inputs: Tensor[], step: Step, network: Network, index: number) => Float32Array>} */
  const OPERATIONS = {
    input: () => { throw new Error("only the first step is the image"); },
    conv, dense, affine, add, multiply, concatenate, pad,
    max_pool: ([x], step) => pool(x, step, -Infinity, Math.max), average_pool: averagePool,
    mean: eachMap((map) => map.reduce(sum) / map.length),
    max: eachMap((map) => map.reduce((a, b) => Math.max(a, b))),
    flatten: ([x]) => x.data, softmax: ([x]) => softmax(x.data),
    relu: ([x]) => clamp(x, Infinity), relu6: ([x]) => clamp(x, 6),
    leaky_relu: alone((x, { slope }) => (x > 0 ? x : slope * x)),
    silu: alone((x) => x * sigmoid(x)), sigmoid: alone(sigmoid), tanh: alone(Math.tanh),
    gelu: alone((x) => 0.5 * x * erfc(-x * Math.SQRT1_2)),
    gelu_tanh: alone((x) => x * sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))),
  };

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { load, run, prepare, probabilities, stored });
})();
