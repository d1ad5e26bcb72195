"""Run a notebook as its test will run it, and keep of its outputs what is the same in every run."""

import math
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools.notebooks.source import Directive, SourceError

TIMEOUT = 300  # seconds a cell
RECORD = "application/papermill.record/"  # what `glue` puts before a value's kind
IGNORED = "nbval-ignore-output"
CHANGING = re.compile(r"\bat 0x[0-9a-fA-F]+")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
ENVIRONMENT = {
    "CNNCOURSE_DATA": "bundled",
    "CNNCOURSE_PROGRESS": "0",
    "KINETO_LOG_LEVEL": "99",  # torch's profiler reports on stderr
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TQDM_DISABLE": "1",
}


def environment(present: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment in which notebooks are run: bundled data, one thread, no progress bars."""
    return {**present, **ENVIRONMENT}


@dataclass(frozen=True)
class Stop:
    """Where the run of a notebook stopped: the number of the code cell, from 0, and what went wrong."""

    number: int
    message: str


def run_cells(
    notebook: nbformat.NotebookNode,
    folder: Path,
    env: Mapping[str, str],
    timeout: int = TIMEOUT,
    options: Sequence[str] = (),
) -> Stop | None:
    """Run a notebook's cells with a kernel that starts in `folder`, in place; tell where that stopped."""
    client = NotebookClient(
        notebook,
        timeout=timeout,
        iopub_timeout=60,  # on a busy machine the last output may come late
        raise_on_iopub_timeout=True,
        kernel_name=notebook.metadata.get("kernelspec", {}).get("name", "python3"),
        coalesce_streams=True,  # what is printed comes in pieces where the machine is busy
        extra_arguments=list(options),
        record_timing=False,  # it would stand in the cells' options, by which the book's cache compares
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute(env=dict(env), stderr=subprocess.DEVNULL)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        cells = code_cells(notebook)
        number = next((i for i, cell in enumerate(cells) if raised(cell)), None)
        if number is None:
            number = min(sum(cell.execution_count is not None for cell in cells), len(cells) - 1)
        return Stop(number, failure(cells[number], error))
    return None


def execute(notebook: nbformat.NotebookNode, folder: Path, path: str, directives: list[Directive]) -> None:
    """Run a notebook's cells in its own folder; the notebook is changed in place.

    Parameters
    ----------
    notebook : NotebookNode
        Of `make_notebook`.
    folder : Path
        Where the kernel starts.
    path : str
        The chapter's path, for messages.
    directives : list of Directive
        The chapter's code cells, for their lines; the notebook holds one more, the first.
    """
    if stop := run_cells(notebook, folder, environment()):
        raise SourceError(path, line_of(stop.number, directives), stop.message)


def failure(cell: nbformat.NotebookNode, error: Exception) -> str:
    """Say how a cell failed: the traceback where there is one, with what went wrong on its first line."""
    for output in cell.outputs:
        if output.output_type == "error":
            trace = ANSI.sub("", "\n".join(output.traceback))
            return f"the cell raised {output.ename}: {output.evalue}\n{trace}"
    return f"the cell did not finish: {error}"


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Return a notebook's cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def raised(cell: nbformat.NotebookNode) -> bool:
    """Tell whether a cell raised an error that it was not meant to raise."""
    expected = "raises-exception" in cell.metadata.get("tags", [])
    return not expected and any(output.output_type == "error" for output in cell.outputs)


def line_of(number: int, directives: list[Directive]) -> int:
    """Return the line of the chapter at which the notebook's code cell with this number (from 0) stands."""
    return directives[number - 1].line if number else 1


def clean(notebook: nbformat.NotebookNode, path: str, directives: list[Directive]) -> None:
    """Keep of the outputs text and glued values; stop at what would change from run to run."""
    for number, cell in enumerate(code_cells(notebook)):
        cell.metadata.pop("execution", None)
        cell.execution_count = number + 1
        ignored = IGNORED in cell.metadata.get("tags", [])
        try:
            outputs = [
                clean_output(output, cell.execution_count)
                for output in cell.outputs
                if not ignored or glued(output)
            ]
        except ValueError as error:
            raise SourceError(path, line_of(number, directives), str(error)) from None
        cell.outputs = [output for output in outputs if output.get("data") != {}]


def glued(output: nbformat.NotebookNode) -> str:
    """Return the name under which an output is glued, or nothing."""
    return str(output.get("metadata", {}).get("scrapbook", {}).get("name", ""))


def clean_output(output: nbformat.NotebookNode, count: int) -> nbformat.NotebookNode:
    """Return an output without pictures, paths and addresses."""
    output = nbformat.from_dict(output)
    if output.output_type == "stream":
        if output.name == "stderr":
            raise ValueError(f"the cell warns; mend it, or tag it {IGNORED}:\n{output.text}")
        check_stable(output.text)
        return output
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]
        check_stable(output.evalue)
        return output
    name = glued(output)
    output.metadata = {"scrapbook": {"mime_prefix": RECORD, "name": name}} if name else {}
    output.data = {kind: value for kind, value in output.data.items() if not kind.startswith("image/")}
    if name:
        output.data = {kind: shorten(value) for kind, value in output.data.items()}
    for value in output.data.values():
        check_stable(value)
    if "execution_count" in output:
        output.execution_count = count
    return output


def check_stable(text: Any) -> None:
    """Stop at text that is different in the next run, or on the next machine."""
    found = CHANGING.search(str(text))
    if found or str(Path.cwd()) in str(text):
        what = found.group() if found else "the path of a folder"
        raise ValueError(f"the output holds {what}, which changes from run to run; print something else")


def shorten(value: str) -> str:
    """Return a glued value with ten digits if it is a float: enough for prose, and the same on most machines.

    Examples
    --------
    >>> shorten("0.30000000000000004"), shorten("1792"), shorten("two")
    ('0.3', '1792', 'two')
    """
    try:
        number = float(value)
    except ValueError:
        return value
    if not math.isfinite(number) or value.lstrip("-").isdigit():
        return value
    return repr(float(f"{number:.10g}"))


def keep_measured(new: nbformat.NotebookNode, old: nbformat.NotebookNode | None) -> None:
    """Keep the glued values of cells whose outputs change from run to run, as long as no code has changed."""
    if old is None:
        return
    pairs = list(zip(code_cells(new), code_cells(old), strict=False))
    if len(pairs) != len(code_cells(new)) or any(a.source != b.source for a, b in pairs):
        return
    for cell, stored in pairs:
        names = [glued(output) for output in stored.outputs]
        if IGNORED in cell.metadata.get("tags", []) and names == [glued(output) for output in cell.outputs]:
            cell.outputs = stored.outputs
