/* A walk down a stretched valley: drag the start and the learning rate, and read the arithmetic of each step. */
(() => {
  "use strict";

  const { parts, optimizers } = globalThis.cnncourse;
  const { element, svg, slider, choice, button, board, figures: text } = parts;
  const { walk, loss, KEEP, KEEP_SQUARES } = optimizers;
  const STEPS = 60;
  const FLAT = 1; // the curvature along the floor
  const UNITS = [10, 30]; // of the drawing, for 1 along the floor and 1 across: the chapter's figure is stretched as well
  const SIZE = [240, 80];
  const FAR = 1e4; // units: further out, nothing is drawn
  const PACE = 130; // milliseconds a step
  const RULES = { sgd: "SGD", momentum: "momentum", adam: "Adam" };

  const factor = (value) => (value < 0 ? `(${text(value)})` : text(value));
  const plus = (value) => (value < 0 ? ` − ${text(-value)}` : ` + ${text(value)}`);

  /** Rates of two figures, from a thousandth to 0.3; Adam's steps, which no gradient makes longer, may be ten times as large. */
  const RATES = [0.001, 0.01, 0.1].flatMap((decade) => Array.from({ length: 90 }, (_, i) => Number(((10 + i) * decade / 10).toFixed(5))))
    .filter((rate) => rate <= 0.3);
  const rateOf = (rule, place) => (rule === "adam" ? Number((10 * RATES[place]).toFixed(4)) : RATES[place]);

  /** What a rule computes for one weight, line by line: its name, and the arithmetic with the numbers of a step. */
  const LINES = {
    gradient: ["gradient", ({ weight, gradient }, { curvature }) => `${curvature}·${factor(weight)} = ${text(gradient)}`],
    velocity: ["velocity", ({ velocity, gradient }, { before }) => `${KEEP}·${factor(before.velocity ?? 0)}${plus(gradient)} = ${text(velocity)}`],
    mean: ["mean", ({ mean, gradient }, { before }) => `${KEEP}·${factor(before.mean ?? 0)} + ${text(1 - KEEP)}·${factor(gradient)} = ${text(mean)}`],
    squares: ["mean of squares", ({ squares, gradient }, { before }) =>
      `${KEEP_SQUARES}·${text(before.squares ?? 0)} + ${text(1 - KEEP_SQUARES)}·${factor(gradient)}² = ${text(squares)}`],
    fairMean: ["mean, corrected", ({ mean, fairMean }, { count }) => `${text(mean)} / ${text(1 - KEEP ** count)} = ${text(fairMean)}`],
    fairSquares: ["squares, corrected", ({ squares, fairSquares }, { count }) =>
      `${text(squares)} / ${text(1 - KEEP_SQUARES ** count)} = ${text(fairSquares)}`],
    update: ["update", (step, { rate }) => `−${rate}·${"fairMean" in step ? `${factor(step.fairMean)} / √${text(step.fairSquares)}`
      : factor(step.velocity ?? step.gradient)} = ${text(step.update)}`],
    next: ["new weight", ({ weight, update, next }) => `${text(weight)}${plus(update)} = ${text(next)}`],
  };

  /** @param {HTMLElement} root @param {string} title */
  function build(root, title) {
    const state = { rule: "sgd", places: { sgd: 40, momentum: 40, adam: 90 }, across: 100, start: [10, 1], at: 0 };
    const say = parts.announcer(root);
    const rate = () => rateOf(state.rule, state.places[state.rule]);
    const curvature = () => [FLAT, state.across];
    let steps = walk(state.rule, { start: state.start, curvature: curvature(), rate: rate(), steps: STEPS });
    let pressed = false, clock = 0;

    // The valley

    const most = SIZE.map((size, axis) => size / 2 / UNITS[axis]);
    const move = (start) => {
      state.start = start.map((weight, axis) => Number(Math.max(-most[axis], Math.min(most[axis], weight)).toFixed(1 + axis)));
      update();
    };
    const valley = board({
      label: "The valley from above: the arrow keys move the start", fine: true,
      at(y, x, event) {
        if (event.type === "pointerdown") pressed = true;
        if (pressed) move([(x - SIZE[0] / 2) / UNITS[0], (SIZE[1] / 2 - y) / UNITS[1]]);
      },
      leave() { pressed = false; },
      step: (rows, columns) => move([state.start[0] + columns / 2, state.start[1] - rows / 20]),
    });
    valley.root.classList.add("course-valley");

    /** From weights to places of the drawing. */
    const place = (weights) => weights.map((weight, axis) => SIZE[axis] / 2
      + Math.max(-FAR, Math.min(FAR, (axis ? -1 : 1) * weight * UNITS[axis])));
    const line = (name, places) => svg("polyline", { class: name, points: places.map((each) => each.join()).join(" ") });

    function draw() {
      const places = [state.start, ...steps.map((step) => step.map((weight) => weight.next))].map(place), [x, y] = SIZE.map((size) => size / 2);
      const rings = Array.from({ length: 8 }, (_, i) => svg("ellipse", {
        class: "course-ring", cx: x, cy: y, rx: 3 * (i + 1) * UNITS[0] / Math.sqrt(FLAT), ry: (3 * (i + 1) * UNITS[1]) / Math.sqrt(state.across),
      }));
      valley.mark(...rings,
        svg("path", { class: "course-bottom", d: `M${x - 4} ${y}h8M${x} ${y - 4}v8` }),
        svg("text", { x: SIZE[0] - 3, y: y + 2, "text-anchor": "end" }, "w₀"), svg("text", { x, y: 7, "text-anchor": "middle" }, "w₁"),
        line("course-walk", places),
        svg("path", { class: "course-walk course-dots", d: places.map((each) => `M${each.join(" ")}h0`).join("") }),
        svg("circle", { class: "course-start", cx: places[0][0], cy: places[0][1], r: 3 }),
        line("course-step", places.slice(state.at, state.at + 2)),
        svg("path", { class: "course-step course-dots", d: `M${places[state.at + 1].join(" ")}h0` }));
    }

    // What is written

    const verdict = element("p", { className: "course-verdict" }), caption = element("figcaption"), factors = element("p");
    const head = element("th", { scope: "col" });
    const rows = element("tbody");

    function tell() {
      const end = steps[STEPS - 1].map((weight) => weight.next), away = text(Math.hypot(...end));
      const lost = !(loss(end, curvature()) <= loss(state.start, curvature()));
      const words = lost ? `It runs away: after ${STEPS} steps it's ${away} from the bottom.` : `After ${STEPS} steps it's ${away} from the bottom.`;
      verdict.replaceChildren(element("b", {}, words));
      caption.textContent = `Lines of equal loss, drawn ${UNITS[1] / UNITS[0]} times as large across. The walk starts at w₀ = ${
        text(state.start[0])}, w₁ = ${text(state.start[1])}; press or drag to move its start.`;
      return words;
    }

    function write() {
      const step = steps[state.at], before = steps[state.at - 1] ?? [{}, {}];
      head.textContent = `Step ${state.at + 1}`;
      const names = Object.keys(LINES).filter((name) => name in step[0]);
      rows.replaceChildren(...names.map((name) => element("tr", {}, element("th", { scope: "row" }, LINES[name][0]), ...step.map((weight, axis) =>
        element("td", {}, LINES[name][1](weight, { before: before[axis], curvature: curvature()[axis], rate: rate(), count: state.at + 1 }))))));
      factors.textContent = state.rule !== "sgd" ? "" : `So each step of SGD multiplies w₀ by ${curvature().map((each) =>
        `1 − ${rate()}·${each} = ${text(1 - rate() * each)}`).join(" and w₁ by ")}.`;
    }

    // Controls

    const pace = slider({
      label: "Step", min: 1, max: STEPS, value: 1, text: (count) => `${count} of ${STEPS}`,
      change: (count) => { stop(); to(count - 1); },
    });
    const to = (at) => { state.at = at; draw(); write(); };
    const next = () => {
      to((state.at + 1) % STEPS);
      pace.set(state.at + 1);
    };
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches; // then a press is a step
    const stop = () => {
      clearInterval(clock);
      clock = 0;
      play.textContent = still ? "Next" : "Play";
    };
    const play = button("", () => {
      if (still) next();
      else if (clock) stop();
      else {
        play.textContent = "Pause";
        next();
        clock = setInterval(() => {
          if (play.isConnected && state.at < STEPS - 1) next();
          else stop();
        }, PACE);
      }
    });
    const speed = slider({
      label: "Learning rate", min: 0, max: RATES.length - 1, value: state.places.sgd, text: (at) => String(rateOf(state.rule, at)),
      change: (at) => { state.places[state.rule] = at; update(); },
    });

    /** After a change of anything but the step. */
    function update() {
      steps = walk(state.rule, { start: state.start, curvature: curvature(), rate: rate(), steps: STEPS });
      draw();
      write();
      const words = tell();
      if (root.contains(document.activeElement)) say(`${RULES[state.rule]} at ${rate()}. ${words}`);
    }

    const ground = () => {
      const { zero } = parts.colorsOf(root), size = [SIZE[1], SIZE[0]];
      valley.draw(new Float32Array(SIZE[0] * SIZE[1]), size, () => zero);
      draw();
    };
    root.append(
      element("p", { className: "course-widget-title" }, title),
      element("div", { className: "course-row course-row-valley" },
        speed,
        choice({
          label: "Rule", options: Object.entries(RULES), value: state.rule,
          change: (rule) => { state.rule = rule; speed.set(state.places[rule]); update(); },
        }),
        choice({
          label: "Curvature across", options: ["10", "25", "50", "100"].map((each) => [each, each]), value: "100",
          change: (across) => { state.across = Number(across); update(); },
        })),
      element("figure", {}, valley.root, caption),
      verdict,
      element("div", { className: "course-row course-row-steps" }, pace, play),
      element("div", { className: "course-step-written" },
        element("table", { className: "course-arithmetic" },
          element("thead", {}, element("tr", {}, head, ...["w₀, along the floor", "w₁, across"].map((name) => element("th", { scope: "col" }, name)))),
          rows),
        factors));
    stop();
    ground();
    update();
    parts.onTheme(ground);
  }

  globalThis.cnncourse.widgets.valley = build;
})();
