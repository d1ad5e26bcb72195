/* Fewer pixels of an image, with and without a blur before: what goes, and what comes that was never there. */
(() => {
  "use strict";

  const { parts, thinning, wall } = globalThis.cnncourse;
  const { element, svg, number, slider, choice, board, grays } = parts;
  const MOST = 8, WHITE = 255;
  const MARGIN = 1.5 * MOST; // as far as the widest blur reaches: what lies there is blurred into the image, and not shown
  const SIDE = wall.shape[0] - 2 * MARGIN;
  const PERIOD = 5; // of the stripes, along a row; down a column it is four times as long
  const FINEST = 4; // pixels from ring to ring, at the middle of a side
  const ROW = SIDE / 2, HIGH = 30; // of the drawing of one row, in its own units

  /** An image of waves. @param {(row: number, column: number) => number} phase in periods */
  const waves = (phase) => ({
    shape: wall.shape,
    data: Array.from({ length: wall.shape[0] * wall.shape[1] }, (_, i) => {
      const place = [Math.floor(i / wall.shape[1]), i % wall.shape[1]];
      return (WHITE / 2) * (1 + Math.cos(2 * Math.PI * phase(...place.map((at) => at - MARGIN))));
    }),
  });
  const ordinal = (step) => `every ${{ 2: "2nd", 3: "3rd" }[step] ?? `${step}th`}`;

  /** What happens to the stripes, by the chapter's formula. */
  function falseName(step) {
    const { times, above, below } = thinning.alias(PERIOD, step), size = Math.abs(above);
    const sum = `|1/${PERIOD} − ${times}/${step}| = `;
    if (!above) return `${sum}0: along a row nothing changes any more.`;
    const period = `${size === 1 ? "" : `${size}/`}${size === 1 ? `1/${below}` : below}, a period of ${number(below / size, 1)} pixels`;
    return `${sum}${period}${times ? ", a false one" : ""}${above < 0 ? " that leans the other way" : ""}.`;
  }

  const IMAGES = {
    stripes: { image: waves((row, column) => column / PERIOD + row / (4 * PERIOD)), note: falseName },
    rings: {
      image: waves((row, column) => ((row - ROW) ** 2 + (column - ROW) ** 2) / (2 * FINEST * ROW)),
      note: (step) => (step * 2 <= FINEST ? "Along a row and down a column, each ring still has two samples."
        : `Rings less than ${2 * step} pixels apart come back under a false name, around centers that are not there.`),
    },
    "a wall": {
      image: { shape: wall.shape, data: Array.from(atob(wall.bytes), (letter) => letter.charCodeAt(0)) },
      note: (step) => (step <= 3 ? "The joints are about 3 pixels wide: no step misses one."
        : `The joints are about 3 pixels wide: a step of ${step} misses some, and makes others ${step} pixels wide.`),
    },
  };

  /** @param {HTMLElement} root @param {string} title */
  function build(root, title) {
    const state = { name: "stripes", step: 2 };
    const say = parts.announcer(root);
    const figure = (label) => {
      const shown = board({ label }), caption = element("figcaption");
      return { shown, caption, root: element("figure", {}, shown.root, caption) };
    };
    const whole = figure("The image"), kept = figure("Every so many-th pixel"), blurred = figure("Blurred, then every so many-th pixel");
    const chart = svg("svg", { viewBox: `-1 -2 ${SIDE + 2} ${HIGH + 4}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    const note = element("p", { className: "course-note" });

    /** A row's numbers as a line, and where `dots` is, a dot on each. */
    function line(name, { shape: [rows, columns], data }, step, dots) {
      const row = Math.floor(rows / 2), points = Array.from({ length: columns }, (_, j) => [j * step, HIGH * (1 - data[row * columns + j] / WHITE)]);
      const path = `M${points.map((point) => point.join(" ")).join("L")}`, spots = points.map((point) => `M${point.join(" ")}h0`).join("");
      return [svg("path", { class: name, d: path }), ...(dots ? [svg("path", { class: `${name} course-dots`, d: spots })] : [])];
    }

    function show() {
      const { name, step } = state, { image: wide, note: words } = IMAGES[name], image = thinning.inner(wide, MARGIN), all = thinning.spread(image);
      const soft = step > 1 ? thinning.inner(thinning.lowPass(wide, step / 2), MARGIN) : image;
      const made = [image, thinning.keepEvery(image, step), thinning.keepEvery(soft, step)];
      const contrast = made.map((each) => `${number((100 * thinning.spread(each)) / all, 0)}%`);
      [whole, kept, blurred].forEach(({ shown }, i) => shown.draw(made[i].data, made[i].shape, grays(0, WHITE)));
      const what = step > 1 ? ordinal(step) : "every pixel", size = made[1].shape.join("×");
      whole.caption.replaceChildren(element("b", {}, "every pixel"), made[0].shape.join("×"));
      kept.caption.replaceChildren(element("b", {}, what), `${size}, contrast ${contrast[1]}`);
      blurred.caption.replaceChildren(element("b", {}, step > 1 ? `blurred, then ${what}` : what), `${size}, contrast ${contrast[2]}`);
      chart.replaceChildren(...line("course-all", image, 1, false), ...line("course-soft", made[2], step, true), ...line("course-kept", made[1], step, true));
      note.textContent = step > 1 ? words(step) : "Nothing is dropped yet.";
      if (root.contains(document.activeElement)) say(`${what}: contrast ${contrast[1]}, blurred first ${contrast[2]}. ${note.textContent}`);
    }

    const drop = slider({
      label: "Keep", min: 1, max: MOST, value: state.step, text: (step) => (step > 1 ? `${ordinal(step)} pixel` : "every pixel"),
      change: (step) => { state.step = step; show(); },
    });
    const picture = choice({
      label: "Image", options: Object.keys(IMAGES).map((name) => [name, name]), value: state.name,
      change: (name) => { state.name = name; show(); },
    });
    root.append(
      element("p", { className: "course-widget-title" }, title),
      element("div", { className: "course-pair" }, drop, picture),
      element("div", { className: "course-thin" }, whole.root, kept.root, blurred.root, note),
      element("figure", { className: "course-wave" }, chart, element("figcaption", {},
        "The middle row: a thin line through all pixels, ", element("span", { className: "course-line-kept" }, "solid"), " through those kept, ",
        element("span", { className: "course-line-soft" }, "dashed"), " through those kept after the blur.")));
    show();
  }

  globalThis.cnncourse.widgets.aliasing = build;
})();
