/* Draw a digit, and see every map of LeNet-5 and its answer change with each stroke. */
(() => {
  "use strict";

  const { load, run, prepare, probabilities, networks, strokes: drawing, parts } = globalThis.cnncourse;
  const { element, board, strip, button, toggle, grays } = parts;
  const PEN = 3.5; // pixels of 32
  const STRIDE = 2; // pixels that an arrow key moves the pen
  // the five of straight lines with which the chapter begins, as rows and columns
  const FIVE = [[5, 22], [5, 11], [14, 10], [13, 17], [18, 22], [25, 20], [27, 9]];
  const WORDS = { conv: "convolution", relu: "ReLU", max_pool: "max pooling", dense: "dense" };

  const percent = (share) => `${Math.round(100 * share)}%`;

  /** What a strip shows. */
  function describe({ op, kernel, shape }, before) {
    const name = op === "relu" && before.op === "dense" ? "dense, ReLU" : `${WORDS[op]}${op === "conv" ? ` ${kernel.join(" × ")}` : ""}`;
    return shape.length === 1 ? `${name}: ${shape[0]} numbers` : `${name}: ${shape[0]} maps of ${shape[1]} × ${shape[2]}`;
  }

  /** @param {HTMLElement} root @param {string} title */
  function build(root, title) {
    const network = load(networks.lenet5), size = network.steps[0].shape[1];
    const say = parts.announcer(root);
    /** @type {number[][][]} */ let strokes = [FIVE];
    let ours = true; // the five is still there; one's own first stroke takes its place
    let pen = false, pressed = false; // by the space bar, by a pointer
    let cursor = [size / 2, size / 2], coarse = true;

    const begin = (point) => {
      if (ours) strokes = [];
      ours = false;
      strokes.push([point]);
      update();
    };
    const go = (point) => { strokes.at(-1).push(point); update(); };

    const canvas = board({
      label: `Drawing of ${size} by ${size} pixels. Arrow keys move, Space lowers or lifts the pen, Delete clears`, fine: true,
      at(y, x, event) {
        cursor = [y, x].map((place) => Math.max(0, Math.min(size, place)));
        if (event.type === "pointerdown") {
          pressed = true;
          begin(cursor);
        } else if (pressed) go(cursor);
      },
      leave() { pressed = false; },
      step(rows, columns) {
        cursor = [cursor[0] + STRIDE * rows, cursor[1] + STRIDE * columns].map((place) => Math.max(0, Math.min(size, place)));
        if (pen) go(cursor);
        else update();
      },
      key({ key }) {
        if (key === "Delete" || key === "Backspace") clear();
        else if (key === " ") {
          pen = !pen;
          if (pen) begin(cursor);
          else update();
        } else return false;
        return true;
      },
    });
    const clear = () => { [strokes, ours, pen] = [[], false, false]; update(); };
    const seen = board({ label: "What the network sees" });

    const shown = network.steps.filter(({ op, shape }) => op !== "input" && op !== "flatten" && (shape.length === 3 || op === "relu"));
    const strips = shown.map((step) => ({ step, ...strip(describe(step, network.steps[step.inputs[0]]), step.shape) }));
    const bars = network.classes.map((name) => {
      const share = element("span"), item = element("li", {}, element("b", {}, name), share);
      return { item, set(value) { item.style.setProperty("--share", percent(value)); share.textContent = percent(value); } };
    });
    const told = element("p", { className: "course-note" });

    function tell(shares) {
      const best = shares.indexOf(Math.max(...shares));
      bars.forEach(({ item, set }, i) => { set(shares[i]); item.classList.toggle("course-best", i === best); });
      told.textContent = ours ? "This five is ours. Draw over it, and it's yours."
        : strokes.length ? "" : "Nothing is drawn, and the network answers all the same.";
      const place = pen ? `Pen down, row ${Math.round(cursor[0])}, column ${Math.round(cursor[1])}. ` : "";
      if (root.contains(document.activeElement)) say(`${place}Most likely ${network.classes[best]}, ${percent(shares[best])}`);
    }

    const update = parts.onceAFrame(() => {
      const drawn = drawing.ink(strokes, size, PEN), colors = parts.colorsOf(root);
      const image = coarse ? drawing.asInTraining(strokes, size, PEN) : drawn;
      const pixels = new Uint8ClampedArray(4 * size * size);
      image.data.forEach((value, i) => pixels.fill(255 * value, 4 * i, 4 * i + 4));
      const { logits, activations } = run(network, prepare(network, pixels));
      canvas.draw(drawn.data, drawn.shape, grays(0, 1));
      canvas.mark([pen ? "course-cursor course-down" : "course-cursor", [[cursor[0] - 1, cursor[1] - 1, 2, 2]]]);
      seen.draw(image.data, image.shape, grays(0, 1));
      for (const { step, draw } of strips) draw(activations.get(step.name), colors);
      tell(probabilities(network, logits));
    });

    root.append(
      element("p", { className: "course-widget-title" }, title),
      element("div", { className: "course-digit" },
        element("div", { className: "course-drawing" }, canvas.root,
          element("div", { className: "course-buttons" }, button("Clear", clear),
            toggle({ label: "cut out and made coarse, as in training", checked: true, change: (on) => { coarse = on; update(); } })),
          told),
        element("ol", { className: "course-bars", "aria-label": "Probability of each digit" }, ...bars.map(({ item }) => item)),
        element("div", { className: "course-strips" },
          element("div", { className: "course-strip course-seen" }, element("span", {}, "what the network sees"), seen.root),
          ...strips.map((each) => each.root))));
    update();
    parts.onTheme(update);
  }

  globalThis.cnncourse.widgets["draw-digit"] = build;
})();
