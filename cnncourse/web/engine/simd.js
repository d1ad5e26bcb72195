/* The matrix product that a network spends its time in, twice: as WebAssembly with SIMD, assembled here from its
   instructions when a page is opened, and as plain JavaScript for where there is none.

   Both take numbers from one array and write into it; places are counted in numbers.
     a: blocks of 4 rows, (rows, k, 4), with a bias for each row;  b: panels of 8 columns, (panels, k, 8);
     c: a matrix of 4 * rows lines, of which one begins `pitch` numbers after the other: c = a b + bias. */
(() => {
  "use strict";

  /** @typedef {(a: number, bias: number, b: number, c: number,
   *             rows: number, panels: number, k: number, pitch: number) => void} Product */

  const unsigned = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...unsigned(n >>> 7)]); // LEB128
  const list = (items) => [...unsigned(items.length), ...items.flat()];
  const section = (id, items) => [id, ...list(list(items))];

  /** The bytes of the WebAssembly module: one memory comes in, one function goes out. */
  function assemble() {
    const I32 = 0x7f, V128 = 0x7b, EMPTY = 0x40;
    const get = (i) => [0x20, i], set = (i) => [0x21, i], tee = (i) => [0x22, i], constant = (n) => [0x41, n]; // n < 64
    const add = [0x6a], sub = [0x6b], shift = [0x74], end = [0x0b];
    const simd = (code, ...rest) => [0xfd, ...unsigned(code), ...rest];
    const load = (offset) => simd(0, 4, offset), splat = (offset) => simd(9, 2, offset);
    const store = simd(11, 4, 0), addAll = simd(0xe4), multiplyAll = simd(0xe6);
    const advance = (i, by) => [get(i), by, add, set(i)].flat();
    const repeat = (i, body) => [0x03, EMPTY, body, get(i), constant(1), sub, tee(i), 0x0d, 0, end].flat(9);

    const [a, bias, b, c, rows, panels, k, pitch] = [0, 1, 2, 3, 4, 5, 6, 7];
    const [row, weights, biases, column, place, left, first, second, factor] = [8, 9, 10, 11, 12, 13, 14, 15, 16];
    const sum = (line, half) => 17 + 2 * line + half; // 4 x 8 numbers in 8 registers
    const lines = (body) => [0, 1, 2, 3].map(body);
    const step = [
      get(column), load(0), set(first), get(column), load(16), set(second),
      lines((line) => [
        get(weights), splat(4 * line), set(factor),
        [first, second].map((half, i) => [
          get(sum(line, i)), get(factor), get(half), multiplyAll, addAll, set(sum(line, i)),
        ]),
      ]),
      advance(weights, constant(16)), advance(column, constant(32)),
    ];
    const block = [
      lines((line) => [get(biases), splat(4 * line), tee(sum(line, 0)), set(sum(line, 1))]),
      get(b), set(column), get(k), set(left), repeat(left, step),
      lines((line) => [
        get(place), get(sum(line, 0)), store, get(place), constant(16), add, get(sum(line, 1)), store,
        advance(place, get(pitch)),
      ]),
      advance(biases, constant(16)),
    ];
    const panel = [
      get(a), set(weights), get(bias), set(biases), get(c), set(place), get(rows), set(row), repeat(row, block),
      advance(b, [...get(k), ...constant(5), ...shift]), advance(c, constant(32)),
    ];
    const body = [...list([[6, I32], [11, V128]]), ...repeat(panels, panel), ...end]; // its variables, its instructions
    return Uint8Array.from([
      0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
      ...section(1, [[0x60, ...list(Array(8).fill(I32)), 0]]), // the type of the function
      ...section(2, [[1, 0x6d, 1, 0x6d, 2, 0, 0]]), // import "m" "m": a memory of any size
      ...section(3, [[0]]),
      ...section(7, [[1, 0x66, 0, 0]]), // export "f"
      ...section(10, [list(body)]),
    ]);
  }

  /** Room for so many numbers, and the product over it: by SIMD where it is wanted and the browser has it.
   * @param {number} count @param {boolean} wanted @returns {{numbers: Float32Array, product: Product, simd: boolean}} */
  function room(count, wanted) {
    if (wanted && typeof WebAssembly === "object") {
      const bytes = assemble();
      if (WebAssembly.validate(bytes)) {
        const memory = new WebAssembly.Memory({ initial: Math.ceil(count / 16384) });
        const { f } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { m: memory } }).exports;
        const product = (a, bias, b, c, rows, panels, k, pitch) =>
          f(4 * a, 4 * bias, 4 * b, 4 * c, rows, panels, k, 4 * pitch);
        return { numbers: new Float32Array(memory.buffer), product, simd: true };
      }
    }
    const numbers = new Float32Array(count);
    return { numbers, product: (...places) => multiply(numbers, ...places), simd: false };
  }

  /** The same product in JavaScript, two rows by four columns at a time. */
  function multiply(n, a, bias, b, c, rows, panels, k, pitch) {
    for (let half = 0; half < 2 * panels; half++) {
      for (let row = 0; row < 4 * rows; row += 2) {
        let s0 = n[bias + row], s1 = s0, s2 = s0, s3 = s0, t0 = n[bias + row + 1], t1 = t0, t2 = t0, t3 = t0;
        let x = a + (row & ~3) * k + (row & 3), y = b + (half >> 1) * 8 * k + (half & 1) * 4;
        for (const end = x + 4 * k; x < end; x += 4, y += 8) {
          const s = n[x], t = n[x + 1], y0 = n[y], y1 = n[y + 1], y2 = n[y + 2], y3 = n[y + 3];
          s0 += s * y0; s1 += s * y1; s2 += s * y2; s3 += s * y3;
          t0 += t * y0; t1 += t * y1; t2 += t * y2; t3 += t * y3;
        }
        const p = c + row * pitch + 4 * half, q = p + pitch;
        n[p] = s0; n[p + 1] = s1; n[p + 2] = s2; n[p + 3] = s3;
        n[q] = t0; n[q + 1] = t1; n[q + 2] = t2; n[q + 3] = t3;
      }
    }
  }

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { room });
})();
