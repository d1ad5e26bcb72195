"""The report of a classifier: one HTML page that needs nothing beside it."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

import cnncourse
from cnncourse.models import count_parameters

if TYPE_CHECKING:
    from cnncourse.classify.making import Made

SIDE = 128  # pixels of a small photo
MOST_MISTAKES = 60
MOST_PAIRS = 20
MOST_FILES = 50
STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --accent: #b35900; }
@media (prefers-color-scheme: dark) { :root { --accent: #ffb066; } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
.big { font-size: 2.5rem; font-weight: 700; margin: 0; }
.note { border-left: .25rem solid var(--accent); padding: .25rem .75rem; margin: .5rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .75rem; text-align: right; }
th:first-child, td:first-child { text-align: left; } td.right { font-weight: 700; }
.sheet { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none; }
.sheet li { width: 8rem; font-size: .85rem; overflow-wrap: anywhere; }
.sheet img { display: block; width: 8rem; height: 8rem; object-fit: contain; background: var(--soft); }
.pair { display: flex; gap: .25rem; } .pair img { width: 7.8rem; } .sheet li.two { width: 16rem; }
code { background: var(--soft); padding: 0 .25rem; }
"""


def write_report(made: "Made", file: str) -> str:
    """Return the report of a classifier as an HTML page.

    Parameters
    ----------
    made : Made
        As `classify.make` returns it.
    file : str
        The name of the classifier's file.

    Returns
    -------
    str
        With styles and small photos inside.
    """
    name = escape(made.photos.name)
    parts = [
        f"<h1>{name}: a classifier of {len(made.photos.classes)} classes</h1>",
        *_summary(made, file),
        *_warnings(made),
        *_classes(made),
        *_confusion(made),
        *_mistakes(made),
        *_duplicates(made),
        *_left_out(made),
        *_making(made),
    ]
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}: a classifier</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n"
        "</main>\n</body>\n</html>\n"
    )


def _summary(made: "Made", file: str) -> list[str]:
    accuracy, (common, share) = made.accuracy, made.always
    sure = float(made.probabilities[: accuracy.total].max(axis=1).mean())
    lines = [
        f'<p class="big">{accuracy.share:.1%}</p>',
        f"<p>of the photos were recognized in cross-validation: {accuracy.correct} of {accuracy.total}, each "
        "by a classifier that had not seen it. On other photos like these, expect between "
        f"{accuracy.low:.1%} and {accuracy.high:.1%} (95% interval). Always saying “{escape(common)}” would "
        f"get {share:.1%}. It was {sure:.1%} sure on average.</p>",
    ]
    if made.tested is not None:
        lines.append(f"<p>On the photos in the folder <code>test</code>: {escape(str(made.tested))}.</p>")
    lines.append(f"<p>To ask it: <code>cnncourse predict PHOTO --model {escape(file)}</code></p>")
    return lines


def _warnings(made: "Made") -> list[str]:
    if not made.findings.warnings:
        return []
    notes = [f'<p class="note">{escape(text[:1].upper() + text[1:])}.</p>' for text in made.findings.warnings]
    return ["<h2>Look at this first</h2>", *notes]


def _classes(made: "Made") -> list[str]:
    rows = []
    for label, (name, row) in enumerate(zip(made.photos.classes, made.confusion, strict=True)):
        others = row.copy()
        others[label] = 0
        taken = f"{made.photos.classes[others.argmax()]} ({others.max()})" if others.any() else "–"
        said = made.confusion[:, label].sum()
        precise = f"{row[label] / said:.0%}" if said else "–"
        rows.append((name, str(row.sum()), f"{row[label] / row.sum():.0%}", precise, taken))
    head = ("class", "photos", "recognized", "right when said", "most often taken for")
    return ["<h2>The classes</h2>", _table(head, rows)]


def _confusion(made: "Made") -> list[str]:
    classes = made.photos.classes
    rows = [
        [name, *(str(count) for count in counts)]
        for name, counts in zip(classes, made.confusion, strict=True)
    ]
    text = "How often each class (a row) was taken for each (a column)."
    return ["<h2>What was taken for what</h2>", _table(("", *classes), rows, text, diagonal=True)]


