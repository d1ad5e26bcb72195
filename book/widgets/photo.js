/* A photo of one's own through EfficientNet-Lite0, in the page: what it takes it for, how sure it is, and where it looks. */
(() => {
  "use strict";

  const { explore, later, parts, samples } = globalThis.cnncourse;
  const { element, onTheme } = parts;

  /** Between how many classes the network wavers: the chapter's e to the entropy. */
  const choices = (shares) => Math.exp(-shares.reduce((sum, share) => sum + (share > 0 ? share * Math.log(share) : 0), 0));

  /** @param {HTMLElement} root @param {string} title */
  function build(root, title) {
    const { megabytes } = root.parentElement.dataset, inside = element("div", { className: "course-explorer course-photo" });
    root.append(element("p", { className: "course-widget-title" }, title), inside);
    const shown = explore(inside, {
      network: () => later(root), samples: samples.large, heading: "p", now: false, layers: false,
      hint: `Choose a photo. That brings the network, ${megabytes} MB, once; photos go nowhere.`,
      note: (shares) => {
        const count = choices(shares), unsure = count > Math.sqrt(shares.length) && Math.max(...shares) < 2 / 3; // as `predict` has it
        return `${unsure ? "Not sure: it" : "It"} wavers between ${count < 10 ? count.toFixed(1) : Math.round(count)} classes.`;
      },
    });
    onTheme(shown.recolor);
  }

  globalThis.cnncourse.widgets.photo = build;
})();
