"""The command line: parse, call, print. Everything heavy is imported by the command that needs it."""

import argparse
import io
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import cnncourse
from cnncourse.cli import (
    assignment,
    bench,
    check,
    classify,
    data,
    doctor,
    experiment,
    export,
    predict,
    runs,
    train,
)

INTERRUPTED = 130  # the exit status of a program that Ctrl-C ended


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit status: 0, 1 for an error, 2 for a wrong call, 130 for Ctrl-C."""
    prepare_streams()
    options = build_parser().parse_args(arguments)
    # Threads that wait for each other spin for about 50 microseconds, then sleep: sleeping at once costs two
    # thirds more time where steps are short, spinning on slows every other program on the same cores.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    try:
        with warnings_as_text():
            status = int(options.call(options))
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("cnncourse: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains as it ends
        return 1
    except (ValueError, TypeError, OSError, RuntimeError, MemoryError, ImportError) as error:
        if options.traceback:
            raise
        print(f"cnncourse: {error}", file=sys.stderr)
        return 1


def prepare_streams() -> None:
    """Let everything be printed: a letter that is missing as an escape, and nowhere if a stream is closed.

    Python has None for a stream that was closed before it started, as by ``cnncourse ... >&-``.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 (open until we end)
            setattr(sys, name, nowhere)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def warnings_as_text() -> Iterator[None]:
    """Print warnings inside the block as ``warning: TEXT``: the line of code is of no use to a reader."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        print(f"warning: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        # Pillow's alarm at huge photos names no file: what reads them says which it was and what to do.
        warnings.filterwarnings("ignore", "Image size .* exceeds limit")
        yield


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="cnncourse", description="Convolutional neural networks: train, evaluate, manage data."
    )
    parser.add_argument("--version", action="version", version=f"cnncourse {cnncourse.__version__}")
    parser.add_argument("--traceback", action="store_true", help="show where in the code an error arose")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in (train, predict, runs, experiment, bench, classify, export, check, assignment, data, doctor):
        group.add_commands(commands)
    return parser
