"""The downloader against a server on this machine that is slow, breaks off, lies, or does well."""

import hashlib
import io
import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from small_data import cifar10_files, class_folders, known_as_cifar10, pets, write_tar

from cnncourse import data
from cnncourse.data import catalog, download, store
from cnncourse.data.catalog import Mirror
from cnncourse.data.download import Patience
from cnncourse.data.sources import read_source

CONTENT = np.random.default_rng(0).integers(0, 256, 300_000, dtype=np.uint8).tobytes()
GOOD_HASH = "md5:" + hashlib.md5(CONTENT).hexdigest()
QUICK = Patience(silence=5.0)


@dataclass
class Behavior:
    """How the server treats one path."""

    content: bytes = CONTENT
    ranges: bool = True
    etag: str | None = None
    break_after: list[int] = field(default_factory=list)  # bytes of the next answers, then whole ones
    stall: bool = False
    status: int = 200
    announce: bool = True
    wrong_range: bool = False


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviors: dict[str, Behavior] = {}
        self.asked: list[tuple[str, str | None]] = []  # path and Range header
        self.over = threading.Event()

    def mirror(self, name: str, behavior: Behavior, known_hash: str | None = GOOD_HASH) -> Mirror:
        self.behaviors[f"/{name}"] = behavior
        return Mirror(f"http://127.0.0.1:{self.server_port}/{name}", known_hash)

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients hang up; that is what is tested


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        behavior = self.server.behaviors[self.path]
        asked = self.headers.get("Range")
        self.server.asked.append((self.path, asked))
        start = 0
        fresh = self.headers.get("If-Range") in (None, behavior.etag)
        if asked and behavior.ranges and fresh:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(behavior.content):
                self.send_error(416)
                return
        body = behavior.content[start:]
        self.send_response(206 if start else behavior.status)
        if behavior.announce:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        if start:
            first = start + 1 if behavior.wrong_range else start
            total = len(behavior.content)
            self.send_header("Content-Range", f"bytes {first}-{total - 1}/{total}")
        if behavior.etag:
            self.send_header("ETag", behavior.etag)
        self.end_headers()
        if behavior.break_after:
            self.wfile.write(body[: behavior.break_after.pop(0)])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif behavior.stall:
            self.wfile.write(body[:1000])
            self.wfile.flush()
            self.server.over.wait(20)
            self.close_connection = True
        else:
            self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.over.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def folder(own_places: Path) -> Path:
    own_places.mkdir()
    return own_places / "downloads"


def bring(mirrors: list[Mirror], folder: Path, patience: Patience = QUICK) -> bytes:
    """Download; return what was accepted, after checking that no archive is left behind."""
    accepted = []
    download.download(
        mirrors, folder, lambda path: accepted.append(path.read_bytes()), "toys", False, patience
    )
    assert list(folder.iterdir()) == []
    return b"".join(accepted)


def test_one_good_host(server: Server, folder: Path) -> None:
    assert bring([server.mirror("a.tgz", Behavior())], folder) == CONTENT


def test_a_host_that_does_not_say_how_much_it_sends(server: Server, folder: Path) -> None:
    assert bring([server.mirror("a.tgz", Behavior(announce=False))], folder) == CONTENT


@pytest.mark.parametrize("status", [404, 403, 500, 503])
def test_the_next_host_is_asked_where_one_refuses(server: Server, folder: Path, status: int) -> None:
    mirrors = [server.mirror("a", Behavior(status=status)), server.mirror("b", Behavior())]
    assert bring(mirrors, folder) == CONTENT


def test_a_host_that_breaks_off_is_asked_for_the_rest(server: Server, folder: Path) -> None:
    mirror = server.mirror("a", Behavior(break_after=[100_000, 50_000]))
    assert bring([mirror], folder) == CONTENT
    assert server.asked == [("/a", None), ("/a", "bytes=100000-"), ("/a", "bytes=150000-")]


def test_without_ranges_it_starts_again(server: Server, folder: Path) -> None:
    mirror = server.mirror("a", Behavior(break_after=[100_000], ranges=False))
    assert bring([mirror], folder) == CONTENT
    assert len(server.asked) == 2


def test_a_range_that_starts_elsewhere_is_not_used(server: Server, folder: Path) -> None:
    mirror = server.mirror("a", Behavior(break_after=[100_000], wrong_range=True))
    assert bring([mirror], folder) == CONTENT
    assert server.asked[-1] == ("/a", None)


def test_the_rest_comes_from_another_host_with_the_same_archive(server: Server, folder: Path) -> None:
    mirrors = [server.mirror("a", Behavior(break_after=[90_000, 0, 0])), server.mirror("b", Behavior())]
    assert bring(mirrors, folder) == CONTENT
    assert server.asked[-1] == ("/b", "bytes=90000-")


