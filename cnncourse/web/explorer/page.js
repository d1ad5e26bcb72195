/* The page of a network: the explorer, in the colors of the system. */
(() => {
  "use strict";

  const { explore, networks, samples } = globalThis.cnncourse;
  const shown = explore(document.getElementById("explorer"), { network: () => networks[document.body.dataset.network], samples });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", shown.recolor);
})();
