/* Move the camera by pixels, and see how much of a map is left after each way of making it smaller. */
(() => {
  "use strict";

  const { parts, windows, images, kernels } = globalThis.cnncourse;
  const { element, slider, choice, toggle, board, grays } = parts;
  const SIDE = 48; // of what the camera sees, of a wider image
  const MOST = 8; // pixels that it moves
  const SHIFTS = Array.from({ length: MOST + 1 }, (_, shift) => shift);
  const number = (value) => (Math.round(100 * value) / 100 + 0).toFixed(2).replace("-", "−");
  const SOBEL = { shape: [3, 3], data: kernels.sobel_x };

  /** Columns of an image, from one of them on. */
  function columns({ shape: [rows, width], data }, first, count) {
    const made = { shape: [rows, count], data: new Float64Array(rows * count) };
    for (let i = 0; i < made.data.length; i++) made.data[i] = data[Math.floor(i / count) * width + first + (i % count)];
    return made;
  }

  /** @param {number} K cells of a window, and from one window to the next */
  function ways(K) {
    const line = Array.from({ length: 2 * K - 1 }, (_, i) => K - Math.abs(i - K + 1)); // 1 2 1 for two
    const blur = { shape: [line.length, line.length], data: line.flatMap((a) => line.map((b) => (a * b) / K ** 4)) };
    const dot = { shape: [1, 1], data: [1] }, every = { 2: "every 2nd", 4: "every 4th" }[K];
    return {
      [every]: (map) => windows.correlate(map, dot, { stride: K }),
      [`max ${K}×${K}`]: (map) => windows.pool(map, K, "max"),
      [`mean ${K}×${K}`]: (map) => windows.pool(map, K, "mean"),
      [`blur, ${every}`]: (map) => windows.correlate(map, blur, { stride: K }),
    };
  }

  /** How alike a map is to the one before the move; if it may move along, in the place where it fits best. */
  function likeness(before, after, along) {
    const [, width] = before.shape, places = along ? SHIFTS.slice(0, MOST / 2 + 1) : [0];
    return Math.max(...places.map((by) => windows.alike(columns(before, by, width - by), columns(after, 0, width - by))));
  }

  const IMAGES = {
    "edges of a cat": {
      image: images.cat,
      features: (map) => { const edges = windows.correlate(map, SOBEL); return { ...edges, data: edges.data.map((value) => Math.max(0, value)) }; },
    },
    stripes: {
      image: { shape: [SIDE, SIDE + MOST], data: Array.from({ length: SIDE * (SIDE + MOST) }, (_, i) => ((i % (SIDE + MOST)) % 4 < 2 ? 0 : 255)) },
      features: (map) => map,
    },
  };

  /** @param {HTMLElement} root @param {string} title */
  function build(root, title) {
    const state = { name: Object.keys(IMAGES)[0], K: 2, shift: 0, along: false };
    const say = parts.announcer(root);
    const figure = (label) => {
      const shown = board({ label }), name = element("span"), like = element("b"), bars = element("span", { className: "course-spark", "aria-hidden": "true" });
      bars.append(...SHIFTS.map(() => element("i")));
      return { shown, name, like, bars, root: element("figure", {}, shown.root, element("figcaption", {}, name, like, bars)) };
    };
    const seen = figure("What the camera sees"), map = figure("The map before it is made smaller");
    const results = Object.keys(ways(2)).map((name) => figure(`The map after ${name}`));
    /** @type {{maps: object[], likeness: number[]}[]} */ let found = []; // the map itself, and each way

    /** After a change of anything but the shift: all shifts at once. */
    function update() {
      const { image, features } = IMAGES[state.name], whole = SHIFTS.map((shift) => features(columns(image, shift, SIDE)));
      found = [(x) => x, ...Object.values(ways(state.K))].map((way) => {
        const maps = whole.map(way);
        return { maps, likeness: maps.map((each) => likeness(maps[0], each, state.along)) };
      });
      show();
    }

    function show() {
      const { shift, name, K } = state, names = [name === "stripes" ? "as it is" : "edges", ...Object.keys(ways(K))];
      const view = columns(IMAGES[name].image, shift, SIDE), brightest = Math.max(...found[0].maps[0].data);
      seen.shown.draw(view.data, view.shape, grays(0, 255));
      seen.name.textContent = `moved by ${shift}`;
      [map, ...results].forEach((each, i) => {
        const { maps, likeness: all } = found[i];
        each.shown.draw(maps[shift].data, maps[shift].shape, grays(0, brightest));
        each.name.textContent = names[i];
        each.like.textContent = number(all[shift]);
        [...each.bars.children].forEach((bar, at) => {
          bar.style.height = `${Math.max(2, 100 * all[at])}%`;
          bar.className = at === shift ? "course-now" : "";
        });
      });
      const text = names.map((each, i) => `${each} ${number(found[i].likeness[shift])}`).join(", ");
      if (root.contains(document.activeElement)) say(`Alike: ${text}`);
    }

    const set = (key) => (value) => { state[key] = value; update(); };
    const controls = [
      slider({ label: "Move the camera by", min: 0, max: MOST, value: 0, change: (shift) => { state.shift = shift; show(); } }),
      choice({ label: "Image", options: Object.keys(IMAGES).map((name) => [name, name]), value: state.name, change: set("name") }),
      choice({ label: "Window", options: [["2", "2×2"], ["4", "4×4"]], value: "2", change: (K) => { state.K = Number(K); update(); } }),
      toggle({ label: "let the maps move along", change: set("along") }),
    ];
    seen.bars.remove();
    root.append(
      element("p", { className: "course-widget-title" }, title),
      element("div", { className: "course-row" }, ...controls),
      element("div", { className: "course-figures" }, seen.root, map.root, ...results.map((each) => each.root)),
      element("p", { className: "course-note" },
        "The numbers say how alike each map is to itself before the move: 1 is the same. The bars show it for each move."));
    update();
  }

  globalThis.cnncourse.widgets.pooling = build;
})();
