"""Entries to the contest: a file with a function ``train``, run by the rules that hold for our recipes."""

import ast
import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from cnncourse._checks import check_count, check_number
from cnncourse.contest.entrant import FIRST, IMAGES, LABELS, check_logits

if TYPE_CHECKING:
    from cnncourse.data import ImageSet

BATCH = 500  # test images that are handed over at a time
PROGRAM = "from cnncourse.contest.entrant import main; main()"
LIMIT, LOADING = 600.0, 300.0
ROOT = Path(__file__).parents[2]  # where the package is imported from
TAIL = 4000  # letters kept of what an entry prints


@dataclasses.dataclass(frozen=True)
class Entry:
    """Somebody's own network or recipe.

    Parameters
    ----------
    file : Path
        Python code that defines ``train(images, labels, seed)``.
    seeds : sequence of int
        It is trained once with each.
    limit : float
        Seconds that it may take to train, and as many to answer for the test images.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is no Python code that defines ``train``.
    """

    file: Path
    seeds: Sequence[int] = (0, 1, 2)
    limit: float = LIMIT

    def __post_init__(self) -> None:
        object.__setattr__(self, "file", Path(self.file).expanduser().resolve())
        check_number("limit", self.limit, 0, float("inf"), above=True)
        for seed in self.seeds:
            check_count("seeds", seed, 0)
        if self.file.suffix != ".py":
            raise ValueError(f"an entry is a file of Python code, NAME.py, got {self.file.name!r}")
        if not self.file.is_file():
            raise FileNotFoundError(
                f"there is no entry {self.file.name!r}; give the path of a file that is there"
            )
        try:
            tree = ast.parse(self.file.read_bytes())
        except (SyntaxError, ValueError) as error:
            raise ValueError(f"the entry {self.file.name!r} is no Python code: {error}") from None
        if "train" not in _defined(tree):
            raise ValueError(
                f"the entry {self.file.name!r} defines no train; write a function "
                "train(images, labels, seed) that returns a network"
            )

    @property
    def name(self) -> str:
        """The file's name with the beginning of a hash of its content: another version is another entry."""
        return f"{self.file.stem}-{hashlib.sha256(self.file.read_bytes()).hexdigest()[:6]}"


def _defined(tree: ast.Module) -> set[str]:
    """Return the names that a module defines or imports at its top."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


class EntryError(Exception):
    """An entry did not do what the rules ask for."""


def run_entry(entry: Entry, seed: int, train_set: "ImageSet", test_set: "ImageSet") -> dict[str, Any]:
    """Train an entry in a program of its own, then count how many test images it gets right.

    The program has the training images alone. It is handed test images, without labels, once it has trained.

    Returns
    -------
    dict
        ``seconds`` of training, ``accuracy``, ``evaluation_seconds``; or the ``problem`` that ended it, with
        the end of what it ``printed``.
    """
    with tempfile.TemporaryDirectory(prefix="entry-") as folder:
        np.save(Path(folder, IMAGES), train_set.images)
        np.save(Path(folder, LABELS), train_set.labels)
        with _Program(entry, seed, Path(folder)) as program:
            try:
                return program.compete(len(train_set), test_set)
            except EntryError as error:
                return {"problem": str(error), "printed": program.printed()}


class _Program:
    """The program in which an entry runs, and what it says."""

    def __init__(self, entry: Entry, seed: int, folder: Path) -> None:
        self.entry, self.folder = entry, folder
        environment = os.environ | {"CNNCOURSE_DATA": "bundled", "CNNCOURSE_CACHE": str(folder / "cache")}
        environment |= {"TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
        arguments = [str(folder), str(entry.file), str(seed)]
        self.process = subprocess.Popen(  # noqa: S603 (this Python, our module, and the file that was named)
            [sys.executable, "-c", PROGRAM, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=folder, env=environment, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self.given, self.answers = self.process.stdin, self.process.stdout
        self.tail = b""
        self.reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        self.late = False

    def __enter__(self) -> "_Program":
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()
        self.process.wait()
        self.reader.join(timeout=10)
        for stream in (self.given, self.answers, self.process.stderr):
            if stream is not None and not (stream is self.process.stderr and self.reader.is_alive()):
                with suppress(OSError):  # what a program that is gone has not read
                    stream.close()

    def _read(self, stream: IO[bytes]) -> None:
        while part := stream.read1(4096):  # type: ignore[attr-defined]
            self.tail = (self.tail + part)[-TAIL:]

    def printed(self) -> str:
        """Return the end of what the entry printed."""
        self._kill()
        self.reader.join(timeout=10)
        return self.tail.decode(errors="replace")

    def _kill(self) -> None:
        """End the program, and what it has started."""
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):  # it has ended
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()

    def compete(self, count: int, test_set: "ImageSet") -> dict[str, Any]:
        """Return the entry's result.

        Raises
        ------
        EntryError
            If it fails, or takes too long.
        """
        with self._within(LOADING, "to load"):
            self._receive("ready", 0)
        for name in (IMAGES, LABELS):  # it has them in memory
            (self.folder / name).unlink(missing_ok=True)
        with self._within(self.entry.limit, "to train"):
            start = time.perf_counter()
            self._send(b"go\n")
            self._receive("trained", min(count, FIRST))
            seconds = time.perf_counter() - start
        with self._within(self.entry.limit, "to answer"):
            start, correct = time.perf_counter(), 0
            for i in range(0, len(test_set), BATCH):
                images = test_set.images[i : i + BATCH]
                self._send(json.dumps({"shape": images.shape}).encode() + b"\n" + images.tobytes())
                logits = self._receive("logits", len(images))
                correct += int((logits.argmax(axis=1) == test_set.labels[i : i + BATCH]).sum())
            took = time.perf_counter() - start
        return {"seconds": seconds, "accuracy": correct / len(test_set), "evaluation_seconds": took}

    @contextmanager
    def _within(self, limit: float, doing: str) -> Iterator[None]:
        """Let what is inside take no longer than `limit` seconds."""

        def stop() -> None:
            self.late = True
            self._kill()

        timer = threading.Timer(limit, stop)
        timer.start()
        try:
            yield
        except (EntryError, OSError) as error:
            if self.late:
                raise EntryError(f"stopped: it took longer than {limit:g} s {doing}") from None
            raise error if isinstance(error, EntryError) else self._ended() from None
        finally:
            timer.cancel()

    def _send(self, content: bytes) -> None:
        self.given.write(content)
        self.given.flush()

    def _receive(self, state: str, count: int) -> np.ndarray:
        """Return the logits of the next message; what the program says is believed in nothing else."""
        line = self.answers.readline(100_000)
        try:
            message = json.loads(line) if line else {}
        except ValueError:
            message = {"problem": "it wrote into the referee's stream"}
        if not isinstance(message, dict) or "problem" in message:
            raise EntryError(str(message["problem"] if isinstance(message, dict) else message)[:1000])
        if message.get("state") != state:
            raise self._ended()
        content = self.answers.read(4 * 10 * count)
        if len(content) != 40 * count:
            raise self._ended()
        logits = np.frombuffer(content, "<f4").reshape(count, 10)
        try:
            check_logits(logits, count)
        except ValueError as error:
            raise EntryError(str(error)) from None
        return logits

    def _ended(self) -> EntryError:
        self._kill()
        status = self.process.wait()
        return EntryError(f"it ended without an answer, with exit status {status}")
