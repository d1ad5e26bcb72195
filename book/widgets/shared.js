/* What widgets share: elements, numbers as text, controls, the colors of maps, boards of cells, announcements. */
(() => {
  "use strict";

  /** @typedef {{shape: number[], data: ArrayLike<number>}} Tensor */
  /** @typedef {(value: number) => number[]} Color red, green and blue of a value, from 0 to 255 */
  /** @typedef {number[]} Rectangle row, column and, where they are not 1, height and width */

  const SVG = "http://www.w3.org/2000/svg";
  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const REST = 700; // milliseconds without a change before a screen reader is told

  /** Make an element; names with a dash, and `role`, are attributes.
   * @param {string} tag @param {Object<string, any>} [properties] @param {...(string | Node)} children @returns {any} */
  function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(properties)) {
      if (key.includes("-") || key === "role") made.setAttribute(key, value);
      else made[key] = value;
    }
    made.append(...children);
    return made;
  }

  /** Make a part of a drawing; `attributes` as SVG names them.
   * @param {string} tag @param {Object<string, any>} [attributes] @param {...(string | Node)} children @returns {any} */
  function svg(tag, attributes = {}, ...children) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
    made.append(...children);
    return made;
  }

  /** A number as text: so many digits behind the point at most, and a real minus. */
  function number(value, digits = 2) {
    return String(Number(value.toFixed(digits)) + 0).replace("-", "−"); // + 0: no minus before a zero
  }

  /** Three figures, and a power of ten where there would be many zeros. */
  function figures(value) {
    if (value !== 0 && (Math.abs(value) >= 99950 || Math.abs(value) < 0.0005)) {
      const [digits, power] = value.toExponential(1).split("e");
      const raised = [...String(Math.abs(Number(power)))].map((digit) => SUPERSCRIPT[Number(digit)]).join("");
      return `${digits}·10${power.startsWith("-") ? "⁻" : ""}${raised}`.replace("-", "−");
    }
    const digits = Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)) + 0);
    return digits.replace("-", "−");
  }

  /** A slider with its name and its value, which `text` may write otherwise. @returns {HTMLElement & {set: (value: number) => void}} */
  function slider({ label, min, max, step = 1, value, change, text }) {
    const shown = element("b", { "aria-hidden": "true" });
    const input = element("input", { type: "range", min, max, step, value });
    const root = element("label", { className: "course-control" }, element("span", {}, `${label} `, shown), input);
    const told = () => {
      shown.textContent = text ? text(input.valueAsNumber) : input.value;
      if (text) input.setAttribute("aria-valuetext", shown.textContent);
    };
    input.addEventListener("input", () => { told(); change(input.valueAsNumber); });
    root.set = (to) => { input.value = to; told(); };
    told();
    return root;
  }

  /** One of several, by name. @returns {HTMLElement & {set: (value: string) => void}} */
  function choice({ label, options, value, change }) {
    const select = element("select", {}, ...options.map(([key, text]) => element("option", { value: key }, text)));
    select.value = value;
    select.addEventListener("change", () => change(select.value));
    const root = element("label", { className: "course-control" }, element("span", {}, label), select);
    root.set = (to) => { select.value = to; };
    return root;
  }

  /** Yes or no. */
  function toggle({ label, checked = false, change }) {
    const input = element("input", { type: "checkbox", checked });
    input.addEventListener("change", () => change(input.checked));
    return element("label", { className: "course-toggle" }, input, ` ${label}`);
  }

  function button(text, click) {
    const made = element("button", { type: "button", className: "course-button" }, text);
    made.addEventListener("click", click);
    return made;
  }

  /** Tell screen readers, once things have come to rest; a widget has one such region. */
  function announcer(root) {
    const region = element("p", { className: "course-said", role: "status" });
    let timer = 0;
    root.append(region);
    return (text) => {
      clearTimeout(timer);
      timer = setTimeout(() => { region.textContent = text; }, REST);
    };
  }

  /** Run `draw` once before the next frame, however often it is asked for. */
  function onceAFrame(draw) {
    let asked = false;
    return () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => { asked = false; draw(); });
    };
  }

  /** Call when the page turns light or dark. */
  function onTheme(change) {
    new MutationObserver(change).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  /** The colors that the style gives to numbers below, at and above zero. */
  function colorsOf(root) {
    const style = getComputedStyle(root);
    const channels = (name) => {
      const hex = style.getPropertyValue(`--course-${name}`).trim();
      return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    };
    return { low: channels("low"), zero: channels("zero"), high: channels("high") };
  }

  /** From black to white. @returns {Color} */
  const grays = (least, most) => (value) => Array(3).fill((255 * (value - least)) / (most - least || 1));

  /** Blue below zero, orange above. @returns {Color} */
  function around({ low, zero, high }, largest) {
    return (value) => {
      const share = Math.min(1, Math.abs(value) / (largest || 1)) ** 0.7, end = value < 0 ? low : high;
      return zero.map((from, i) => from + (end[i] - from) * share);
    };
  }

  /** The scale that suits the numbers of a layer: grays from zero, or colors where some are negative. @returns {Color} */
  function scaleOf(data, colors) {
    let least = Infinity, most = -Infinity;
    for (const value of data) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    return least < 0 ? around(colors, Math.max(most, -least)) : grays(0, most);
  }

  /** Draw numbers on a canvas, one a pixel: the style makes them large.
   * @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} data @param {number[]} size rows, columns @param {Color} color */
  function paint(canvas, data, [rows, columns], color) {
    if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
    const image = new ImageData(columns, rows);
    for (let i = 0; i < rows * columns; i++) image.data.set([...color(data[i]), 255], 4 * i);
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  /** A board of cells that pointer and arrow keys can reach: numbers as colors, and marks above them.
   *
   * `at(row, column, event)` is told of pointers, `step(rows, columns)` of arrow keys, `key(event)` of others, of
   * which it returns true where it has used them. `fine` boards are told of every point of a stroke, and no page scrolls under it.
   * @param {{label: string, at?: Function, step?: Function, key?: Function, leave?: Function, fine?: boolean}} options */
  function board({ label, at, step, key, leave, fine = false }) {
    const canvas = element("canvas", { width: 1, height: 1 }), marks = svg("svg", { "aria-hidden": "true" });
    const can = at || step ? { tabIndex: 0, role: "application" } : { role: "img" };
    const root = element("div", { className: `course-board${fine ? " course-fine" : ""}`, ...can, "aria-label": label }, canvas, marks);
    const tell = (event) => {
      const box = canvas.getBoundingClientRect();
      const points = (fine && event.getCoalescedEvents?.()) || []; // none where a finger comes down
      for (const point of points.length ? points : [event]) {
        at(((point.clientY - box.top) / box.height) * canvas.height, ((point.clientX - box.left) / box.width) * canvas.width, event);
      }
    };
    if (at) {
      root.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        root.setPointerCapture(event.pointerId);
        tell(event);
      });
      root.addEventListener("pointermove", tell);
    }
    if (leave) for (const name of ["pointerup", "pointercancel"]) root.addEventListener(name, leave);
    root.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const [rows, columns] = STEPS[event.key] ?? [];
      if (step && rows !== undefined) step(rows, columns);
      else if (!key?.(event)) return;
      event.preventDefault();
    });
    return {
      root,
      /** @param {ArrayLike<number>} data @param {number[]} size @param {Color} color */
      draw(data, size, color) {
        paint(canvas, data, size, color);
        marks.setAttribute("viewBox", `0 0 ${size[1]} ${size[0]}`);
      },
      /** @param {...(Node | [string, Rectangle[]])} groups a class of the style and the rectangles that bear it, or what is drawn already */
      mark(...groups) {
        marks.replaceChildren(...groups.flatMap((group) => (group instanceof Node ? [group]
          : group[1].map(([y, x, height = 1, width = 1]) => svg("rect", { x, y, width, height, class: group[0] })))));
      },
    };
  }

  /** A layer's maps side by side, on one scale; a row of numbers as cells in two lines.
   * @param {string} label @param {number[]} shape (C, H, W) or (C,) */
  function strip(label, shape) {
    const [maps, ...size] = shape.length === 3 ? shape : [1, 2, Math.ceil(shape[0] / 2)], area = size[0] * size[1];
    const canvases = Array.from({ length: maps }, () => element("canvas", { width: 1, height: 1 }));
    const row = element("div", { className: "course-maps", "aria-hidden": "true" }, ...canvases);
    const kind = shape.length === 1 ? " course-numbers" : maps > 8 ? " course-many" : "";
    row.style.setProperty("--maps", String(maps));
    return {
      root: element("div", { className: `course-strip${kind}` }, element("span", {}, label), row),
      /** @param {{data: Float32Array}} tensor */
      draw({ data }, colors) {
        const color = scaleOf(data, colors);
        canvases.forEach((canvas, map) => paint(canvas, data.subarray(map * area, (map + 1) * area), size, color));
      },
    };
  }

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, {
    widgets: globalThis.cnncourse?.widgets || {},
    parts: {
      element, svg, number, figures, slider, choice, toggle, button, announcer, onceAFrame, onTheme, colorsOf, grays, around, scaleOf, paint, board, strip,
    },
  });
})();
