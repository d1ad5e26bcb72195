"""``cnncourse experiment``: what the book publishes, made again by one command."""

import argparse
from typing import Any

from cnncourse._tables import table


def add_commands(commands: Any) -> None:
    """Add ``experiment`` with its actions."""
    experiment = commands.add_parser("experiment", help="list and run the experiments of the book")
    actions = experiment.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all experiments, and how many of their records are there")
    listing.set_defaults(call=_list)
    run = actions.add_parser(
        "run",
        help="make the records that are missing",
        description="Make every record that is missing or out of date. A run that was killed goes on at its "
        "last checkpoint; several processes may share an experiment.",
    )
    run.set_defaults(call=_run)
    run.add_argument("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or mps")
    status = actions.add_parser("status", help="where each run stands")
    status.set_defaults(call=_status)
    for action in (run, status):
        action.add_argument("name", nargs="+", metavar="NAME", help="an experiment, or your own in NAME.toml")
        action.add_argument("--only", nargs="+", metavar="RUN", help="some of its runs")
        action.add_argument("--seeds", nargs="+", type=int, metavar="N", help="some of its seeds")
        action.add_argument(
            "--work",
            default="runs/experiments",
            metavar="FOLDER",
            help="where runs are trained (default: runs/experiments)",
        )
    for action in (listing, run, status):
        action.add_argument("--records", metavar="FOLDER", help="where records are (default: the package's)")


def _list(options: argparse.Namespace) -> int:
    from cnncourse.experiments import Experiment, experiment_names, experiment_status

    rows = [("experiment", "records", "question")]
    damaged = []
    for name in experiment_names():
        experiment = Experiment.load(name)
        found = experiment_status(experiment, records=options.records)
        states = [row.state for row in found]
        rows.append((name, f"{states.count('done')} of {len(states)}", experiment.question))
        damaged += [row.detail for row in found if row.state == "damaged"]
    print(table(rows))
    for problem in damaged:
        print(problem)
    return 1 if damaged else 0


def _run(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from cnncourse.experiments import Experiment, run_experiment

    experiments = [Experiment.load(name) for name in options.name]  # all are read before the first is run
    states = []
    for experiment in experiments:
        for row in run_experiment(
            experiment, options.only, options.seeds, options.records, options.work,
            device=options.device, report=tqdm.write,
        ):  # fmt: skip
            states.append(row.state)
    done = states.count("done")
    print(f"{done} of {len(states)} records are there")
    return 0 if done == len(states) else 1


def _status(options: argparse.Namespace) -> int:
    from cnncourse.experiments import Experiment, experiment_status

    rows = [("experiment", "run", "seed", "state", "")]
    for name in options.name:
        experiment = Experiment.load(name)
        for row in experiment_status(experiment, options.only, options.seeds, options.records, options.work):
            rows.append((experiment.name, row.run, str(row.seed), row.state, row.detail))
    print(table(rows, right=[2]))
    return 0