def _mistakes(made: "Made") -> list[str]:
    rows = made.mistakes
    if not len(rows):
        return ["<h2>The mistakes</h2>", "<p>There are none. Harder photos would show some.</p>"]
    photos = made.photos
    cells = []
    for row in rows[:MOST_MISTAKES]:
        index, answer = made.judged[row], int(made.probabilities[row].argmax())
        label, said = photos.classes[photos.labels[index]], photos.classes[answer]
        alt = f"a photo of {label} that was taken for {said}"
        cells.append(
            f"<li>{_image(photos.images[index], alt)}<strong>{escape(label)}</strong>, taken for "
            f"<strong>{escape(said)}</strong> ({made.probabilities[row, answer]:.0%})<br>"
            f"{escape(photos.files[index])}</li>"
        )
    more = f" The first {MOST_MISTAKES} of {len(rows)}:" if len(rows) > MOST_MISTAKES else ""
    text = f"<p>The surest first. Is the label right? Would you have known?{more}</p>"
    return ["<h2>The mistakes</h2>", text, f'<ul class="sheet">{"".join(cells)}</ul>']


def _duplicates(made: "Made") -> list[str]:
    pairs, photos = made.findings.pairs, made.photos
    if not len(pairs):
        return []
    cells = []
    for one, two in pairs[:MOST_PAIRS]:
        names = [escape(photos.files[index]) for index in (one, two)]
        both = "".join(_image(photos.images[index], photos.files[index]) for index in (one, two))
        cells.append(f'<li class="two"><div class="pair">{both}</div>{names[0]}<br>{names[1]}</li>')
    more = f" The nearest {MOST_PAIRS} of {len(pairs)} pairs:" if len(pairs) > MOST_PAIRS else ""
    text = (
        "<p>Photos that are nearly the same, mirrored ones too. They count as one when photos are divided, "
        f"so that none is judged by its own copy.{more}</p>"
    )
    return ["<h2>Near-duplicates</h2>", text, f'<ul class="sheet">{"".join(cells)}</ul>']


def _left_out(made: "Made") -> list[str]:
    files = made.photos.left_out
    if not files:
        return []
    more = [("...", f"and {len(files) - MOST_FILES} more")] if len(files) > MOST_FILES else []
    rows = [(each.name, each.reason) for each in files[:MOST_FILES]]
    return ["<h2>Files left out</h2>", _table(("file", "why"), [*rows, *more])]


def _making(made: "Made") -> list[str]:
    trained = made.trained
    height, width = trained.size
    licensed = f", used under {escape(trained.license)}" if trained.license else ""
    return [
        "<h2>How it was made</h2>",
        f"<p>Each photo was turned upright, cut to its middle square and scaled to {width}x{height} pixels. "
        f"The network <code>{escape(made.backbone)}</code> ({count_parameters(trained.model):,} parameters"
        f"{licensed}) stayed as it was; one dense layer was fitted to its features by L-BFGS, with a weight "
        f"decay of {made.decay:.2g} chosen by cross-validation. Its logits are divided by a temperature of "
        f"{trained.temperature:.2f}, so that it is as sure as it may be. Made in {made.seconds:.0f} seconds "
        f"by cnncourse {cnncourse.__version__}.</p>",
        "<p>It knows nothing but these classes: asked about anything else, it will still answer with one of "
        "them.</p>",
    ]


def _table(
    head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "", diagonal: bool = False
) -> str:
    columns = "".join(f'<th scope="col">{escape(text)}</th>' if text else "<td></td>" for text in head)
    lines = []
    for place, row in enumerate(rows):
        cells = "".join(
            f'<td class="right">{escape(text)}</td>'
            if diagonal and column == place
            else f"<td>{escape(text)}</td>"
            for column, text in enumerate(row[1:])
        )
        lines.append(f'<tr><th scope="row">{escape(row[0])}</th>{cells}</tr>')
    title = f"<p>{escape(caption)}</p>" if caption else ""
    scrolls = '<div class="wide" role="region" aria-label="table" tabindex="0">'  # for the keyboard too
    return (
        f"{title}{scrolls}<table><thead><tr>{columns}</tr></thead><tbody>{''.join(lines)}</tbody>"
        "</table></div>"
    )


def _image(pixels: np.ndarray, alt: str) -> str:
    """Return a small photo (C, H, W) as an element of HTML that holds it."""
    planes = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    small = Image.fromarray(np.ascontiguousarray(planes))
    small.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=80)
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img src="data:image/jpeg;base64,{data}" alt="{escape(alt)}">'
