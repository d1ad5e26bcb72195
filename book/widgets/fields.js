/* Receptive fields along one axis, layer by layer, as the chapter writes them. No page is needed. */
(() => {
  "use strict";

  /** @typedef {{size: number, jump: number, start: number}} Field output i sees `size` pixels from start + jump·i on
   * @typedef {{name: string, kind: string, outputs: number, from?: number[], kernel?: number, stride?: number, padding?: number,
   *   dilation?: number, all?: boolean}} Layer what it reads, and its kernel; a branch has none, and `all` sees the whole map */

  const minus = (value) => String(value).replace("-", "−");
  const signed = (value) => (value < 0 ? `(${minus(value)})` : String(value));

  /** The field after a layer, and how it was worked out, a line for each number.
   * @param {Layer} layer @param {Field[]} read the fields of what it reads @param {number} outputs of what it reads
   * @returns {Field & {lines: string[]}} */
  function after({ kernel, stride, padding, dilation, all, from }, read, outputs) {
    if (!from) return { size: 1, jump: 1, start: 0, lines: ["size r = 1", "start s = 0", "jump j = 1"] };
    const { size: r, jump: j, start: s } = read[0];
    if (all) {
      const size = r + (outputs - 1) * j;
      return { size, jump: 0, start: s, lines: [`size r = ${r} + (${outputs} − 1)·${j} = ${size}`, `start s = ${minus(s)}`, "jump j = 0"] };
    }
    if (!kernel) {
      const start = Math.min(...read.map((each) => each.start)), end = Math.max(...read.map((each) => each.start + each.size));
      const ends = read.map((each) => `${minus(each.start)} + ${each.size}`).join(", "), starts = read.map((each) => minus(each.start)).join(", ");
      const lines = [`size r = max(${ends}) − ${signed(start)} = ${end - start}`, `start s = min(${starts}) = ${minus(start)}`, `jump j = ${j}`];
      return { size: end - start, jump: j, start, lines };
    }
    const size = r + (kernel - 1) * dilation * j, start = s - padding * j, jump = j * stride;
    return { size, jump, start, lines: [
      `size r = ${r} + (${kernel} − 1)·${dilation}·${j} = ${size}`,
      `start s = ${minus(s)} − ${padding}·${j} = ${minus(start)}`,
      `jump j = ${j}·${stride} = ${jump}`,
    ] };
  }

  /** The fields of all layers, the image's first. @param {Layer[]} layers */
  function fieldsOf(layers) {
    /** @type {(Field & {lines: string[]})[]} */ const fields = [];
    for (const layer of layers) {
      const read = layer.from ?? [];
      fields.push(after(layer, read.map((i) => fields[i]), read.length ? layers[read[0]].outputs : 0));
    }
    return fields;
  }

  /** The first pixel that an output sees, and the first beyond. @param {Field} field @param {number} index */
  const sees = ({ size, jump, start }, index) => [start + jump * index, start + jump * index + size];

  /** The middle of what an output sees. @param {Field} field @param {number} index */
  const middle = ({ size, jump, start }, index) => start + jump * index + (size - 1) / 2;

  /** The output whose field has its middle nearest to a pixel. @param {Field} field @param {number} outputs @param {number} pixel */
  const nearest = (field, outputs, pixel) =>
    Math.max(0, Math.min(outputs - 1, Math.round((pixel - middle(field, 0)) / (field.jump || 1))));

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { fields: { fieldsOf, sees, middle, nearest } });
})();
