/* A network of the book, a layer, a unit: the pixels that it can see, and the three numbers that say so. */
(() => {
  "use strict";

  const { parts, fields: by, layers: { networks, photos } } = globalThis.cnncourse;
  const { element, slider, choice, board } = parts;
  const FIRST = "three_conv", EYE = [11.5, 11.5]; // the unit of the chapter's beginning looks here

  /** The photograph's pixels, a number each. */
  const pixelsOf = (text) => {
    const bytes = atob(text);
    return Array.from({ length: bytes.length / 3 }, (_, i) => [0, 1, 2].reduce((packed, channel) => 256 * packed + bytes.charCodeAt(3 * i + channel), 0));
  };
  const unpacked = (packed) => [packed >> 16, (packed >> 8) & 255, packed & 255];
  const drawn = Object.fromEntries(Object.entries(photos).map(([side, text]) => [side, pixelsOf(text)]));
  const minus = (value) => String(value).replace("-", "−");

  function describe({ kind, kernel, stride, padding }) {
    const options = [stride > 1 ? `stride ${stride}` : "", padding ? `padding ${padding}` : ""].filter(Boolean);
    return [`${kind}${kernel ? ` ${kernel}×${kernel}` : ""}`, ...options].join(", ");
  }

  /** @param {HTMLElement} root @param {string} title */
  function build(root, title) {
    const state = { name: FIRST, layer: 1, at: EYE }; // at: the pixel around which a unit looks
    const say = parts.announcer(root);
    const network = () => networks[state.name];
    /** @type {any[]} */ let fields = [];

    const current = () => ({ layer: network().layers[state.layer], field: fields[state.layer] });
    const unit = () => {
      const { layer, field } = current();
      return state.at.map((pixel) => by.nearest(field, layer.outputs, pixel));
    };
    const go = (places) => {
      const { layer, field } = current();
      state.at = places.map((place) => by.middle(field, Math.max(0, Math.min(layer.outputs - 1, place))));
      show();
    };
    const step = (rows, columns) => {
      const [i, j] = unit();
      go([i + rows, j + columns]);
    };
    /** A mouse on its way to the slider takes no unit along. */
    const pressed = (move) => (y, x, event) => { if (event.buttons) move(y, x); };
    const scale = () => network().photo / network().side;
    const photo = board({
      label: "Photograph: the arrow keys move the unit", step,
      at: pressed((y, x) => { state.at = [y, x].map((place) => Math.max(0, Math.min(network().photo - 0.01, place)) / scale() - 0.5); show(); }),
    });
    const map = board({
      label: "The layer's map: the arrow keys move the unit", step, at: pressed((y, x) => go([Math.floor(y), Math.floor(x)])),
    });

    const which = choice({
      label: "Network", options: Object.entries(networks).map(([name, { title: words }]) => [name, words]), value: FIRST,
      change: (name) => {
        const before = network().side;
        state.name = name;
        state.layer = 1;
        state.at = state.at.map((pixel) => ((pixel + 0.5) * network().side) / before - 0.5);
        update();
      },
    });
    const depth = slider({
      label: "Layer", min: 0, max: 1, value: 1, change: (layer) => { state.layer = layer; showLayer(); },
      text: (layer) => `${layer}, ${describe(network().layers[layer])}`,
    });
    const growth = element("div", { className: "course-spark", "aria-hidden": "true" });
    const where = element("b"), lines = element("div", { className: "course-sum" }), share = element("p");

    /** After a change of the network. */
    function update() {
      const { layers, photo: side } = network();
      fields = by.fieldsOf(layers);
      depth.querySelector("input").max = layers.length - 1;
      depth.set(state.layer);
      photo.draw(drawn[side], [side, side], unpacked);
      growth.style.setProperty("--whole", `${(100 * network().side) / fields.at(-1).size}%`);
      growth.replaceChildren(...fields.map(({ size }) => {
        const bar = element("i");
        bar.style.height = `${(100 * size) / fields.at(-1).size}%`;
        return bar;
      }));
      showLayer();
    }

    /** After a change of the layer: its units, each in the color at the middle of its field. */
    function showLayer() {
      const { layer, field } = current(), { photo: size } = network();
      const places = Array.from({ length: layer.outputs }, (_, i) => Math.max(0, Math.min(size - 1, Math.floor((by.middle(field, i) + 0.5) * scale()))));
      map.draw(places.flatMap((row) => places.map((column) => drawn[size][row * size + column])), [layer.outputs, layer.outputs], unpacked);
      show();
    }

    /** Rows or columns that a unit sees, in pixels of the photograph as it is drawn, cut off at its border: first and length. */
    const cut = ([first, end]) => {
      const [from, to] = [first, end].map((pixel) => Math.max(0, Math.min(network().side, pixel)) * scale());
      return [from, to - from];
    };
    const rectangle = ([y, height], [x, width]) => [y, x, height, width];

    function show() {
      const { layer, field } = current(), { side, photo: size, layers } = network(), [i, j] = unit();
      const [rows, columns] = [i, j].map((place) => by.sees(field, place)), [high, wide] = [rows, columns].map(cut);
      const [y, x, height, width] = rectangle(high, wide);
      photo.mark(
        ["course-shade", [[0, 0, y, size], [y + height, 0, size - y - height, size], [y, 0, height, x], [y, x + width, height, size - x - width]]],
        ["course-read", reads(layer, [i, j])],
        ["course-window", [[y, x, height, width]]],
      );
      map.mark(["course-place", [[i, j]]]);
      [...growth.children].forEach((bar, at) => { bar.className = at === state.layer ? "course-now" : ""; });
      const part = Math.round((100 * height * width) / size ** 2), whole = height === size && width === size;
      const beyond = rows[0] < 0 || columns[0] < 0 || rows[1] > side || columns[1] > side;
      where.textContent = `Output (${i}, ${j}) sees ${field.size}×${field.size} pixels`;
      const from = ([first, end], place) => `from s + j·${place} = ${minus(first)} to ${minus(end - 1)}`;
      const lit = `${whole ? "the whole image" : part ? `${part}% of the image` : "less than 1% of the image"}${beyond ? ", plus padding" : ""}`;
      lines.replaceChildren(...[...field.lines, `rows ${from(rows, i)}`, `columns ${from(columns, j)}`].map((text) => element("span", {}, text)));
      share.textContent = `That's ${lit}.`;
      if (root.contains(document.activeElement)) say(`Layer ${state.layer} of ${layers.length - 1}. ${where.textContent}, ${lit}`);
    }

    /** The fields of the first and the last of what a unit reads. */
    function reads({ kernel, stride, padding, dilation, from }, places) {
      if (!kernel || kernel === 1) return [];
      const { outputs } = network().layers[from[0]], before = fields[from[0]];
      return [0, (kernel - 1) * dilation].map((further) => {
        const inputs = places.map((place) => place * stride - padding + further);
        return inputs.every((input) => input >= 0 && input < outputs) && rectangle(...inputs.map((input) => cut(by.sees(before, input))));
      }).filter(Boolean);
    }

    root.append(
      element("p", { className: "course-widget-title" }, title),
      element("div", { className: "course-field" },
        element("figure", {}, photo.root, element("figcaption", {}, "Lit: what the unit can see. Dashed: what the first and the last of its inputs see.")),
        element("div", { className: "course-field-side" }, which, depth,
          element("div", { className: "course-field-maps" },
            element("figure", {}, map.root, element("figcaption", {}, "The layer's units")),
            element("figure", {}, growth, element("figcaption", {}, "Size; dashed: the image"))),
          element("div", { className: "course-reading" }, element("p", {}, where), lines, share))));
    update();
  }

  globalThis.cnncourse.widgets["receptive-field"] = build;
})();
