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

// The search shows excerpts by fetching the pages it found; from file:// a browser refuses that.
if (window.location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
