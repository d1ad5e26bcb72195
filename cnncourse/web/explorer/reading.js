/* One map of a layer, large: walk to a number of it, and read how it was made, down to the pixels. */
(() => {
  "use strict";

  const { arithmetic, RULES, maps } = globalThis.cnncourse;
  const { WORDS, number, element, describe, viewOf } = maps;
  const LARGE = 420, MOST_SIDE = 28; // CSS pixels, of the map and of a number, at most
  const MOST_TERMS = 4, MOST_NUMBERS = 25; // lines of the table, numbers in one
  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  const placed = ([c, y, x], isRow) => (isRow ? `number ${c + 1}` : `row ${y + 1}, column ${x + 1}`);

  /** How a number was made, in a line. */
  function words(network, rule, terms, bias, value, channel) {
    const one = terms.length ? number(terms[0].value) : "";
    if (rule === "image") {
      const mean = network.mean[channel % network.mean.length], std = network.std[channel % network.std.length];
      return `The pixel is ${Math.round(255 * (value * std + mean))} of 255: (${number(value * std + mean)} − ${number(mean)}) / ${number(std)}`;
    }
    if (rule === "sum" && terms.length === 1 && bias) return `${one} × ${number(terms[0].weight ?? 1)} + ${number(bias)}`;
    const kind = terms[0]?.weight === undefined ? "numbers" : "products";
    if (rule === "sum") return `A sum of ${terms.length} ${kind}${bias ? ` and the bias ${number(bias)}` : ""}`;
    if (rule === "product") return "A product of two numbers";
    if (rule === "largest") return terms.length > 1 ? `The largest of ${terms.length} numbers` : "The same number as before";
    if (rule === "copy") return terms.length ? "The same number as before" : "A zero of the padding";
    if (rule === "relu") return `max(0, ${one})`;
    if (rule === "relu6") return `min(6, max(0, ${one}))`;
    return `${WORDS[rule] ?? rule} of ${one}`;
  }

  /** @param {object} network @param {{colors: () => object, activations: () => Map<string, object>}} now what is shown now */
  function reading(network, now) {
    const heading = element("h2", { id: "explorer-heading" }), where = element("p", { className: "explorer-where", id: "explorer-where", role: "status" });
    const input = element("input", { type: "number", min: "1", step: "1" }), of = element("span"), terms = element("div", { className: "explorer-terms" });
    const which = element("p", { className: "explorer-which" }, element("label", {}, "Map ", input), " ", of);
    const large = element("canvas", {
      className: "explorer-large", tabIndex: 0, role: "application", "aria-label": "Numbers of the map: arrow keys move", "aria-describedby": where.id,
    });
    const root = element("dialog", { className: "explorer-map", "aria-labelledby": heading.id },
      element("form", { method: "dialog" }, element("button", { "aria-label": "Close" }, "×")), heading, which,
      element("div", { className: "explorer-two" }, large, element("div", {}, where, terms)));
    let current = { name: "", place: [0, 0, 0], view: null, picture: null };

    /** @param {string} name @param {number[]} [place] [c, y, x]; in the middle of the map if it says c alone */
    function open(name, [c = 0, y, x] = []) {
      const step = network.steps.find((each) => each.name === name), view = viewOf(now.activations().get(name), now.colors());
      const isRow = step.shape.length === 1;
      const place = isRow ? [c, 0, 0] : [c, y ?? Math.floor(view.rows / 2), x ?? Math.floor(view.columns / 2)];
      current = { name, place, view, picture: view.picture(view.cellOf(place)[0]) };
      heading.textContent = `${name}: ${describe(step)}`;
      which.hidden = isRow || view.maps === 1;
      Object.assign(input, { max: view.maps, value: c + 1 });
      of.textContent = `of ${view.maps}`;
      draw();
      if (!root.open) {
        root.showModal();
        large.focus();
      }
    }

    function draw() {
      const { view, place, picture } = current, [, y, x] = view.cellOf(place);
      const most = Math.min(LARGE, window.innerWidth - 60), side = Math.max(1, Math.min(MOST_SIDE, most / Math.max(view.columns, view.rows)));
      const cell = side * (window.devicePixelRatio || 1);
      Object.assign(large, { width: view.columns * cell, height: view.rows * cell });
      Object.assign(large.style, { width: `${view.columns * side}px`, height: `${view.rows * side}px` });
      const context = large.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(picture, 0, 0, large.width, large.height);
      for (const [strokeStyle, lineWidth] of [["#000", 4], ["#fff", 2]]) {
        Object.assign(context, { strokeStyle, lineWidth });
        context.strokeRect(x * cell, y * cell, cell, cell);
      }
      tell();
    }

    function move(map, y, x) {
      if (!current.view.exists(map, y, x)) return;
      current.place = current.view.placeOf(map, y, x);
      draw();
    }

    /** Say where we are, the number there, and how it was made. */
    function tell() {
      const { name, place } = current, activations = now.activations(), tensor = activations.get(name), isRow = tensor.shape.length === 1;
      const [, h = 1, w = 1] = tensor.shape, value = tensor.data[(place[0] * h + place[1]) * w + place[2]];
      const made = arithmetic(network, activations, name, place);
      const last = network.steps.at(-1).name === name ? ` (${network.classes[place[0]]})` : "";
      const line = words(network, made.rule, made.terms, made.bias, value, place[0]);
      where.replaceChildren(element("b", {}, number(value)), ` at ${placed(place, isRow)}${last}`, element("br"), line);
      terms.replaceChildren(...(made.terms.length ? [table(made, activations)] : []));
    }

    /** What a number was made of: map by map, the weightiest first; a name leads to where that number came from. */
    function table({ rule, terms: all, bias }, activations) {
      const groups = new Map();
      for (const term of all) {
        const key = `${term.name}/${activations.get(term.name).shape.length === 3 ? term.place[0] : term.place}`;
        if (!groups.has(key)) groups.set(key, []);
        groups.get(key).push(term);
      }
      const worth = (group) => (rule === "largest" ? Math.max(...group.map((term) => term.value))
        : group.reduce((total, { value, weight = 1 }) => total + value * weight, 0));
      const rows = [...groups.values()].map((group) => ({ group, total: worth(group) }));
      rows.sort((a, b) => Math.abs(b.total) - Math.abs(a.total));
      const body = element("tbody"), line = (...cells) => element("tr", {}, ...cells), cell = (...content) => element("td", {}, ...content);
      const titles = ["from", "numbers", { largest: "largest", sum: "sum" }[rule] ?? ""].map((title) => element(title ? "th" : "td", {}, title));
      for (const { group, total } of rows.slice(0, MOST_TERMS)) {
        const first = group[Math.floor(group.length / 2)], isRow = activations.get(first.name).shape.length === 1;
        const from = element("button", { type: "button" }, `${first.name}, ${isRow ? "number" : "map"} ${first.place[0] + 1}`);
        from.addEventListener("click", () => { open(first.name, first.place); large.focus(); });
        const some = group.slice(0, MOST_NUMBERS).map(({ value, weight }) => (weight === undefined ? number(value) : `${number(value)}·${number(weight)}`));
        const numbers = some.join(rule === "largest" ? ", " : " + ") + (group.length > MOST_NUMBERS ? " …" : "");
        body.append(line(cell(from), cell(element("code", {}, numbers)), cell(rule in RULES && rule !== "copy" ? number(total) : "")));
      }
      const others = rows.slice(MOST_TERMS);
      if (others.length) {
        const total = rule === "largest" ? Math.max(...others.map((row) => row.total)) : others.reduce((sum, row) => sum + row.total, 0);
        body.append(line(cell(`${others.length} others`), cell(), cell(number(total))));
      }
      if (bias) body.append(line(cell("bias"), cell(), cell(number(bias))));
      return element("table", {}, element("thead", {}, line(...titles)), body);
    }

    input.addEventListener("input", () => {
      const map = Math.round(input.valueAsNumber) - 1;
      if (map >= 0 && map < current.view.maps) open(current.name, [map, ...current.place.slice(1)]);
    });
    const at = (event) => {
      const box = large.getBoundingClientRect(), { view, place } = current;
      const y = Math.floor(((event.clientY - box.top) / box.height) * view.rows), x = Math.floor(((event.clientX - box.left) / box.width) * view.columns);
      move(view.cellOf(place)[0], y, x);
    };
    large.addEventListener("pointerdown", (event) => { large.setPointerCapture(event.pointerId); at(event); });
    large.addEventListener("pointermove", (event) => event.buttons && at(event));
    large.addEventListener("keydown", (event) => {
      const [map, y, x] = current.view.cellOf(current.place);
      if (event.key in STEPS) move(map, y + STEPS[event.key][0], x + STEPS[event.key][1]);
      else if (event.key === "PageDown" || event.key === "PageUp") {
        const next = map + (event.key === "PageDown" ? 1 : -1);
        if (next >= 0 && next < current.view.maps) open(current.name, [next, y, x]);
      } else return;
      event.preventDefault();
    });
    root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation(); // a page may have plans of its own for it
      root.close();
    });
    root.addEventListener("click", (event) => event.target === root && root.close()); // beside it
    return { root, open, again: () => root.open && open(current.name, current.place) };
  }

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { reading });
})();
