/* Thirty dense layers with random weights: set their gain, and see whether the numbers keep their size. */
(() => {
  "use strict";

  const { parts, stack } = globalThis.cnncourse;
  const { element, svg, slider, choice, toggle, board, figures } = parts;
  const DEPTH = 30, WIDTH = 128, BATCH = 16;
  const SEED = 4;
  const DECADES = 6; // above and below 1: what is beyond is at the edge
  const REACH = 3, BINS = 31; // of the outputs' values: what is beyond is at the edge
  const FLAT = Math.sqrt(0.95); // beyond it, the slope of tanh is below a twentieth
  const NAMES = { relu: "ReLU", tanh: "tanh", sigmoid: "sigmoid", none: "nothing" };

  /** A board for a column a layer, with what its rows mean on its left. */
  function chart(label, scale, options) {
    const shown = board({ label, ...options }), marks = shown.root.querySelector("svg");
    marks.setAttribute("preserveAspectRatio", "none");
    shown.root.classList.add("course-chart");
    return { ...shown, whole: element("div", { className: "course-scaled" },
      element("div", { className: "course-scale", "aria-hidden": "true" }, ...scale.map((text) => element("span", {}, text))), shown.root) };
  }

  /** @param {HTMLElement} root @param {string} title */
  function build(root, title) {
    const drawn = stack.draw({ seed: SEED, depth: DEPTH, width: WIDTH, batch: BATCH });
    const state = { gain: 1, activation: "relu", normalized: false, layer: 1 };
    const say = parts.announcer(root);
    /** @type {ReturnType<typeof stack.run>} */ let all = [];

    const go = (layer) => { state.layer = Math.max(0, Math.min(DEPTH - 1, layer)); show(); };
    const pointed = { at: (y, x) => go(Math.floor(x)), step: (rows, columns) => { go(state.layer + columns); say(reading.textContent); } };
    const sizes = chart("Size of the sums, layer by layer: the arrow keys choose a layer", ["10⁶", "1", "10⁻⁶"], pointed);
    const edges = [`≥ ${REACH}`, "0", `≤ −${REACH}`];
    const spread = chart("Spread of the outputs, layer by layer: the arrow keys choose a layer", edges, pointed);
    const verdict = element("p", { className: "course-verdict" }), reading = element("p", { className: "course-layer" });

    /** What becomes of the signal, in words. */
    function judge() {
      const last = all[DEPTH - 1], size = stack.size(last.sums);
      const flat = last.outputs.reduce((count, value) => count + (Math.abs(value) > FLAT), 0) / last.outputs.length;
      const words = size < 0.1 ? "the signal fades" : size < 0.5 ? "too small" : size <= 2 ? "it keeps its size" : size <= 10 ? "too large" : "it blows up";
      const note = state.activation === "tanh" && flat > 0.1 ? `, and ${Math.round(100 * flat)}% of the outputs are on tanh's flat ends` : "";
      return `In layer ${DEPTH}, the sums have size ${figures(size)}: ${words}${note}.`;
    }

    const height = (size) => DECADES - Math.max(-DECADES, Math.min(DECADES, Math.log10(size || Number.MIN_VALUE)));

    function show() {
      const at = state.layer, { coming, added, sums, outputs } = all[at];
      const column = () => svg("rect", { class: "course-here", x: at, y: 0, width: 1, height: 100 });
      const points = all.map((layer, i) => `${i + 0.5},${height(stack.size(layer.sums))}`);
      sizes.mark(column(), svg("path", { class: "course-one", d: `M0 ${DECADES}H${DEPTH}` }),
        svg("polyline", { class: "course-sizes", points: points.join(" ") }),
        svg("path", { class: "course-sizes course-dots", d: points.map((point) => `M${point.replace(",", " ")}h0`).join("") }));
      spread.mark(column());
      const comes = at === 0 ? "inputs of size" : "numbers of size";
      const reset = state.normalized ? `, reset to ${figures(stack.size(sums))}` : "";
      reading.textContent = `Layer ${at + 1}: ${comes} ${figures(coming)} come in, and gain × size = ${figures(state.gain)} × ${figures(coming)} = ${
        figures(state.gain * coming)}. Measured: sums of size ${figures(added)}${reset}; outputs of size ${figures(stack.size(outputs))}.`;
    }

    const update = parts.onceAFrame(() => {
      all = stack.run(drawn, state);
      const { zero, high } = parts.colorsOf(root), cells = new Float64Array(BINS * DEPTH);
      all.forEach(({ outputs }, layer) => stack.shares(outputs, REACH, BINS).forEach((share, bin) => {
        cells[(BINS - 1 - bin) * DEPTH + layer] = share;
      }));
      sizes.draw(new Float64Array(2 * DECADES * DEPTH), [2 * DECADES, DEPTH], () => zero);
      spread.draw(cells, [BINS, DEPTH], (share) => zero.map((from, i) => from + (high[i] - from) * Math.sqrt(share)));
      show();
      const words = judge();
      verdict.replaceChildren(element("b", {}, words));
      if (root.contains(document.activeElement)) say(`${NAMES[state.activation]}, gain ${state.gain}. ${words}`);
    });

    const set = (key) => (value) => { state[key] = value; update(); };
    root.append(
      element("p", { className: "course-widget-title" }, title),
      element("div", { className: "course-row course-row-layers" },
        slider({ label: "Gain of the weights", min: 0.25, max: 4, step: 0.01, value: 1, change: set("gain"), text: (gain) => gain.toFixed(2) }),
        choice({ label: "Between the layers", options: Object.entries(NAMES), value: state.activation, change: set("activation") }),
        toggle({ label: "normalize the sums", change: set("normalized") })),
      element("figure", {}, sizes.whole, element("figcaption", {}, `Size of the sums in layers 1 to ${DEPTH}, from left to right, on a logarithmic scale.`)),
      verdict,
      element("figure", {}, spread.whole, element("figcaption", {}, "Where the outputs of each layer are: the stronger the color, the more of them.")),
      reading);
    update();
    parts.onTheme(update);
  }

  globalThis.cnncourse.widgets["thirty-layers"] = build;
})();
