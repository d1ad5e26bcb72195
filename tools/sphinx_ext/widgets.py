"""Widgets: what a reader can use on a page, and what stands in its place where scripts do not run.

The scripts lie in ``book/widgets``; those that hold data are made here, of the package, and never committed.
"""

import json
import shutil
import zlib
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.addnodes import only
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri
from sphinx.writers.html5 import HTML5Translator

from tools.fingerprint import data_name, package_files
from tools.sphinx_ext import widget_data, widget_networks
from tools.sphinx_ext.addresses import read_addresses

SOURCES = Path("book", "widgets")
FOLDER = "_static/widgets"
LOADER, STYLE = "widgets.js", "widgets.css"
ENGINE = ("simd.js", "engine.js")
EXPLORER = ("arithmetic.js", "evidence.js", "maps.js", "pictures.js", "reading.js", "explore.js")
SCRIPTS = {  # what each widget needs before it, in this order
    "draw-digit": (*ENGINE, "lenet5.js", "shared.js", "strokes.js"),
    "convolution": ("pixels.js", "shared.js", "windows.js"),
    "pooling": ("pixels.js", "shared.js", "windows.js"),
    "valley": ("shared.js", "optimizers.js"),
    "explorer": (*ENGINE, *EXPLORER, "small.js", "shared.js"),
    "aliasing": ("wall.js", "shared.js", "thinning.js"),
    "shuffle": ("digits.js", "shared.js", "shuffling.js"),
    "receptive-field": ("layers.js", "shared.js", "fields.js"),
    "thirty-layers": ("shared.js", "stack.js"),
    "photo": (*ENGINE, *EXPLORER, "large.js", "shared.js"),
}
LATER = {
    "explorer": "resnet20.js",
    "photo": "efficientnet_lite0.js",
}  # the network of a widget that is loaded when it is first used
STYLES = {"explorer": ("explorer.css",), "photo": ("explorer.css",)}  # besides the one of all


class Widget(nodes.General, nodes.Element):
    """The place of a widget; its children stand there until it is loaded, and where it never is."""


class WidgetDirective(SphinxDirective):
    """``{widget} name``: a title, and as content the figure or text for where no script runs."""

    required_arguments = 1
    has_content = True
    option_spec = {"title": directives.unchanged_required}  # noqa: RUF012  (the base class declares it so)

    def run(self) -> list[nodes.Node]:
        """Make the place of a widget, with its content and, for other formats than HTML, a link."""
        (name,) = self.arguments
        title = " ".join(self.options.get("title", "").split())
        if name not in SCRIPTS:
            raise self.error(f"there is no widget {name!r}; there are {', '.join(SCRIPTS)}")
        if not title:
            raise self.error("a widget needs a :title: that says what can be done with it")
        if not any(line.strip() for line in self.content):
            raise self.error(
                "a widget needs content: the figure or text that stands there where no script runs"
            )
        widget = Widget("", name=name, title=title, ids=[anchor(name)])
        self.set_source_info(widget)
        self.state.nested_parse(self.content, self.content_offset, widget)
        address = f"{read_addresses(Path(self.env.srcdir)).pages}/{self.env.docname}.html#{anchor(name)}"
        link = nodes.reference("", "Use it on the page", refuri=address)
        widget += only("", nodes.paragraph("", "", link), expr="not html")
        return [widget]


def anchor(name: str) -> str:
    """Return the anchor of a widget on its page."""
    return f"widget-{name}"


def visit_widget(translator: HTML5Translator, node: Widget) -> None:
    """Open the place of a widget; the addresses of its scripts are in it."""
    builder, name = translator.builder, node["name"]
    here = builder.get_target_uri(builder.current_docname)

    def address(script: str) -> str:
        content = Path(builder.outdir, FOLDER, script).read_bytes()
        return f"{relative_uri(here, f'{FOLDER}/{script}')}?v={zlib.crc32(content):08x}"

    scripts = " ".join(map(address, (*SCRIPTS[name], f"{name}.js")))
    attributes = {"data-widget": name, "data-title": node["title"], "data-scripts": scripts}
    if name in LATER:
        size = Path(builder.outdir, FOLDER, LATER[name]).stat().st_size
        attributes |= {"data-later": address(LATER[name]), "data-megabytes": f"{size / 1e6:.1f}"}
    translator.body.append(translator.starttag(node, "div", CLASS="course-widget", **attributes))
    translator.body.append('<div class="course-widget-fallback">\n')


