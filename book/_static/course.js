// Regions that scroll sideways (tables, formulas, code) can be reached and moved with the keyboard.
(function () {
  "use strict";
  var regions = [
    ".pst-scrollable-table-container", "div.math", "mjx-container[display='true']", "div.highlight pre", ".cell_output pre",
  ].join(",");

  function update() {
    document.querySelectorAll(regions).forEach(function (region) {
      var scrolls = region.scrollWidth > region.clientWidth + 1;
      if (scrolls && region.tabIndex < 0) {
        region.setAttribute("tabindex", "0");
        region.dataset.courseScrolls = "";
      } else if (!scrolls && "courseScrolls" in region.dataset) {
        region.setAttribute("tabindex", "-1");
        delete region.dataset.courseScrolls;
      }
    });
  }

  function start() {
    update();
    var article = document.querySelector("article");
    if (article && "ResizeObserver" in window) {
      new ResizeObserver(update).observe(article);
    }
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
})();

// A fold opens for a link to what it holds, or to itself; in print all folds stand open, and the page is light.
(function () {
  "use strict";
  function reveal(hash) {
    var target = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
    var closed = false;
    for (var at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS" && !at.open) {
        closed = at.open = true;
      }
    }
    if (closed) {
      target.scrollIntoView();
    }
  }

  function start() {
    reveal(window.location.hash);
    window.addEventListener("hashchange", function () { reveal(window.location.hash); });
    document.addEventListener("click", function (event) {
      var link = event.target.closest && event.target.closest("a[href^='#']");
      if (link) {
        reveal(link.hash); // no hashchange comes where the address is already this one
      }
    });
    var opened = [];
    var shown = document.documentElement.dataset;
    var theme = shown.theme;
    window.addEventListener("beforeprint", function () {
      theme = shown.theme;
      shown.theme = "light";
      opened = Array.from(document.querySelectorAll("details.sd-dropdown:not([open])"));
      opened.forEach(function (fold) { fold.open = true; });
    });
    window.addEventListener("afterprint", function () {
      opened.forEach(function (fold) { fold.open = false; });
      shown.theme = theme;
    });
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
})();

// The search shows excerpts by fetching the pages it found; from file:// a browser refuses that.
if (window.location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
