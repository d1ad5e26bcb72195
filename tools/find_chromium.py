"""Find a Chromium, Chrome or Edge for the tests of the pages."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

COMMANDS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
)
MISSING = (
    "The pages are tested in Chromium, Chrome or Edge, and none was found. Install one "
    "(Debian and Ubuntu: apt-get install chromium; macOS: brew install --cask chromium), "
    "or name it: CHROMIUM=/path/to/chrome make test"
)


class NoBrowserError(Exception):
    """There is no browser to test the pages in."""


def find_chromium(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the path of a browser: the one that CHROMIUM names, or the first of those usually installed.

    Raises
    ------
    NoBrowserError
        If there is none, or CHROMIUM names none.
    """
    named = environment.get("CHROMIUM")
    if named:
        found = shutil.which(named)
        if not found:
            raise NoBrowserError(f"CHROMIUM names {named}, which is no program. {MISSING}")
        return Path(found)
    for command in COMMANDS:
        found = shutil.which(command, path=environment.get("PATH"))
        if found:
            return Path(found)
    for place in PLACES:
        if Path(place).is_file():
            return Path(place)
    raise NoBrowserError(MISSING)


if __name__ == "__main__":
    try:
        print(f"The pages will be tested in {find_chromium()}")
    except NoBrowserError as error:
        sys.exit(str(error))