def depart_widget(translator: HTML5Translator, node: Widget) -> None:
    """Close it."""
    translator.body.append("</div></div>\n")


def pass_through(translator: nodes.NodeVisitor, node: Widget) -> None:
    """Leave what stands in the place of a widget as it is."""


def add_loader(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give the loader and the style to the pages that have a widget, and to no other."""
    names = [widget["name"] for widget in doctree.findall(Widget)] if doctree is not None else []
    if names:
        app.add_js_file(f"widgets/{LOADER}", loading_method="defer")
        for style in dict.fromkeys([STYLE, *(style for name in names for style in STYLES.get(name, ()))]):
            app.add_css_file(f"widgets/{style}")


def lenet5() -> str:
    """Return the shipped LeNet-5 as `cnncourse export web` writes it."""
    from cnncourse.models import load_trained
    from cnncourse.web import for_web

    return for_web(load_trained("lenet5")).script("lenet5")


def pixels() -> str:
    """Return the images and kernels that widgets show: gray, from 0 to 255, each with its shape."""
    from cnncourse.convolution import KERNELS
    from cnncourse.data import load_photo

    images = {  # photograph, its size, and the rows and columns that are shown
        "camera": ("camera", 128, slice(17, 57), slice(42, 82)),
        "cat": ("cat", 160, slice(46, 94), slice(40, 104)),
    }
    shown = {}
    for name, (photo, size, rows, columns) in images.items():
        values = (255 * load_photo(photo, size=size, gray=True)[rows, columns]).round().astype(int)
        shown[name] = {"shape": values.shape, "data": values.ravel().tolist()}
    kernels = {name: kernel.ravel().tolist() for name, kernel in KERNELS.items()}
    made = json.dumps({"images": shown, "kernels": kernels}, separators=(",", ":"))
    return f"globalThis.cnncourse = Object.assign(globalThis.cnncourse || {{}}, {made});\n"


MADE: dict[str, Callable[[], str]] = {
    "lenet5.js": lenet5,
    "pixels.js": pixels,
    "resnet20.js": partial(widget_networks.network, "resnet20"),
    "small.js": widget_networks.small_images,
    "wall.js": widget_data.wall,
    "digits.js": widget_data.digits,
    "layers.js": widget_data.layers,
    "efficientnet_lite0.js": partial(widget_networks.network, "efficientnet_lite0", "mixed"),
    "large.js": widget_networks.large_images,
}


def write_scripts(app: Sphinx) -> None:
    """Put all scripts beside the pages; those with data are made anew when the package has changed."""
    sources, folder = Path(app.srcdir) / SOURCES, Path(app.outdir, FOLDER)
    if app.builder.format != "html" or not sources.is_dir():
        return
    import cnncourse

    package = Path(str(cnncourse.__file__)).parent
    folder.mkdir(parents=True, exist_ok=True)
    own = [package / "web" / "engine" / name for name in ENGINE]
    own += [package / "web" / "explorer" / name for name in (*EXPLORER, "explorer.css")]
    for path in (*sources.iterdir(), *own):
        shutil.copyfile(path, folder / path.name)
    for name, make in MADE.items():
        head = f"// made of cnncourse {state_of(package)}, {data_name(Path(app.srcdir))}\n"
        path = folder / name
        if not (path.is_file() and path.read_text(encoding="utf-8").startswith(head)):
            path.write_text(head + make(), encoding="utf-8")


def state_of(package: Path) -> str:
    """Return a name for the state of the package."""
    makers = (__file__, widget_data.__file__, widget_networks.__file__)
    digest = sha256(b"".join(Path(path).read_bytes() for path in makers))
    for path in package_files(package.parent):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    as_it_is = (pass_through, pass_through)
    app.add_node(
        Widget,
        html=(visit_widget, depart_widget),
        latex=as_it_is,
        text=as_it_is,
        man=as_it_is,
        texinfo=as_it_is,
    )
    app.add_directive("widget", WidgetDirective)
    app.connect("builder-inited", write_scripts)
    app.connect("html-page-context", add_loader)
