"""``cnncourse runs``: list, show, plot and compare what was trained."""

import argparse
from typing import TYPE_CHECKING, Any

from cnncourse._tables import table
from cnncourse.cli.pictures import save_picture
from cnncourse.cli.train import add_runs_option

if TYPE_CHECKING:
    from cnncourse.experiments import RunRecord

_METRICS = ("train_accuracy", "validation_accuracy")


def add_commands(commands: Any) -> None:
    """Add ``runs`` with its actions."""
    runs = commands.add_parser("runs", help="list, show, plot and compare what was trained")
    actions = runs.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all runs in one table")
    listing.set_defaults(call=_list)
    show = actions.add_parser("show", help="how a run was made, and each of its epochs")
    show.set_defaults(call=_show)
    show.add_argument("run", metavar="RUN", help="a run's name, folder or record")
    plot = actions.add_parser("plot", help="draw the curves of runs into a picture")
    plot.set_defaults(call=_plot)
    plot.add_argument("run", nargs="+", metavar="RUN")
    plot.add_argument(
        "--metric",
        nargs="+",
        metavar="KEY",
        help="columns of the history, such as train_loss (default: both accuracies of one run, "
        "the validation accuracy of several)",
    )
    plot.add_argument("--output", metavar="FILE", help="the picture's file (default: NAME.png or runs.png)")
    compare = actions.add_parser("compare", help="what differs between runs, and their results")
    compare.set_defaults(call=_compare)
    compare.add_argument("run", nargs="+", metavar="RUN")
    for action in (listing, show, plot, compare):
        add_runs_option(action)


def _list(options: argparse.Namespace) -> int:
    from cnncourse.experiments import list_runs
    from cnncourse.experiments.kept_runs import summarize

    rows = [("run", "network", "data", "epochs", "validation", "test", "seconds", "status")]
    problems = []
    for run in list_runs(options.runs):
        if run.record is None:
            problems.append(f"{run.name}: {run.problem}")
            continue
        found = summarize(run.record)
        numbers = [
            _text(key, found[key]) for key in ("validation_accuracy", "test_accuracy", "train_seconds")
        ]
        epochs = f"{round(found['epochs_done'], 2):g}/{run.record.recipe.get('epochs', '?')}"
        network, data_name = run.record.model["name"], run.record.dataset["name"]
        rows.append((run.name, network, data_name, epochs, *numbers, run.record.status))
    if len(rows) > 1:
        print(table(rows, right=range(3, 7)))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def _show(options: argparse.Namespace) -> int:
    from cnncourse.experiments import read_record
    from cnncourse.experiments.kept_runs import summarize

    record = read_record(options.run, options.runs)
    print(f"{record.name}: {record.status}\n{record.command}\n")
    parts = {"network": record.model, "recipe": record.recipe, "data": record.dataset}
    lists = {key: value for key, value in record.result.items() if isinstance(value, list) and value}
    result = {key: value for key, value in record.result.items() if key not in lists}
    result = {key: value for key, value in (summarize(record) | result).items() if value is not None}
    result = {key: value for key, value in result.items() if key not in record.model}
    parts |= {"environment": record.environment, "result": result}
    parts["time"] = {"started": record.started, "finished": record.finished}
    rows = []
    for title, values in parts.items():
        shown = {key: value for key, value in values.items() if not isinstance(value, (list, dict)) or value}
        for index, (key, value) in enumerate(shown.items()):
            rows.append((title if index == 0 else "", _words(key), _text(key, value)))
    print(table(rows))
    if record.history:
        keys = [key for key in record.history[0] if any(row.get(key) is not None for row in record.history)]
        body = [[_text(key, row.get(key)) for key in keys] for row in record.history]
        print("\n" + table([list(map(_words, keys)), *body], right=range(len(keys))))
    for measured in lists.values():  # such as a row for each layer
        body = [[_text(key, value) for key, value in row.items()] for row in measured]
        print("\n" + table([list(map(_words, measured[0])), *body]))
    return 0


def _plot(options: argparse.Namespace) -> int:
    from cnncourse.experiments import read_records

    records = read_records(options.run, options.runs)
    usual = [key for key in _METRICS if _has(records, key)] if len(records) == 1 else _METRICS[1:]
    metrics = options.metric or usual or _METRICS[:1]
    for metric in metrics:
        _check_metric(records, metric)
    name = next(iter(records)) if len(records) == 1 else "runs"
    _save_curves(records, metrics, options.output or f"{name}.png")
    return 0


def _check_metric(records: "dict[str, RunRecord]", metric: str) -> None:
    """Raise unless every run has numbers of this name."""
    missing = [name for name, record in records.items() if not _has({name: record}, metric)]
    if missing:
        keys = dict.fromkeys(key for record in records.values() for row in record.history for key in row)
        shared = [key for key in keys if key != "epoch" and _has(records, key)]
        there = f"to draw there is {', '.join(shared)}" if shared else "there is nothing in common to draw"
        raise ValueError(f"the history of {', '.join(missing)} has no {metric!r}; {there}")


def _has(records: "dict[str, RunRecord]", metric: str) -> bool:
    """Return whether the histories of all runs have numbers of this name."""
    return all(
        any(isinstance(row.get(metric), (int, float)) for row in record.history)
        for record in records.values()
    )


def _save_curves(records: "dict[str, RunRecord]", metrics: Any, output: str) -> None:
    """Save the runs' curves as a picture."""
    import matplotlib

    matplotlib.use("agg")
    from cnncourse import plots

    histories = {name if len(records) > 1 else "": record.history for name, record in records.items()}
    figure, ax = plots.figure()
    plots.curves(histories, list(metrics), ax, title=next(iter(records)) if len(records) == 1 else None)
    save_picture(figure, output)


def _compare(options: argparse.Namespace) -> int:
    from cnncourse.experiments import compare_runs, read_records

    found = compare_runs(read_records(options.run, options.runs))
    rows = [["", *found.names]]
    for values in (found.settings, found.results):
        rows += [[_words(key), *(_text(key, value) for value in row)] for key, row in values.items()]
        rows += [[""] * len(rows[0])] * (values is found.settings)
    print(table(rows, right=range(1, len(rows[0]))))
    if not found.settings:
        print("\nnothing differs in how they were made")
    return 0


def _words(key: str) -> str:
    """Return a key as words."""
    return key.replace("_", " ")


def _text(key: str, value: Any) -> str:
    """Return a value as a table shows it: accuracies as percent, times in seconds, counts with commas."""
    if value is None or value in ([], {}):
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, dict)):
        return ", ".join(f"{item}" for item in (value.items() if isinstance(value, dict) else value))
    if isinstance(value, float) and "accuracy" in key:
        return f"{value:.2%}"
    if isinstance(value, float) and key.endswith(("seconds", "per_second")):
        return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
