"""Authors and years from the book's list of references."""

from dataclasses import dataclass
from pathlib import Path

from pybtex.database import Entry, Person, parse_file
from pybtex.richtext import Text


@dataclass(frozen=True)
class Source:
    """How a paper is named in the text, and where it can be read."""

    authors: str
    year: str
    address: str


def read_sources(path: Path) -> dict[str, Source]:
    """Read a BibTeX file; return its entries by key."""
    if not path.is_file():
        return {}
    return {key: make_source(entry) for key, entry in parse_file(str(path)).entries.items()}


def make_source(entry: Entry) -> Source:
    """Return names, year and address of one entry."""
    persons = entry.persons.get("author") or entry.persons.get("editor") or []
    names = [last_name(person) for person in persons] or [plain(entry)]
    authors = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
    doi = entry.fields.get("doi", "")
    address = f"https://doi.org/{doi}" if doi else entry.fields.get("url", "")
    return Source(authors, entry.fields.get("year", ""), address)


def plain(entry: Entry) -> str:
    """Return what names an entry without authors: who published it, else its title."""
    fields = ("organization", "institution", "title")
    text = next((entry.fields[name] for name in fields if entry.fields.get(name)), entry.key)
    return str(Text.from_latex(text))


def last_name(person: Person) -> str:
    """Return a person's last name, with what stands before it ("van der"), without LaTeX's accents."""
    return " ".join(str(part) for part in [*person.rich_prelast_names, *person.rich_last_names])
