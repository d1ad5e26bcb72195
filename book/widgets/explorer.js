/* The explorer of `cnncourse export web`, in a chapter: ResNet-20, which comes when an image is chosen. */
(() => {
  "use strict";

  const { explore, later, parts, samples } = globalThis.cnncourse;
  const { element, onTheme } = parts;

  /** @param {HTMLElement} root @param {string} title */
  function build(root, title) {
    const { megabytes } = root.parentElement.dataset, inside = element("div", { className: "course-explorer" });
    root.append(element("p", { className: "course-widget-title" }, title), inside);
    const shown = explore(inside, {
      network: () => later(root), samples: samples.small, heading: "p", now: false,
      hint: `Choose an image. That brings the network, ${megabytes} MB, and every map of it.`,
    });
    onTheme(shown.recolor);
  }

  globalThis.cnncourse.widgets.explorer = build;
})();