def test_a_later_call_takes_up_what_an_interrupted_one_left(server: Server, folder: Path) -> None:
    mirror = server.mirror("a", Behavior(break_after=[90_000, 60_000, 0]))
    with pytest.raises(data.DownloadError, match=r"127.0.0.1:.*no connection"):
        bring([mirror], folder)
    assert [path.suffix for path in folder.iterdir()] == [".part"]
    assert bring([mirror], folder) == CONTENT
    assert server.asked[-1] == ("/a", "bytes=150000-")


def test_an_interruption_by_hand_keeps_the_part(server: Server, folder: Path) -> None:
    mirror = server.mirror("a", Behavior(stall=True))
    reads = iter([0.0, KeyboardInterrupt()])

    def clock() -> float:
        value = next(reads)
        if isinstance(value, BaseException):
            raise value
        return value

    with pytest.raises(KeyboardInterrupt):
        bring([mirror], folder, replace(QUICK, clock=clock))
    [part] = folder.iterdir()
    assert part.read_bytes() == CONTENT[:1000]
    server.behaviors["/a"].stall = False
    assert bring([mirror], folder) == CONTENT
    assert server.asked[-1] == ("/a", "bytes=1000-")


def test_a_part_that_belongs_to_another_archive_is_thrown_away(server: Server, folder: Path) -> None:
    changed = Behavior(content=bytes(200_000), break_after=[90_000, 0, 0])
    with pytest.raises(data.DownloadError):
        bring([server.mirror("a", changed)], folder)
    assert bring([server.mirror("a", Behavior())], folder) == CONTENT  # resumed, wrong, brought anew
    assert server.asked[-1] == ("/a", None)


def test_a_part_longer_than_the_archive_is_thrown_away(server: Server, folder: Path) -> None:
    with pytest.raises(data.DownloadError):
        bring([server.mirror("a", Behavior(content=2 * CONTENT, break_after=[400_000, 0, 0]))], folder)
    assert bring([server.mirror("a", Behavior())], folder) == CONTENT


@pytest.mark.parametrize(("etag", "range_asked"), [('"v1"', "bytes=90000-"), ('W/"v1"', None), (None, None)])
def test_without_a_hash_only_the_same_version_is_resumed(
    server: Server, folder: Path, etag: str | None, range_asked: str | None
) -> None:
    mirror = server.mirror("a", Behavior(break_after=[90_000], etag=etag), known_hash=None)
    assert bring([mirror], folder) == CONTENT
    assert server.asked[-1] == ("/a", range_asked)


def test_without_a_hash_another_version_starts_again(server: Server, folder: Path) -> None:
    behavior = Behavior(content=bytes(200_000), break_after=[90_000, 0, 0], etag='"v1"')
    mirror = server.mirror("a", behavior, known_hash=None)
    with pytest.raises(data.DownloadError):
        bring([mirror], folder)
    server.mirror("a", Behavior(etag='"v2"'), known_hash=None)
    assert bring([mirror], folder) == CONTENT


def test_wrong_bytes_are_never_accepted(server: Server, folder: Path) -> None:
    wrong = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    mirror = server.mirror("a", Behavior(content=wrong))
    with pytest.raises(
        data.DownloadError, match=r"it sent another file than the one asked for \(wrong hash\)"
    ):
        bring([mirror], folder)
    assert list(folder.iterdir()) == []
    assert bring([mirror, server.mirror("b", Behavior())], folder) == CONTENT


def test_a_slow_host_is_left_while_another_is_left(server: Server, folder: Path) -> None:
    ticks = iter(range(0, 10_000, 30))  # every look at the clock finds thirty seconds gone
    patience = replace(QUICK, clock=lambda: float(next(ticks)), slowest=100_000)
    slow, good = server.mirror("a", Behavior()), server.mirror("b", Behavior())
    assert bring([slow, good], folder, patience) == CONTENT
    assert [path for path, _ in server.asked] == ["/a", "/b"]
    assert server.asked[1][1] is not None  # what the slow one sent is not lost


def test_the_last_host_may_be_slow(server: Server, folder: Path) -> None:
    ticks = iter(range(0, 10_000_000, 30))
    patience = replace(QUICK, clock=lambda: float(next(ticks)), slowest=100_000)
    assert bring([server.mirror("a", Behavior())], folder, patience) == CONTENT


def test_a_stalled_host_is_left(server: Server, folder: Path) -> None:
    mirrors = [server.mirror("a", Behavior(stall=True)), server.mirror("b", Behavior())]
    assert bring(mirrors, folder, replace(QUICK, silence=0.1)) == CONTENT
    assert [path for path, _ in server.asked] == ["/a", "/b"]


