/* The explorer: an image goes through a network, every map of every layer can be looked at, down to one number, and asked
   is what in the image speaks for a class.

     cnncourse.explore(root, { network: () => description, samples: [{ name, image }, ...] });

   Needs the other scripts of this folder and the engine; the network itself may come later, when it is first used. */
(() => {
  "use strict";

  const { load, run, prepare, probabilities, maps, pictures, reading, ending, gradCam, occlusion } = globalThis.cnncourse;
  const { element, sizeOf, describe, colorsOf, heightOf, placeAt, drawStrip, drawOver } = maps;
  const FEW = 24; // steps of which each has a line of its own
  const BLOCK = /^[^.]+(\.\d+)+(?=\.)/; // of a layer's name, what it shares with the rest of its block: layer1.0 of layer1.0.conv1
  const ANSWERS = 5, PAUSE = 40; // milliseconds after which a long computation lets the page breathe
  const WAYS = [["image", "Image alone"], ["gradCam", "Grad-CAM"], ["occlusion", "Occlusion"]];

  /** Steps as the lines of a list: alone, or the block that they are part of; functions without a name join what they follow. */
  function lines(steps) {
    const found = [];
    for (const step of steps) {
      const block = steps.length > FEW && (BLOCK.exec(step.name)?.[0] ?? (step.name.includes(".") ? undefined : null));
      const last = found.at(-1), next = steps.slice(steps.indexOf(step)).find((each) => BLOCK.test(each.name));
      const within = block === null && last?.block && next && BLOCK.exec(next.name)[0] === last.block; // an addition inside of it
      if (last?.block && (last.block === block || within)) last.steps.push(step);
      else found.push({ block: block || undefined, steps: [step] });
    }
    return found;
  }

  /** Let the page breathe. */
  const breath = () => new Promise((done) => setTimeout(done));

  /** @param {HTMLElement} root
   * @param {{network: () => any, samples: {name: string, image: string}[], heading?: string, hint?: string, now?: boolean,
   *   layers?: boolean, note?: (shares: Float32Array) => string}} options
   * `network` returns what `cnncourse export web` wrote, or a promise of it; it is asked once, when it is first used. Without
   * layers, it's about the answer alone, and there's no occlusion, which asks a large network for too long */
  function explore(root, { network: bring, samples, heading = "h2", hint = "", now = true, layers = true, note }) {
    const title = (text) => element(heading, { className: "explorer-title" }, text);
    let network = null, dialog = null; // the network, and the dialog with one of its maps
    let activations = new Map(), image = null, target = 0, way = "image", turn = 0;
    let colors = colorsOf(root);

    // The page

    const canvas = element("canvas", {
      className: "explorer-image", role: "img", "aria-label": "The image that the network sees: none yet", width: 1, height: 1,
    });
    const offered = layers ? WAYS : WAYS.filter(([key]) => key !== "occlusion");
    const ways = offered.map(([key, text]) => {
      const button = element("button", { type: "button", "aria-pressed": String(key === "image"), disabled: true }, text);
      button.addEventListener("click", () => { way = key; show(); });
      return button;
    });
    const file = element("input", { type: "file", accept: "image/*" });
    const thumbs = samples.map((sample, index) => {
      const button = element("button", { type: "button", "aria-pressed": "false" }, element("img", { src: sample.image, alt: sample.name }));
      button.addEventListener("click", () => choose(index));
      return button;
    });
    const told = element("p", { className: "explorer-told", role: "status" }, hint);
    const take = (bitmap, name) => { press(-1); return see(bitmap, name); }, tell = (text) => { told.textContent = text; };
    const answers = element("ol", { className: "explorer-answer" }), time = element("p", { className: "explorer-time" });
    const list = element("ol", { className: "explorer-layers" }, element("li", { className: "explorer-hint" }, "No image yet."));
    const asking = element("div", { className: "explorer-ways", role: "group", "aria-label": "Where does it look?" }, ...ways);
    root.classList.add("explorer");
    root.append(
      element("div", { className: "explorer-question" },
        element("div", {}, title("Image"), canvas),
        element("div", { className: "explorer-choice" },
          element("div", { className: "explorer-samples", role: "group", "aria-label": "Images to choose from" }, ...thumbs),
          element("p", {}, element("label", { className: "explorer-open" }, file, "Open an image of yours"),
            " or drop or paste one. It stays on this machine."), ...pictures.camera(take, tell),
          asking, told),
        element("div", {}, title("Answer"), answers, time)));
    if (layers) root.append(
      title("Layers"),
      element("p", {}, element("span", { className: "explorer-key" }), " below zero, ", element("span", { className: "explorer-key explorer-high" }),
        " above; where nothing is negative, from black at zero to white. Each layer has a scale of its own. Choose a map, then a number",
        " in it, to read the arithmetic."),
      list);

    async function ready() {
      if (network) return;
      network = load(await bring());
      if (layers) {
        dialog = reading(network, { colors: () => colors, activations: () => activations });
        root.append(dialog.root);
        buildLayers();
      }
      asking.hidden = !ending(network);
      ways.forEach((button) => { button.disabled = false; });
    }

    // Layers

    const strips = new Map(), visible = new Set(); // canvas -> its step; those that are in sight
    const watcher = new IntersectionObserver((entries) => {
      for (const { target: strip, isIntersecting } of entries) {
        if (isIntersecting) visible.add(strip); else visible.delete(strip);
      }
      drawVisible();
    }, { rootMargin: "300px" });

    function drawVisible() {
      for (const strip of visible) {
        const step = strips.get(strip), tensor = activations.get(step.name);
        if (strip.dataset.drawn === "true" || !tensor || !strip.clientWidth) continue;
        strip.dataset.drawn = "true";
        drawStrip(strip, step, tensor, colors);
      }
    }

    function drawAgain() {
      for (const strip of strips.keys()) strip.dataset.drawn = "false";
      drawVisible();
    }

    /** A line of the list: what leads to a layer's maps, and as many of them as there is room for. */
    function lineOf(step, name, text) {
      const button = element("button", { type: "button" }, element("b", {}, name), element("span", {}, text));
      const strip = element("canvas", { "aria-hidden": "true" }); // the button beside it leads to the same
      strip.style.height = `${heightOf(step)}px`;
      button.addEventListener("click", () => dialog.open(step.name));
      strip.addEventListener("click", (event) => {
        const place = placeAt(step, strip, event.offsetX, event.offsetY);
        if (place) dialog.open(step.name, place);
      });
      strips.set(strip, step);
      watcher.observe(strip);
      return [element("div", { className: "explorer-name" }, button), strip];
    }

    function buildLayers() {
      const shown = network.steps.filter((step) => step.op !== "flatten");
      list.replaceChildren(...lines(shown).map(({ block, steps }) => {
        const last = steps.at(-1);
        if (steps.length === 1) return element("li", {}, ...lineOf(last, last.name, describe(last)));
        const inner = element("ol", { hidden: true }, ...steps.map((step) => element("li", {}, ...lineOf(step, step.name, describe(step)))));
        const text = `${steps.length} steps inside`, [name, strip] = lineOf(last, block, `block, ${sizeOf(last)}`);
        const toggle = element("button", { type: "button", className: "explorer-toggle", "aria-expanded": "false", "aria-label": `${text} ${block}` }, text);
        toggle.addEventListener("click", () => {
          inner.hidden = !inner.hidden;
          toggle.setAttribute("aria-expanded", String(!inner.hidden));
        });
        name.append(toggle);
        return element("li", {}, name, strip, inner);
      }));
      new ResizeObserver(drawAgain).observe(list);
    }

    // The image and the answer

    /** Let the network see the part in the middle that has its shape. */
    async function see(source, name) {
      const mine = ++turn;
      try {
        if (!network) await breath(tell("Loading the network …"));
        await ready();
      } catch {
        told.textContent = "The network cannot be loaded.";
        return;
      }
      if (mine !== turn) return; // another image came in between
      const [channels, height, width] = network.steps[0].shape;
      image = pictures.fit(source, width, height, { gray: channels === 1 });
      canvas.setAttribute("aria-label", `The image that the network sees: ${name}`);
      const keep = layers ? () => true : (step) => step === ending(network)?.maps;
      const begin = performance.now(), result = run(network, prepare(network, image.data), { keep }), took = performance.now() - begin;
      activations = result.activations;
      const shares = probabilities(network, result.logits);
      answer(shares);
      const pace = `${took < 10 ? took.toFixed(1) : Math.round(took)} ms, ${network.simd ? "WebAssembly with SIMD" : "JavaScript"}`;
      time.textContent = note ? `${note(shares)} ${pace}.` : pace;
      drawAgain();
      dialog?.again();
      await show();
    }

    function answer(shares) {
      const best = [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, ANSWERS);
      [target] = best;
      answers.replaceChildren(...best.map((index) => {
        const share = element("data", { value: shares[index] }, `${(100 * shares[index]).toFixed(1)}%`);
        const name = element("button", { type: "button", "aria-pressed": String(index === target) }, network.classes[index]);
        name.addEventListener("click", () => {
          target = index;
          [...answers.children].forEach((item, i) => item.firstChild.setAttribute("aria-pressed", String(best[i] === index)));
          if (way === "image") way = "gradCam";
          show();
        });
        const item = element("li", {}, ending(network) ? name : network.classes[index], share);
        item.style.setProperty("--share", `${100 * shares[index]}%`);
        return item;
      }));
    }

    /** Show the image and, where it is asked for, what in it speaks for the class. */
    async function show() {
      ways.forEach((button, i) => button.setAttribute("aria-pressed", String(offered[i][0] === way)));
      if (!image) return;
      if (!ending(network)) way = "image";
      const mine = ++turn, name = network.classes[target];
      let heat, text = "";
      if (way === "gradCam") {
        heat = gradCam(network, activations, target);
        text = heat.some((value) => value > 0) ? `Orange: where the last maps speak for ${name}. The line goes around what is above half of the most.`
          : `Nothing in the last maps speaks for ${name}.`;
      } else if (way === "occlusion") {
        told.textContent = `Covering one part after the other …`;
        const falls = await inBreaths(occlusion(network, image.data, target), mine);
        if (!falls) return;
        const most = falls.reduce((a, b) => Math.max(a, Math.abs(b)), 0), fall = 100 * falls.reduce((a, b) => Math.max(a, b));
        heat = falls.map((value) => value / (most || 1));
        text = `Covered where it is most orange, the image is ${name} with ${fall.toFixed(fall < 1 ? 1 : 0)} points less. Blue: with more.`;
      }
      drawOver(canvas, image, heat, colors);
      told.textContent = text;
    }

    /** Run through a generator in parts; undefined if something else was asked for in between. */
    async function inBreaths(steps, mine) {
      for (let begin = performance.now(); ;) {
        const { done, value } = steps.next();
        if (done) return value;
        if (performance.now() - begin < PAUSE) continue;
        await breath();
        if (mine !== turn) return undefined;
        begin = performance.now();
      }
    }

    async function choose(index) {
      press(index);
      const picture = thumbs[index].firstChild;
      await picture.decode();
      await see(picture, samples[index].name);
    }

    const press = (index) => thumbs.forEach((button, i) => button.setAttribute("aria-pressed", String(i === index)));

    pictures.watch(root, file, take, tell);
    return {
      choose,
      /** Call after a change of the colors. */
      recolor() {
        colors = colorsOf(root);
        drawAgain();
        dialog?.again();
        if (way !== "image") show();
      },
      start: now ? choose(0) : undefined,
    };
  }

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { explore });
})();
