"""Put what a release carries beside the built book: the whole of it as one offline zip, and as one PDF.

make release        the book, then _build/html/cnncourse-book.zip and cnncourse-book.pdf
"""

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, NameObject

from tools.contents import pages
from tools.find_chromium import NoBrowserError, find_chromium

ROOT = Path(__file__).resolve().parent.parent
NAME = "cnncourse-book"
PAPER: dict[str, Any] = {
    "format": "A4",
    "scale": 0.85,
    "margin": {"top": "16mm", "bottom": "16mm", "left": "18mm", "right": "18mm"},
}
PATIENCE = 120_000  # milliseconds, for one page
FORMULAS_SET = (
    "() => !window.MathJax || (window.MathJax.startup && window.MathJax.startup.promise.then(() => true))"
)
# What a reader would click open is open on paper, and images that wait to be scrolled to are there.
UNFOLD = """() => {
  document.querySelectorAll('details').forEach(it => { it.open = true; });
  const there = it => { it.loading = 'eager'; return it.decode().catch(() => {}); };
  return Promise.all([...document.images].map(there));
}"""


def write_zip(site: Path) -> Path:
    """Put all files of the site into one zip, below a folder of the book's name; return the zip."""
    path = site / f"{NAME}.zip"
    written = path.with_suffix(".partial")
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(site.rglob("*")):
            if file.is_file() and not file.name.startswith(f"{NAME}."):
                archive.write(file, Path(NAME) / file.relative_to(site))
    return written.replace(path)


def print_page(browser: Browser | BrowserContext, address: str) -> tuple[str, bytes]:
    """Print one page; return its title and the PDF."""
    page = browser.new_page()
    try:
        page.set_default_timeout(PATIENCE)
        page.emulate_media(media="print", color_scheme="light", reduced_motion="reduce")
        page.goto(address)
        page.wait_for_function(FORMULAS_SET)
        page.evaluate(UNFOLD)
        title = page.locator("article h1").first.inner_text().rstrip("#").strip()
        return title, page.pdf(print_background=True, outline=True, tagged=True, **PAPER)
    finally:
        page.close()


def lead_inside(writer: PdfWriter, starts: dict[str, int]) -> None:
    """Let links to other pages of the book lead to their place in the PDF, and not to a file."""
    for page in writer.pages:
        for note in page.get("/Annots", []):
            action = note.get_object().get("/A", {})
            there = str(action.get_object().get("/URI", "") if action else "").partition("#")[0]
            if there in starts:
                note.get_object().pop("/A")
                target = writer.pages[starts[there]].indirect_reference
                note.get_object()[NameObject("/Dest")] = ArrayObject([target, NameObject("/Fit")])


def write_pdf(browser: Browser | BrowserContext, site: Path, addresses: list[str]) -> Path:
    """Print pages one behind the other into one PDF with bookmarks; return it."""
    writer = PdfWriter()
    starts: dict[str, int] = {}
    for address in addresses:
        title, printed = print_page(browser, address)
        starts[address] = len(writer.pages)
        writer.append(PdfReader(io.BytesIO(printed)), outline_item=title)
    lead_inside(writer, starts)
    writer.compress_identical_objects()  # each page brings the same fonts
    path = site / f"{NAME}.pdf"
    with path.with_suffix(".partial").open("wb") as file:
        writer.write(file)
    return path.with_suffix(".partial").replace(path)


def main() -> int:
    """Write both, and say what they are."""
    site = ROOT / "_build" / "html"
    if not (site / "index.html").is_file():
        print("There is no built book yet; make it with: make book", file=sys.stderr)
        return 1
    addresses = [(site / page.relative_to(ROOT)).with_suffix(".html").as_uri() for page in pages(ROOT)]
    try:
        program = find_chromium()
    except NoBrowserError as error:
        print(error, file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        made = [write_pdf(browser, site, addresses), write_zip(site)]
        browser.close()
    for path in made:
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
