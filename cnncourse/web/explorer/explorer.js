/* The page: an image goes through the network, and every map of every layer can be looked at, down to one number. */
(() => {
  "use strict";

  const { load, run, prepare, probabilities, networks, samples, arithmetic, RULES } = globalThis.cnncourse;
  const find = (id) => document.getElementById(id);
  const network = load(networks[document.body.dataset.network]);
  const [channels, height, width] = network.steps[0].shape;
  const CELL = 56, GAP = 6, NUMBER = 8; // CSS pixels: a map of a strip, what lies between, a number of a row
  const LARGE = 420; // of the map in the dialog, at most
  const MOST_TERMS = 4;
  const shown = network.steps.filter((step) => step.op !== "flatten");
  const WORDS = {
    input: "", conv: "convolution", dense: "dense", affine: "scale and shift", max_pool: "max pooling", average_pool: "average pooling",
    mean: "mean of each map", max: "largest of each map", add: "sum", multiply: "product", concatenate: "side by side", pad: "zeros added",
    relu: "ReLU", relu6: "ReLU6", leaky_relu: "leaky ReLU", silu: "SiLU", gelu: "GELU", gelu_tanh: "GELU", sigmoid: "sigmoid", tanh: "tanh",
  };

  /** @type {Map<string, {shape: number[], data: Float32Array}>} */ let activations = new Map();

  // Text

  const number = (value) => (value === 0 ? "0" : Math.abs(value) < 0.001 ? value.toExponential(1) : value.toPrecision(3)).replace("-", "−");
  const element = (tag, text, attributes = {}) => Object.assign(document.createElement(tag), { textContent: text }, attributes);

  function describe({ op, shape, kernel }) {
    const maps = op === "input" ? "channel" : "map";
    const size = shape.length === 1 ? `${shape[0]} numbers` : `${shape[0]} ${maps}${shape[0] > 1 ? "s" : ""} of ${shape[1]} × ${shape[2]}`;
    const window = kernel ? ` ${kernel.join(" × ")}` : "";
    return [`${WORDS[op] ?? op}${window}`, size].filter(Boolean).join(", ");
  }

  // Color

  const channelsOf = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  let colors = {};
  function readColors() {
    const style = getComputedStyle(document.documentElement);
    colors = Object.fromEntries(["zero", "low", "high"].map((name) => [name, channelsOf(style.getPropertyValue(`--${name}`).trim())]));
  }

  /** How the numbers of a layer are colored: gray from zero, or two colors around it. */
  function scaleOf({ data }) {
    let least = Infinity, most = -Infinity;
    for (const value of data) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const largest = Math.max(most, -least) || 1;
    if (least >= 0) return (value) => Array(3).fill((255 * value) / largest);
    const { zero, low, high } = colors;
    return (value) => {
      const share = Math.min(1, Math.abs(value) / largest) ** 0.7, end = value < 0 ? low : high;
      return zero.map((from, i) => from + (end[i] - from) * share);
    };
  }

  /** A layer as pictures: each map, or the numbers of a row as one picture. */
  function viewOf(tensor) {
    const { shape, data } = tensor, scale = scaleOf(tensor), columns = Math.min(shape[0], 32);
    const [maps, rows, width_] = shape.length === 3 ? shape : [1, Math.ceil(shape[0] / columns), columns];
    const picture = (map) => {
      const image = new ImageData(width_, rows);
      for (let i = 0; i < rows * width_; i++) {
        const at = map * rows * width_ + i;
        if (at < data.length) image.data.set([...scale(data[at]), 255], 4 * i);
      }
      const canvas = element("canvas", "", { width: width_, height: rows });
      canvas.getContext("2d").putImageData(image, 0, 0);
      return canvas;
    };
    // where a number of the picture stands in the layer, and back
    const placeOf = (map, y, x) => (shape.length === 3 ? [map, y, x] : [y * columns + x, 0, 0]);
    const cellOf = ([c, y, x]) => (shape.length === 3 ? [c, y, x] : [0, Math.floor(c / columns), c % columns]);
    const exists = (map, y, x) => y >= 0 && x >= 0 && y < rows && x < width_ && (map * rows + y) * width_ + x < data.length;
    return { maps, rows, columns: width_, picture, placeOf, cellOf, exists };
  }

  // Strips

  const strips = new Map(); // canvas -> its step
  const waiting = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) waiting.add(target); else waiting.delete(target);
    }
    drawVisible();
  }, { rootMargin: "300px" });

  function drawVisible() {
    for (const canvas of waiting) if (canvas.dataset.drawn !== "true") drawStrip(canvas);
  }

  function drawAgain() {
    for (const canvas of strips.keys()) canvas.dataset.drawn = "false";
    drawVisible();
  }

  function drawStrip(canvas) {
    const step = strips.get(canvas), tensor = activations.get(step.name), room = canvas.clientWidth;
    if (!tensor || !room) return;
    canvas.dataset.drawn = "true";
    const isRow = step.shape.length === 1, columns = Math.floor(room / NUMBER);
    const high = isRow ? NUMBER * Math.min(8, Math.ceil(step.shape[0] / columns)) : CELL;
    const sharp = window.devicePixelRatio || 1;
    Object.assign(canvas, { width: room * sharp, height: high * sharp });
    canvas.style.height = `${high}px`;
    const context = canvas.getContext("2d");
    context.scale(sharp, sharp);
    if (isRow) {
      const scale = scaleOf(tensor);
      tensor.data.slice(0, columns * 8).forEach((value, i) => {
        context.fillStyle = `rgb(${scale(value).map(Math.round)})`;
        context.fillRect((i % columns) * NUMBER, Math.floor(i / columns) * NUMBER, NUMBER - 1, NUMBER - 1);
      });
      return;
    }
    const view = viewOf(tensor);
    for (let map = 0; map < fitting(step, room); map++) {
      const picture = view.picture(map), larger = Math.max(picture.width, picture.height);
      context.imageSmoothingEnabled = larger > CELL;
      const [w, h] = [picture.width, picture.height].map((side) => (side / larger) * CELL);
      context.drawImage(picture, map * (CELL + GAP) + (CELL - w) / 2, (CELL - h) / 2, w, h);
    }
  }

  const fitting = (step, room) => Math.min(step.shape[0], Math.floor((room + GAP) / (CELL + GAP)));

  function buildLayers() {
    for (const step of shown) {
      const item = document.createElement("li"), button = document.createElement("button"), canvas = document.createElement("canvas");
      button.append(element("b", step.name), element("span", describe(step)));
      button.addEventListener("click", () => open(step.name));
      canvas.setAttribute("aria-hidden", "true"); // the button beside it leads to the same
      canvas.style.height = step.shape.length === 1 ? `${2 * NUMBER}px` : `${CELL}px`;
      canvas.addEventListener("click", (event) => {
        const isRow = step.shape.length === 1, columns = Math.floor(canvas.clientWidth / NUMBER);
        const at = isRow ? Math.floor(event.offsetY / NUMBER) * columns + Math.floor(event.offsetX / NUMBER) : Math.floor(event.offsetX / (CELL + GAP));
        if (at < (isRow ? step.shape[0] : fitting(step, canvas.clientWidth))) open(step.name, isRow ? [at, 0, 0] : [at]);
      });
      item.append(button, canvas);
      find("layers").append(item);
      strips.set(canvas, step);
      watcher.observe(canvas);
    }
  }

  // The image and the answer

  const canvas = find("image"), pen = canvas.getContext("2d", { willReadFrequently: true });
  Object.assign(canvas, { width, height });

  /** Show the largest part in the middle that has the network's shape, and let the network see it. */
  function see(source, name) {
    const w = source.naturalWidth || source.width, h = source.naturalHeight || source.height;
    const part = Math.min(w / width, h / height), [sw, sh] = [width * part, height * part];
    pen.imageSmoothingQuality = "high";
    pen.fillStyle = "#fff"; // under what is transparent
    pen.fillRect(0, 0, width, height);
    pen.drawImage(smaller(source, (w - sw) / 2, (h - sh) / 2, sw, sh), 0, 0, width, height);
    canvas.setAttribute("aria-label", `The image that the network sees: ${name}`);
    const { data } = pen.getImageData(0, 0, width, height);
    if (channels === 1) {
      for (let i = 0; i < data.length; i += 4) data.fill(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2], i, i + 3);
      pen.putImageData(new ImageData(data, width, height), 0, 0);
    }
    const begin = performance.now();
    const result = run(network, prepare(network, data));
    const took = performance.now() - begin;
    activations = result.activations;
    answer(probabilities(network, result.logits));
    find("time").textContent = `${took < 10 ? took.toFixed(1) : Math.round(took)} ms, ${network.simd ? "WebAssembly with SIMD" : "JavaScript"}`;
    find("told").textContent = "";
    drawAgain();
    if (find("map").open) open(current.name, current.place);
  }

  /** A part of a picture, halved until one more step does the rest: browsers skip pixels otherwise. */
  function smaller(source, x, y, w, h) {
    let from = source, rest = [x, y, w, h];
    do {
      const size = [Math.max(width, Math.ceil(rest[2] / 2)), Math.max(height, Math.ceil(rest[3] / 2))];
      const next = element("canvas", "", rest[2] <= 2 * width ? { width: Math.round(rest[2]), height: Math.round(rest[3]) } : { width: size[0], height: size[1] });
      const context = next.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(from, ...rest, 0, 0, next.width, next.height);
      [from, rest] = [next, [0, 0, next.width, next.height]];
    } while (rest[2] > 2 * width);
    return from;
  }

  function answer(shares) {
    const best = [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, 5);
    find("answer").replaceChildren(...best.map((index) => {
      const item = element("li", network.classes[index]);
      item.style.setProperty("--share", `${100 * shares[index]}%`);
      item.append(element("data", `${(100 * shares[index]).toFixed(1)}%`, { value: shares[index] }));
      return item;
    }));
  }

  async function choose(index) {
    const buttons = [...find("samples").children];
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === index)));
    const image = buttons[index].firstChild;
    await image.decode();
    see(image, samples[index].name);
  }

  async function take(file) {
    if (!file) return;
    try {
      const picture = await createImageBitmap(file);
      [...find("samples").children].forEach((button) => button.setAttribute("aria-pressed", "false"));
      see(picture, file.name || "yours");
      picture.close();
    } catch {
      find("told").textContent = `${file.name || "This"} is no picture that this browser can read.`;
    }
  }

  function listen() {
    find("file").addEventListener("change", (event) => {
      take(event.target.files[0]);
      event.target.value = ""; // the same file may be chosen again
    });
    document.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
    let inside = 0;
    document.addEventListener("dragenter", () => document.body.classList.toggle("over", ++inside > 0));
    document.addEventListener("dragleave", () => document.body.classList.toggle("over", --inside > 0));
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.toggle("over", false);
      inside = 0;
      take(event.dataTransfer.files[0]);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      readColors();
      drawAgain();
      if (find("map").open) drawLarge();
    });
    new ResizeObserver(drawAgain).observe(find("layers"));
  }

  // One map, and one number of it

  const large = find("large");
  let current = { name: "", place: [0, 0, 0], view: null, picture: null };

  /** @param {string} name @param {number[]} [place] [c, y, x]; in the middle of the map if it says c alone */
  function open(name, [c = 0, y, x] = []) {
    const step = network.steps.find((each) => each.name === name), view = viewOf(activations.get(name));
    const isRow = step.shape.length === 1;
    const place = isRow ? [c, 0, 0] : [c, y ?? Math.floor(view.rows / 2), x ?? Math.floor(view.columns / 2)];
    current = { name, place, view, picture: view.picture(view.cellOf(place)[0]) };
    find("map-heading").textContent = `${name}: ${describe(step)}`;
    document.querySelector(".which").hidden = isRow || view.maps === 1;
    Object.assign(find("number"), { max: view.maps, value: c + 1 });
    find("of").textContent = `of ${view.maps}`;
    drawLarge();
    if (!find("map").open) {
      find("map").showModal();
      large.focus();
    }
  }

  function drawLarge() {
    const { view, place, picture } = current, [, y, x] = view.cellOf(place);
    const most = Math.min(LARGE, window.innerWidth - 60), side = Math.max(1, Math.min(28, most / Math.max(view.columns, view.rows)));
    const sharp = window.devicePixelRatio || 1;
    Object.assign(large, { width: view.columns * side * sharp, height: view.rows * side * sharp });
    Object.assign(large.style, { width: `${view.columns * side}px`, height: `${view.rows * side}px` });
    const context = large.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, 0, 0, large.width, large.height);
    const cell = side * sharp;
    for (const [color, line] of [["#000", 4], ["#fff", 2]]) {
      Object.assign(context, { strokeStyle: color, lineWidth: line });
      context.strokeRect(x * cell, y * cell, cell, cell);
    }
    tell();
  }

  function move(map, y, x) {
    if (!current.view.exists(map, y, x)) return;
    current.place = current.view.placeOf(map, y, x);
    drawLarge();
  }

  const placed = ([c, y, x], isRow) => (isRow ? `number ${c + 1}` : `row ${y + 1}, column ${x + 1}`);

  /** Say where we are, the number there, and how it was made. */
  function tell() {
    const { name, place } = current, tensor = activations.get(name), isRow = tensor.shape.length === 1;
    const [, h = 1, w = 1] = tensor.shape, value = tensor.data[(place[0] * h + place[1]) * w + place[2]];
    const { rule, terms, bias } = arithmetic(network, activations, name, place);
    const last = network.steps.at(-1).name === name ? ` (${network.classes[place[0]]})` : "";
    find("where").replaceChildren(element("b", number(value)), ` at ${placed(place, isRow)}${last}`, document.createElement("br"), words(rule, terms, bias, value, place[0]));
    find("terms").replaceChildren(...(terms.length ? [table(rule, terms, bias)] : []));
  }

  function words(rule, terms, bias, value, channel) {
    const one = terms.length ? number(terms[0].value) : "";
    if (rule === "image") {
      const mean = network.mean[channel % network.mean.length], std = network.std[channel % network.std.length];
      return `The pixel is ${Math.round(255 * (value * std + mean))} of 255: (${number(value * std + mean)} − ${number(mean)}) / ${number(std)}`;
    }
    if (rule === "sum" && terms.length === 1 && bias) return `${one} × ${number(terms[0].weight ?? 1)} + ${number(bias)}`;
    if (rule === "sum") return `A sum of ${terms.length} ${terms[0]?.weight === undefined ? "numbers" : "products"}${bias ? ` and the bias ${number(bias)}` : ""}`;
    if (rule === "product") return "A product of two numbers";
    if (rule === "largest") return `The largest of ${terms.length} numbers`;
    if (rule === "copy") return terms.length ? "The same number as before" : "A zero of the padding";
    if (rule === "relu") return `max(0, ${one})`;
    if (rule === "relu6") return `min(6, max(0, ${one}))`;
    return `${WORDS[rule] ?? rule} of ${one}`;
  }

  /** What a number was made of: map by map, the weightiest first; a name leads to where that number came from. */
  function table(rule, terms, bias) {
    const groups = new Map();
    for (const term of terms) {
      const key = `${term.name}/${activations.get(term.name).shape.length === 3 ? term.place[0] : term.place}`;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(term);
    }
    const worth = (group) => (rule === "largest" ? Math.max(...group.map((term) => term.value))
      : group.reduce((total, { value, weight = 1 }) => total + value * weight, 0));
    const rows = [...groups.values()].map((group) => ({ group, total: worth(group) }));
    rows.sort((a, b) => Math.abs(b.total) - Math.abs(a.total));
    const result = document.createElement("table"), head = document.createElement("thead"), body = document.createElement("tbody");
    const line = (...cells) => {
      const row = document.createElement("tr");
      row.append(...cells);
      return row;
    };
    head.append(line(element("th", "from"), element("th", "numbers"), element("th", { largest: "largest", sum: "sum" }[rule] ?? "")));
    for (const { group, total } of rows.slice(0, MOST_TERMS)) {
      const first = group[Math.floor(group.length / 2)], isRow = activations.get(first.name).shape.length === 1;
      const from = document.createElement("td"), numbers = document.createElement("td");
      const button = element("button", isRow ? `${first.name}, number ${first.place[0] + 1}` : `${first.name}, map ${first.place[0] + 1}`);
      button.addEventListener("click", () => { open(first.name, first.place); large.focus(); });
      from.append(button);
      const some = group.slice(0, 25).map(({ value, weight }) => (weight === undefined ? number(value) : `${number(value)}·${number(weight)}`));
      numbers.append(element("code", some.join(rule === "largest" ? ", " : " + ") + (group.length > 25 ? " …" : "")));
      body.append(line(from, numbers, element("td", rule in RULES && rule !== "copy" ? number(total) : "")));
    }
    const others = rows.slice(MOST_TERMS);
    if (others.length) {
      const total = rule === "largest" ? Math.max(...others.map((row) => row.total)) : others.reduce((all, row) => all + row.total, 0);
      body.append(line(element("td", `${others.length} others`), element("td", ""), element("td", number(total))));
    }
    if (bias) body.append(line(element("td", "bias"), element("td", ""), element("td", number(bias))));
    result.append(head, body);
    return result;
  }

  function listenToMap() {
    find("number").addEventListener("input", ({ target }) => {
      const map = Math.round(target.valueAsNumber) - 1;
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
      const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
      const [map, y, x] = current.view.cellOf(current.place);
      if (event.key in steps) move(map, y + steps[event.key][0], x + steps[event.key][1]);
      else if (event.key === "PageDown" || event.key === "PageUp") {
        const next = map + (event.key === "PageDown" ? 1 : -1);
        if (next >= 0 && next < current.view.maps) open(current.name, [next, y, x]);
      } else return;
      event.preventDefault();
    });
    find("map").addEventListener("click", (event) => event.target === find("map") && find("map").close()); // beside it
  }

  readColors();
  buildLayers();
  listen();
  listenToMap();
  samples.forEach(({ name, image }, index) => {
    const button = document.createElement("button");
    button.append(element("img", "", { src: image, alt: name }));
    button.addEventListener("click", () => choose(index));
    find("samples").append(button);
  });
  choose(0);
})();
