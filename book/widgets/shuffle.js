/* A digit whose pixels change places, for a reader and for a dense layer. */
(() => {
  "use strict";

  const { parts, shuffling, dense } = globalThis.cnncourse;
  const { element, slider, toggle, button, board, grays, around } = parts;
  const PIXELS = dense.side ** 2, WHITE = 255;
  const LARGEST = Math.max(...dense.weights.flat().map(Math.abs));
  const hundredths = (value) => (Math.round(100 * value) / 100 + 0).toFixed(2).replace("-", "−");

  /** @param {HTMLElement} root @param {string} title */
  function build(root, title) {
    const state = { which: 0, share: 0, along: true };
    const say = parts.announcer(root);
    const figure = (label) => {
      const shown = board({ label }), caption = element("figcaption");
      return { shown, caption, root: element("figure", {}, shown.root, caption) };
    };
    const digit = figure("The digit"), unit = figure("The weights of one unit");
    const rows = dense.weights.map((_, name) => element("li", {}, element("b", {}, String(name)), element("span")));
    const bars = element("ol", { className: "course-bars", "aria-label": "Scores of the ten units" }, ...rows);
    const change = element("p", { className: "course-note" });

    function show() {
      const { which, share, along } = state, pixels = dense.images[which];
      const from = shuffling.moves(dense.order, Math.round((PIXELS * share) / 100)), after = shuffling.moved(pixels, from);
      const weights = along ? dense.weights.map((row) => shuffling.moved(row, from)) : dense.weights;
      const before = shuffling.scores(pixels, dense.weights, dense.bias), now = shuffling.scores(after, weights, dense.bias);
      const best = now.indexOf(Math.max(...now)), most = Math.max(...now.map((score, i) => Math.abs(score - before[i])));
      const off = Math.round(shuffling.offBy(after, dense.side)), size = [dense.side, dense.side];
      digit.shown.draw(after, size, grays(0, WHITE));
      unit.shown.draw(weights[best], size, around(parts.colorsOf(root), LARGEST));
      digit.caption.replaceChildren(element("b", {}, "the digit"), `the neighbors' guess is off by ${off} gray levels`);
      unit.caption.replaceChildren(element("b", {}, `weights of unit ${best}`), "orange for, blue against");
      rows.forEach((row, i) => {
        row.className = i === best ? "course-best" : "";
        row.style.setProperty("--share", `${100 * Math.max(0, Math.min(1, now[i]))}%`);
        row.lastChild.textContent = hundredths(now[i]);
      });
      change.textContent = most < 1e-9 ? "No score has changed." : `Scores have changed by up to ${hundredths(most)}.`;
      if (root.contains(document.activeElement)) say(`The dense layer says ${best}. ${change.textContent} The neighbors' guess is off by ${off} gray levels.`);
    }

    const controls = element("div", { className: "course-pair" },
      slider({
        label: "Pixels that have moved:", min: 0, max: 100, step: 10, value: state.share, text: (share) => `${share}%`,
        change: (share) => { state.share = share; show(); },
      }),
      element("div", { className: "course-buttons" },
        button("Another digit", () => { state.which = (state.which + 1) % dense.images.length; show(); }),
        toggle({ label: "weights move along", checked: true, change: (along) => { state.along = along; show(); } })));
    root.append(
      element("p", { className: "course-widget-title" }, title), controls,
      element("div", { className: "course-shuffle" }, digit.root, unit.root, element("div", {}, bars, change)));
    show();
    parts.onTheme(show);
  }

  globalThis.cnncourse.widgets.shuffle = build;
})();
