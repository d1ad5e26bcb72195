"""Archives from the network, from whichever host answers well.

pooch checks the hash and renames the file when it is whole; this module is the downloader that
it calls, which resumes, leaves a slow host while another is left, and shows a bar.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cnncourse.data.catalog import Mirror
from cnncourse.data.errors import CacheError, DownloadError
from cnncourse.data.locations import DATA
from cnncourse.data.store import FULL, check_room, explain

PIECE = 2**18  # bytes asked of a host at once


class _HostFailedError(Exception):
    """What is wrong with one host; the next may do better."""


@dataclass(frozen=True)
class Patience:
    """When a host is given up.

    Parameters
    ----------
    slowest : float
        Bytes a second below which a host is slow.
    window : float
        Seconds over which that is measured.
    silence : float
        Seconds without a byte after which a connection is dead.
    tries : int
        How often a host that breaks off is asked for the rest.
    clock : callable
        Tells the time in seconds.
    """

    slowest: float = 200_000
    window: float = 10.0
    silence: float = 15.0
    tries: int = 3
    clock: Callable[[], float] = field(default=time.monotonic)


def bar(total: int | None, title: str, show: bool) -> Any:
    """Return a progress bar over bytes, or one that shows nothing."""
    from tqdm import tqdm

    return tqdm(total=total, desc=title, unit="B", unit_scale=True, disable=not show, dynamic_ncols=True)


def download(
    mirrors: Sequence[Mirror],
    folder: Path,
    accept: Callable[[Path], object],
    title: str,
    progress: bool = True,
    patience: Patience | None = None,
) -> None:
    """Bring an archive from the first mirror that delivers one which is accepted.

    Parameters
    ----------
    mirrors : sequence of Mirror
        The hosts, the best first.
    folder : pathlib.Path
        Where archives, whole and partial, are kept meanwhile.
    accept : callable
        Called with the path of an archive whose hash, where known, was right. It raises
        ValueError where the content is not what was wanted: then the next host is asked.
    title : str
        The data set's name, for the bar and messages.
    progress : bool
        Whether to show a bar.
    patience : Patience, optional
        When a host is given up.

    Raises
    ------
    DownloadError
        If no host delivered; the message tells what was wrong with each.
    CacheError
        If the disk is full or the folder cannot be written.
    """
    patience = patience or Patience()
    failures = []
    for position, mirror in enumerate(mirrors):
        others_left = position + 1 < len(mirrors)
        try:
            archive = _fetch(mirror, folder, title, progress, patience, others_left)
        except _HostFailedError as failure:
            failures.append(f"{mirror.host}: {failure}")
            continue
        try:
            accept(archive)
            return
        except ValueError as failure:
            failures.append(f"{mirror.host}: {failure}")
        finally:
            archive.unlink(missing_ok=True)
    raise DownloadError(
        f"{title} could not be downloaded ({'; '.join(failures) or 'no host is known'}). Try again later, "
        f"and what has arrived is used; or bring the archive from elsewhere and set {DATA} to it. "
        "The data sets shapes10 and digits need no network"
    )


def _fetch(
    mirror: Mirror, folder: Path, title: str, progress: bool, patience: Patience, others_left: bool
) -> Path:
    """Return the whole archive of one mirror, its hash checked."""
    import pooch
    import requests

    pooch.get_logger().setLevel("ERROR")  # the bar and our messages say it all
    resumable = _Resumable(mirror, folder, title, progress, patience, others_left)
    for _ in range(2):
        resumed = resumable.part.exists()
        try:
            name = f"{sha256(mirror.url.encode()).hexdigest()[:12]}-{mirror.file}"
            found = pooch.retrieve(mirror.url, mirror.known_hash, name, folder, downloader=resumable)
            return Path(found)
        except ValueError:  # pooch: the hash does not match; parts of two archives may have met
            if not resumed:
                raise _HostFailedError("it sent another file than the one asked for (wrong hash)") from None
        except requests.exceptions.RequestException as error:
            raise _HostFailedError(_in_words(error)) from None
        except OSError as error:
            if error.errno in FULL:
                resumable.forget()
            raise error if isinstance(error, CacheError) else explain(error) from None
    raise _HostFailedError("it sent another file than the one asked for (wrong hash)")


def _in_words(error: Exception) -> str:
    kinds = {
        "ConnectTimeout": "no answer",
        "ReadTimeout": "it stopped sending",
        "ConnectionError": "no connection (is there a network?)",
        "SSLError": "no safe connection",
        "ProxyError": "the proxy refuses",
    }
    return kinds.get(type(error).__name__, str(error))


class _Resumable:
    """A downloader for pooch: fills a partial file over several tries, then hands it over."""

    def __init__(
        self, mirror: Mirror, folder: Path, title: str, progress: bool, patience: Patience, others_left: bool
    ) -> None:
        self.mirror, self.title, self.progress = mirror, title, progress
        self.patience, self.others_left = patience, others_left
        # Archives of the same hash are the same wherever they come from: one host continues another's.
        identity = sha256((mirror.known_hash or mirror.url).encode()).hexdigest()[:16]
        self.part = folder / f"{identity}.part"
        self.tag = folder / f"{identity}.etag"

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool = False) -> None:
        """Download `url` into `output_file`; the signature is pooch's."""
        import requests

        for attempt in range(1, self.patience.tries + 1):
            before = self._size()
            try:
                if self._receive(url):
                    shutil.move(self.part, output_file)
                    self.tag.unlink(missing_ok=True)
                    return
            except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
                stalled = isinstance(error, requests.exceptions.Timeout) and self.others_left
                if stalled or attempt == self.patience.tries or self._size() == before:
                    raise
        raise _HostFailedError(f"it broke off {self.patience.tries} times")

    def forget(self) -> None:
        """Remove what has arrived."""
        self.part.unlink(missing_ok=True)
        self.tag.unlink(missing_ok=True)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _receive(self, url: str) -> bool:
        """Receive what is missing; return whether the file is whole."""
        import requests

        offset = self._size()
        headers = {"Accept-Encoding": "identity", "User-Agent": "cnncourse"}
        if offset and self._may_resume():
            headers["Range"] = f"bytes={offset}-"
            if not self.mirror.known_hash:
                headers["If-Range"] = self.tag.read_text(encoding="utf-8")
        with requests.get(
            url, headers=headers, stream=True, timeout=(self.patience.silence, self.patience.silence)
        ) as answer:
            if answer.status_code == 416:  # the partial file is longer than the whole one
                self.forget()
                return False
            if answer.status_code not in (200, 206):
                raise _HostFailedError(f"it answers {answer.status_code} {answer.reason}")
            resumes = answer.status_code == 206 and _starts_at(answer.headers, offset)
            if answer.status_code == 206 and not resumes:
                self.forget()
                return False
            self._remember_tag(answer.headers)
            length = answer.headers.get("Content-Length")
            total = int(length) + (offset if resumes else 0) if length and length.isdigit() else None
            if total is not None:
                check_room(total - (offset if resumes else 0))
            self._copy(answer.raw, offset if resumes else 0, total)
        return total is None or self._size() >= total

    def _may_resume(self) -> bool:
        return self.mirror.known_hash is not None or self.tag.exists()

    def _remember_tag(self, headers: Any) -> None:
        tag = headers.get("ETag", "")
        if tag.startswith('"'):  # a weak one does not promise the same bytes
            self.tag.write_text(tag, encoding="utf-8")
        else:
            self.tag.unlink(missing_ok=True)

    def _copy(self, raw: Any, offset: int, total: int | None) -> None:
        import requests
        import urllib3

        # read1 returns what has come, where read waits for a whole piece, however slowly it drips.
        read = getattr(raw, "read1", raw.read)
        pace = _Pace(self.patience, self.others_left)
        try:
            with self.part.open("ab" if offset else "wb") as file, self._bar(total) as shown:
                shown.update(offset)
                while content := read(PIECE):
                    file.write(content)
                    shown.update(len(content))
                    pace.check(len(content))
                    if total is not None and file.tell() > total:
                        raise _HostFailedError("it sent more than it announced")
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
            raise requests.exceptions.ReadTimeout(str(error)) from None
        except (urllib3.exceptions.HTTPError, ConnectionError) as error:
            raise requests.exceptions.ConnectionError(str(error)) from None

    def _bar(self, total: int | None) -> Any:
        return bar(total, f"{self.title} from {self.mirror.host}", self.progress)


class _Pace:
    """Notices a host that is too slow while another is left."""

    def __init__(self, patience: Patience, others_left: bool) -> None:
        self._patience, self._others_left = patience, others_left
        self._start, self._count = patience.clock(), 0

    def check(self, count: int) -> None:
        self._count += count
        seconds = self._patience.clock() - self._start
        if seconds < self._patience.window:
            return
        speed = self._count / seconds
        if self._others_left and speed < self._patience.slowest:
            raise _HostFailedError(f"it is slow ({speed / 1000:.0f} kB/s)")
        self._start, self._count = self._patience.clock(), 0


def _starts_at(headers: Any, offset: int) -> bool:
    return str(headers.get("Content-Range", "")).startswith(f"bytes {offset}-")
