/* Puts each widget of a page into its place when a reader comes near it, with the scripts that the place names.
   Until then, and wherever a script cannot run, the page shows what stands there. */
(() => {
  "use strict";

  const NEAR = "500px"; // below and above the window
  /** @type {Map<string, Promise<void>>} */ const loading = new Map();

  /** Add a classic script, once: from file:// a browser refuses modules and fetch. @param {string} address */
  function load(address) {
    if (!loading.has(address)) {
      loading.set(address, new Promise((resolve, reject) => {
        const script = Object.assign(document.createElement("script"), { src: address, async: false }); // in order
        script.addEventListener("load", () => resolve());
        script.addEventListener("error", () => {
          loading.delete(address); // it may be asked for again
          reject(new Error(`${address} cannot be loaded`));
        });
        document.head.append(script);
      }));
    }
    return loading.get(address);
  }

  /** @param {HTMLElement} place */
  async function start(place) {
    const { widget, title, scripts } = place.dataset, live = document.createElement("div");
    await Promise.all(scripts.split(" ").map(load));
    live.className = "course-widget-live";
    live.setAttribute("role", "group");
    live.setAttribute("aria-label", title);
    place.append(live);
    try {
      globalThis.cnncourse.widgets[widget](live, title);
      place.classList.add("course-widget-ready"); // the style hides what stood there
    } catch (error) {
      live.remove();
      throw error;
    }
  }

  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      start(target);
    }
  }, { rootMargin: NEAR });
  /** Load the network of a widget, which its place names, when it is first used. @param {HTMLElement} live @returns {Promise<object>} */
  const later = async (live) => {
    const { later: address } = live.parentElement.dataset, [, name] = /([^/]+)\.js/.exec(address);
    await load(address);
    return globalThis.cnncourse.networks[name];
  };
  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { later });

  document.querySelectorAll("[data-widget]").forEach((place) => watcher.observe(place));
})();
