"""The command line: parse, call, print. Everything heavy is imported by the command that needs it."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cnncourse

if TYPE_CHECKING:
    from cnncourse.training import Recipe

INTERRUPTED = 130  # the exit status of a program that Ctrl-C ended


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit status: 0, 1 for an error, 2 for a wrong call, 130 for Ctrl-C."""
    options = build_parser().parse_args(arguments)
    # Waiting threads sleep: with busy waiting, two programs on the same cores slow each other tenfold.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        status = int(options.call(options))
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("cnncourse: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains as it ends
        return 1
    except (ValueError, TypeError, OSError, RuntimeError, NotImplementedError) as error:
        if options.traceback:
            raise
        print(f"cnncourse: {error}", file=sys.stderr)
        return 1


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="cnncourse", description="Convolutional neural networks: train, evaluate, manage data."
    )
    parser.add_argument("--version", action="version", version=f"cnncourse {cnncourse.__version__}")
    parser.add_argument("--traceback", action="store_true", help="show where in the code an error arose")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_train(commands)
    _add_evaluate(commands)
    _add_data(commands)
    doctor = commands.add_parser("doctor", help="check whether the course works on this machine")
    doctor.set_defaults(call=_doctor)
    return parser


def _add_train(commands: Any) -> None:
    train = commands.add_parser(
        "train",
        help="train a network",
        description="Train a network. A tenth of the training images is kept for validation; "
        "record and weights are saved after each epoch. What is not given comes from the recipe.",
    )
    train.add_argument("model", metavar="NAME", help="the network, such as three_conv")
    train.add_argument(
        "--data", metavar="NAME", help="data set or path (default: cifar10 if it is here, else shapes10)"
    )
    train.add_argument("--recipe", metavar="FILE", help="a recipe in TOML")
    train.add_argument("--epochs", type=int, metavar="N")
    train.add_argument("--batch-size", type=int, metavar="N")
    train.add_argument("--optimizer", metavar="NAME", help="sgd, adam or adamw")
    train.add_argument("--learning-rate", type=float, metavar="RATE")
    train.add_argument("--seed", type=int, metavar="N")
    train.add_argument(
        "--validation", type=float, default=0.1, metavar="SHARE", help="0 for none (default: 0.1)"
    )
    train.add_argument("--test", action="store_true", help="evaluate on the test split at the end")
    train.add_argument("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or mps")
    train.add_argument("--name", help="the run's name (default: network, data and a number)")
    _add_runs(train)
    train.set_defaults(call=_train)


def _add_evaluate(commands: Any) -> None:
    evaluate = commands.add_parser("evaluate", help="evaluate a trained network on the test split")
    evaluate.add_argument("run", metavar="RUN", help="a run's name or folder")
    evaluate.add_argument("--data", metavar="NAME", help="another data set, or the path of the run's own")
    evaluate.add_argument("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or mps")
    _add_runs(evaluate)
    evaluate.set_defaults(call=_evaluate)


def _add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runs", default="runs", metavar="FOLDER", help="where runs are kept (default: runs)"
    )


def _add_data(commands: Any) -> None:
    data = commands.add_parser("data", help="list, fetch, verify and show data sets")
    actions = data.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the data sets, and which are on this machine")
    listing.set_defaults(call=_data_list)
    fetch = actions.add_parser("fetch", help="download a data set into the cache")
    fetch.set_defaults(call=_data_fetch)
    verify = actions.add_parser("verify", help="compare a data set with its known fingerprints")
    verify.set_defaults(call=_data_verify)
    show = actions.add_parser("show", help="describe a data set and save a picture of some of its images")
    show.add_argument("--split", default="train", metavar="SPLIT", help="train or test (default: train)")
    show.add_argument("--output", metavar="FILE", help="the picture's file (default: NAME-SPLIT.png)")
    show.add_argument("--seed", type=int, default=0, metavar="N", help="draws the images")
    show.set_defaults(call=_data_show)
    for action in (fetch, verify, show):
        action.add_argument(
            "name", metavar="NAME", help="the data set" + ("" if action is fetch else " or a path")
        )