def test_no_network(folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        mirror = Mirror(f"http://127.0.0.1:{free.getsockname()[1]}/a.tgz", GOOD_HASH)
        with pytest.raises(
            data.DownloadError, match=r"no connection \(is there a network\?\).*set CNNCOURSE_DATA"
        ):
            bring([mirror, mirror], folder)


def test_the_message_tells_what_was_wrong_with_each_host(server: Server, folder: Path) -> None:
    mirrors = [server.mirror("a", Behavior(status=404)), server.mirror("b", Behavior(content=b"hello"))]
    with pytest.raises(
        data.DownloadError, match=r"it answers 404 Not Found; .*wrong hash.*shapes10 and digits"
    ):
        bring(mirrors, folder)


def test_a_full_disk_stops_and_cleans(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.FileIO):
        def write(self, content: object, /) -> int:
            raise OSError(28, "No space left on device")

    opened = Path.open

    def open_full(path: Path, mode: str = "r", **options: Any) -> Any:
        return Full(path, "ab") if path.suffix == ".part" else opened(path, mode, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", open_full)
        with pytest.raises(data.CacheError, match=r"the disk of the cache .* is full"):
            bring([server.mirror("a", Behavior()), server.mirror("b", Behavior())], folder)
    assert list(folder.iterdir()) == []
    assert [path for path, _ in server.asked] == ["/a"]  # another host would not help
    assert bring([server.mirror("a", Behavior())], folder) == CONTENT


def test_room_is_asked_for_before_the_download(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(data.CacheError, match=r"MB are needed"):
        bring([server.mirror("a", Behavior())], folder)


Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Install:
    """Return a function that makes a small data set on the server stand for CIFAR-10."""

    def put(*mirrors: Mirror, reference: Path) -> None:
        known_as_cifar10(reference, monkeypatch, *mirrors)

    return put


def test_load_downloads_once_and_is_then_cached(
    server: Server, install: Install, tmp_path: Path, own_places: Path
) -> None:
    archive = write_tar(tmp_path / "cifar-10-python.tar.gz", cifar10_files())
    content = archive.read_bytes()
    good = "md5:" + hashlib.md5(content).hexdigest()
    install(server.mirror("cifar-10-python.tar.gz", Behavior(content=content), good), reference=archive)
    assert data.default_name() == "shapes10"
    assert not own_places.exists()  # asking for the default brings nothing
    assert len(data.load("cifar10")) == 20
    assert len(data.load("cifar10", "test")) == 10
    assert len(server.asked) == 1
    assert data.default_name() == "cifar10"
    assert [status.state for status in data.available() if status.name == "cifar10"] == ["cached"]
    assert all(check.ok for check in data.verify("cifar10"))
    assert data.fetch("cifar10", progress=False) == own_places / "cifar10"
    assert sorted(path.name for path in own_places.iterdir() if path.suffix != ".lock") == [
        "cifar10",
        "downloads",
    ]


def test_a_source_without_a_hash_is_judged_by_its_fingerprint(
    server: Server, install: Install, tmp_path: Path
) -> None:
    archive = write_tar(tmp_path / "cifar.tgz", cifar10_files())
    batch = "cifar-10-batches-py/test_batch"
    altered = pickle.loads(cifar10_files()[batch], encoding="bytes")
    altered[b"data"] = altered[b"data"] ^ np.uint8(1)
    other = write_tar(tmp_path / "other.tgz", cifar10_files() | {batch: pickle.dumps(altered, protocol=2)})
    wrong = [
        server.mirror("altered.tgz", Behavior(content=other.read_bytes()), None),
        server.mirror("pets.tgz", Behavior(content=write_tar(tmp_path / "p.tgz", pets()).read_bytes()), None),
        server.mirror("page.tgz", Behavior(content=b"<html>Please sign in</html>"), None),
    ]
    good = server.mirror("good.tgz", Behavior(content=archive.read_bytes()), None)
    install(*wrong, reference=archive)
    with pytest.raises(data.DownloadError, match=r"was altered.*is not cifar10.*damaged or cut off"):
        data.load("cifar10")
    install(*wrong, good, reference=archive)
    assert len(data.load("cifar10")) == 20


def test_a_host_of_nested_class_folders_serves_like_the_official_one(
    server: Server, install: Install, tmp_path: Path
) -> None:
    official = write_tar(tmp_path / "cifar.tgz", cifar10_files())
    files = class_folders(read_source(official), above="coarse")
    nested = write_tar(tmp_path / "nested.tgz", {f"cifar/{name}": each for name, each in files.items()})
    install(server.mirror("nested.tgz", Behavior(content=nested.read_bytes()), None), reference=official)
    assert all(check.ok for check in data.verify("cifar10"))
    assert data.load("cifar10", "test").fingerprint() == data.load(official, "test").fingerprint()


def test_both_forms_of_mirrors_have_what_the_loader_needs() -> None:
    for name, entry in catalog.CATALOG.items():
        assert set(entry.images) == {"train", "test"}
        for mirror in entry.mirrors:
            assert mirror.url.startswith("https://")
            assert mirror.known_hash or set(entry.fingerprints) == set(entry.images), name


def test_a_bar_is_shown_where_it_is_wanted(
    server: Server, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror = server.mirror("a", Behavior())
    download.download([mirror], folder, lambda path: None, "toys", True, QUICK)
    assert "toys from 127.0.0.1" in capsys.readouterr().err
    download.download([mirror], folder, lambda path: None, "toys", False, QUICK)
    assert capsys.readouterr().err == ""
