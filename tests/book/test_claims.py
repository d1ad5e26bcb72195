"""The page of claims: its table and its verdicts say the same, and every claim has one."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent.parent / "book" / "reference" / "claims.md"
CLASSES = {"right": "tip", "right with a condition": "note", "wrong": "warning", "not shown": "important"}


def sections() -> dict[str, str]:
    """Return the text of each claim by its label, in the order of the page."""
    parts = re.split(r"(?m)^\((claim-[a-z0-9-]+)\)=$", PAGE.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_each_claim_has_one_verdict_in_its_color() -> None:
    for label, text in sections().items():
        found = re.findall(r":::\{admonition\} Verdict: (.+)\n:class: (\w+)", text)
        assert len(found) == 1, f"{label} has {len(found)} verdicts"
        verdict, look = found[0]
        assert CLASSES.get(verdict) == look, f"{label}: {verdict!r} with class {look!r}"


def test_table_lists_every_claim_with_its_verdict() -> None:
    rows = re.findall(r"(?m)^\| \{ref\}`(claim-[a-z0-9-]+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"))
    verdicts = {label: re.findall(r"Verdict: (.+)", text)[0] for label, text in sections().items()}
    assert rows == list(verdicts.items())


def test_each_claim_leads_to_a_chapter() -> None:
    for label, text in sections().items():
        _, _, verdict = text.partition("Verdict:")
        assert re.search(r"\{(ref|doc)\}`", verdict), f"{label} leads nowhere"


def test_each_claim_says_where_it_is_met() -> None:
    for label, text in sections().items():
        _, _, below = text.partition("\n### ")
        assert re.match(r".+\n\n\*Met .+?\*", below), f"{label} does not say where it is met"