def _train(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from cnncourse import data, models, training
    from cnncourse._checks import check_choice
    from cnncourse.training.progress import describe_epoch

    check_choice("model", options.model, models.MODELS)
    recipe = _recipe(options)
    data_name = options.data or data.default_name()
    print(f"{options.model} on {_plain(data_name)}: {_describe(recipe)}", flush=True)
    record, folder = training.train(
        options.model,
        data_name,
        recipe,
        runs=options.runs,
        name=options.name,
        validation=options.validation,
        test=options.test,
        device=options.device,
        report=lambda row: tqdm.write(describe_epoch(row, recipe.epochs)),
        command=_command(options, data_name),
    )
    if record.status == "interrupted":
        kept = f"epoch {len(record.history)} is saved in {folder}" if record.history else "no epoch was whole"
        print(f"interrupted: {kept}")
        return INTERRUPTED
    if options.test:
        print(f"test accuracy {100 * record.result['test_accuracy']:.2f} %")
    else:
        print(f"for the accuracy on the test split: cnncourse evaluate {shlex.quote(str(folder))}")
    print(f"saved in {folder}")
    return 0


def _recipe(options: argparse.Namespace) -> "Recipe":
    """Return the recipe: the file's or the network's own, changed by what the command line gives."""
    from cnncourse.training import Recipe

    recipe = Recipe.load(options.recipe) if options.recipe else Recipe.for_model(options.model)
    names = ("epochs", "batch_size", "optimizer", "learning_rate", "seed")
    return recipe.replace(
        **{name: getattr(options, name) for name in names if getattr(options, name) is not None}
    )


def _describe(recipe: "Recipe") -> str:
    """Return the recipe's main values in words."""
    words = [f"{recipe.epochs} epoch{'s'[: recipe.epochs != 1]}", f"batches of {recipe.batch_size}"]
    words += [f"{recipe.optimizer} at {recipe.learning_rate:g}", f"{recipe.schedule} schedule"]
    words += [f"crop {recipe.crop}"] * bool(recipe.crop) + ["flip"] * recipe.flip
    return ", ".join(words)


def _command(options: argparse.Namespace, data_name: str) -> str:
    """Return the command line that makes the run again, without the paths of this machine."""
    words = ["cnncourse", "train", options.model, "--data", _plain(data_name)]
    for name in ("recipe", "epochs", "batch_size", "optimizer", "learning_rate", "seed", "validation"):
        value = getattr(options, name)
        if value is not None:
            words += [f"--{name.replace('_', '-')}", _plain(str(value)) if name == "recipe" else str(value)]
    return shlex.join([*words, "--test"] if options.test else words)


def _plain(name_or_path: str) -> str:
    """Return a name as it is, and a path's last part."""
    return Path(name_or_path).name or name_or_path


def _evaluate(options: argparse.Namespace) -> int:
    from cnncourse import training

    record, measured = training.evaluate_run(options.run, options.runs, options.data, options.device)
    data_name = _plain(options.data or record.dataset["name"])
    print(
        f"{record.name}: {record.model['name']} on the test split of {data_name}: "
        f"accuracy {100 * measured['accuracy']:.2f} %, loss {measured['loss']:.3f}"
    )
    return 0


def _data_list(options: argparse.Namespace) -> int:
    from cnncourse import data

    for status in data.available():
        print(f"{status.name:<10} {status.state:<10} {status.detail}")
    return 0


def _data_fetch(options: argparse.Namespace) -> int:
    from cnncourse import data
    from cnncourse._progress import wants_progress

    folder = data.fetch(options.name, progress=wants_progress())
    print(f"{options.name} is in {folder}")
    return 0


def _data_verify(options: argparse.Namespace) -> int:
    from cnncourse import data

    checks = data.verify(options.name)
    for check in checks:
        verdict = "as recorded" if check.ok else f"NOT the recorded {check.expected}"
        verdict = verdict if check.expected else "nothing recorded to compare it with"
        print(
            f"{options.name} {check.split}: {check.images} images, fingerprint {check.fingerprint}, {verdict}"
        )
    return 0 if all(check.ok for check in checks) else 1


def _data_show(options: argparse.Namespace) -> int:
    from cnncourse import data

    image_set = data.load(options.name, options.split)
    mean, std = image_set.statistics()
    print(image_set)
    for name, count in image_set.class_counts().items():
        print(f"  {name:<12} {count}")
    print(f"  mean {mean.round(4).tolist()}, standard deviation {std.round(4).tolist()}, pixels on 0 to 1")
    path = Path(options.output or f"{image_set.name}-{image_set.split}.png")
    _save_picture(image_set.take(min(len(image_set), 24), seed=options.seed), path)
    print(f"saved in {path}")
    return 0


def _save_picture(image_set: Any, path: Path) -> None:
    """Save the images with their classes as a picture."""
    import matplotlib

    matplotlib.use("agg")
    from cnncourse import plots

    titles = [image_set.classes[label] for label in image_set.labels]
    axes = plots.images(image_set, titles=titles, columns=6)
    axes.flat[0].figure.savefig(path, dpi=160)


def _doctor(options: argparse.Namespace) -> int:
    from cnncourse.doctor import examine

    findings = examine()
    for finding in findings:
        print(finding)
    problems = sum(finding.state == "problem" for finding in findings)
    print(
        f"{problems} problem{'s'[: problems != 1]}"
        if problems
        else "everything that the course needs is there"
    )
    return 1 if problems else 0
