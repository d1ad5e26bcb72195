/* A kernel over an image: hover, tap or walk to a window, and read the sum that it makes. */
(() => {
  "use strict";

  const { parts, windows, images, kernels } = globalThis.cnncourse;
  const { element, number, slider, choice, toggle, board, grays, around } = parts;
  const K = 3;
  const OWN = "own"; // the name of a kernel that is in no list
  const WHITE = 255;

  /** Images that show what a photograph hides: white where `bright` says so. */
  const drawn = (size, bright) => ({
    shape: [size, size],
    data: Array.from({ length: size * size }, (_, i) => (bright(Math.floor(i / size), i % size) ? WHITE : 0)),
  });
  const IMAGES = {
    photograph: images.camera,
    "one bright pixel": drawn(9, (row, column) => row === 4 && column === 4),
    "a corner": drawn(12, (row, column) => row > 3 && column > 3),
  };

  /** @param {HTMLElement} root @param {string} title */
  function build(root, title) {
    const state = { image: IMAGES.photograph, kernel: [...kernels.sobel_x], stride: 1, padding: 0, dilation: 1, flip: false, at: [20, 20] };
    const say = parts.announcer(root);
    const kernel = () => ({ shape: [K, K], data: state.kernel });
    const met = () => (state.flip ? windows.flipped(kernel()) : kernel()); // as it meets the pixels
    let output = { shape: [1, 1], data: [0] };

    // Boards

    const go = (row, column) => {
      state.at = [row, column].map((place, axis) => Math.max(0, Math.min(output.shape[axis] - 1, place)));
      show();
    };
    const step = (rows, columns) => go(state.at[0] + rows, state.at[1] + columns);
    /** From the window's corner to its middle. */
    const reach = () => (state.dilation * (K - 1) + 1) / 2;
    const input = board({
      label: "Image: the arrow keys move the window", step,
      at: (y, x) => go(...[y, x].map((place) => Math.round((place - reach()) / state.stride))),
    });
    const result = board({
      label: "Output: the arrow keys move the window", step,
      at: (y, x) => go(Math.floor(y), Math.floor(x)),
    });

    // Controls

    const cells = state.kernel.map((_, i) => {
      const cell = element("input", { type: "number", step: "any", "aria-label": `Weight in row ${Math.floor(i / K) + 1}, column ${(i % K) + 1}` });
      cell.addEventListener("input", () => {
        state.kernel[i] = cell.valueAsNumber || 0;
        preset.set(OWN);
        update();
      });
      return cell;
    });
    const fill = () => cells.forEach((cell, i) => { cell.value = String(Number(state.kernel[i].toFixed(3))); });
    const names = Object.keys(kernels).map((name) => [name, name.replace("_", " ")]);
    const preset = choice({
      label: "Kernel", options: [...names, [OWN, "your own"]], value: "sobel_x",
      change: (name) => {
        if (name !== OWN) state.kernel = [...kernels[name]];
        fill();
        update();
        if (name === OWN) cells[0].focus();
      },
    });
    const set = (key) => (value) => { state[key] = value; update(); };
    const sliders = [
      slider({ label: "Stride", min: 1, max: 4, value: 1, change: set("stride") }),
      slider({ label: "Padding", min: 0, max: 4, value: 0, change: set("padding") }),
      slider({ label: "Dilation", min: 1, max: 4, value: 1, change: set("dilation") }),
    ];
    const flip = toggle({ label: "Flip it: true convolution", change: set("flip") });
    const picture = choice({
      label: "Image", options: Object.keys(IMAGES).map((name) => [name, name]), value: "photograph",
      change: (name) => {
        state.image = IMAGES[name];
        state.at = state.image.shape.map((size) => Math.floor(size / 2) - 1);
        update();
      },
    });

    // What is shown

    const formula = element("p"), scale = element("span"), where = element("b"), lines = element("div", { className: "course-sum" });
    let framed = state.image; // the image with its padding

    /** After a change of the image, the kernel or an option. */
    function update() {
      const { image, padding, stride, dilation } = state, colors = parts.colorsOf(root);
      output = windows.correlate(image, met(), state);
      framed = windows.correlate(image, { shape: [1, 1], data: [1] }, { padding });
      const largest = output.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const flat = state.kernel.reduce((total, weight) => total + weight, 0) > 1e-9; // a flat area stays bright
      input.draw(framed.data, framed.shape, grays(0, WHITE));
      result.draw(output.data, output.shape, flat ? grays(0, WHITE) : around(colors, largest));
      result.root.style.width = `${(100 * output.shape[1]) / framed.shape[1]}%`; // its pixels are as large as the image's
      scale.replaceChildren(...(flat ? [`black is 0, white ${WHITE}; the rest is cut off`] : key(largest)));
      formula.textContent = `Size: ⌊(${image.shape[0]} + 2·${padding} − ${dilation}·(${K} − 1) − 1) / ${stride}⌋ + 1 = ${output.shape[0]}`;
      go(...state.at);
    }

    const key = (largest) => [
      element("i", { className: "course-key course-low" }), " below zero, ",
      element("i", { className: "course-key course-high" }), ` above, up to ±${number(largest, 0)}`,
    ];

    /** After a step of the window. */
    function show() {
      const { padding, at: [i, j] } = state, terms = windows.products(state.image, met(), i, j, state);
      const under = terms.map(({ row, column }) => [row + padding, column + padding]);
      input.mark(
        ["course-border", padding ? [[padding, padding, ...state.image.shape]] : []],
        ["course-cell", under],
        ["course-window", [[...under[0], 2 * reach(), 2 * reach()]]],
      );
      result.mark(["course-place", [[i - 0.5, j - 0.5, 2, 2]]]);
      where.textContent = `Output in row ${i + 1}, column ${j + 1}: ${number(windows.sum(terms), 1)}`;
      const written = terms.map(({ weight, value }) => `${weight < 0 ? `(${number(weight)})` : number(weight)}·${number(value, 0)}`);
      lines.replaceChildren(...[0, 1, 2].map((row) => element("span", {}, `${row ? "+ " : "= "}${written.slice(K * row, K * row + K).join(" + ")}`)));
      if (root.contains(document.activeElement)) say(where.textContent);
    }

    const grid = element("div", { className: "course-kernel", role: "group", "aria-label": "Weights of the kernel" }, ...cells);
    root.append(
      element("p", { className: "course-widget-title" }, title),
      element("div", { className: "course-convolution" },
        element("figure", {}, input.root, element("figcaption", {}, "Image")),
        element("figure", {}, element("div", { className: "course-room" }, result.root), element("figcaption", {}, "Output: ", scale)),
        element("div", { className: "course-panel" }, preset, grid, flip),
        element("div", { className: "course-panel" }, picture, ...sliders)),
      element("div", { className: "course-reading" }, element("p", {}, where), lines, formula));
    fill();
    update();
    parts.onTheme(update);
  }

  globalThis.cnncourse.widgets.convolution = build;
})();
