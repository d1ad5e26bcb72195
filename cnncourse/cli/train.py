"""``cnncourse train`` and ``cnncourse evaluate``."""

import argparse
import os
import shlex
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnncourse.training.presets import AnyRecipe

INTERRUPTED = 130
# Keys of the recipe with a flag of their own; `--set` takes every key.
_FLAGS = ("epochs", "batch_size", "optimizer", "learning_rate", "seed")


def add_commands(commands: Any) -> None:
    """Add ``train`` and ``evaluate``."""
    _add_train(commands)
    evaluate = commands.add_parser("evaluate", help="evaluate a trained network on the test split")
    evaluate.add_argument("run", metavar="RUN", help="a run's name or folder")
    evaluate.add_argument("--data", metavar="NAME", help="another data set, or the path of the run's own")
    evaluate.add_argument("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or mps")
    add_runs_option(evaluate)
    evaluate.set_defaults(call=_evaluate)


def _add_train(commands: Any) -> None:
    train = commands.add_parser(
        "train",
        help="train a network",
        description="Train a network. A tenth of the training images is kept for validation; "
        "record and weights are saved after each epoch. What is not given comes from the recipe. "
        "A speedrun (--recipe cpu94) brings its own network and learns from all images of CIFAR-10, "
        "--recipe cifar100 from those of CIFAR-100.",
    )
    train.add_argument(
        "model", nargs="?", metavar="NAME", help="the network, such as three_conv; none with a speedrun"
    )
    train.add_argument(
        "--data", metavar="NAME", help="data set or path (default: cifar10 if it is here, else shapes10)"
    )
    train.add_argument(
        "--size", type=int, metavar="N", help="scale the images to NxN pixels (default: as they are)"
    )
    train.add_argument("--option", **_key_values("an option of the network, such as dropout=0.5"))
    train.add_argument(
        "--recipe", metavar="FILE", help="a recipe in TOML, or that of a speedrun by name, such as cpu94"
    )
    train.add_argument("--epochs", type=_count_or_share, metavar="N")
    train.add_argument("--batch-size", type=int, metavar="N")
    train.add_argument("--optimizer", metavar="NAME", help="sgd, adam, adamw or muon")
    train.add_argument("--learning-rate", type=float, metavar="RATE")
    train.add_argument("--seed", type=int, metavar="N")
    train.add_argument("--set", **_key_values("any key of the recipe, such as schedule=cosine or flip=true"))
    train.add_argument(
        "--validation",
        type=float,
        metavar="SHARE",
        help="0 for none (default: 0.1; of a speedrun 0)",
    )
    train.add_argument("--test", action="store_true", help="evaluate on the test split at the end")
    train.add_argument("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or mps")
    train.add_argument("--name", help="the run's name (default: network, data and a number)")
    train.add_argument(
        "--resume", action="store_true", help="go on with the run of this --name at its last checkpoint"
    )
    add_runs_option(train)
    train.set_defaults(call=_train, misuse=train.error)


def _count_or_share(text: str) -> int | float:
    """Return a number, whole if it is written so."""
    return int(text) if text.isdecimal() else float(text)


def _key_values(help_text: str) -> dict[str, Any]:
    """Return what argparse needs to know about an argument KEY=VALUE that may be given several times."""
    return {
        "action": "append",
        "default": [],
        "metavar": "KEY=VALUE",
        "help": f"{help_text}; may be repeated",
    }


def add_runs_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--runs``."""
    parser.add_argument(
        "--runs", default="runs", metavar="FOLDER", help="where runs are kept (default: runs)"
    )


def parse_values(flag: str, pairs: Sequence[str]) -> dict[str, Any]:
    """Return the values of ``KEY=VALUE`` by key, read as TOML; what is no TOML is a string.

    Raises
    ------
    ValueError
        If there is no ``=``, a key comes twice, or there are several in one.

    Examples
    --------
    >>> parse_values("--set", ["milestones=[0.5, 0.75]", "schedule=step", "flip=true"])
    {'milestones': [0.5, 0.75], 'schedule': 'step', 'flip': True}
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not key or not equals or not text:
            raise ValueError(f"{flag} needs KEY=VALUE, such as epochs=3, got {pair!r}")
        if key in values:
            raise ValueError(f"{flag} has {key!r} twice; leave one out")
        try:
            read = tomllib.loads(f"value = {text}")
        except tomllib.TOMLDecodeError:
            read = {"value": text}
        if set(read) != {"value"}:
            raise ValueError(
                f"{flag} takes one KEY=VALUE, got several lines in {pair!r}; repeat {flag} for each"
            )
        values[key] = read["value"]
    return values


def _train(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from cnncourse import data, experiments, models
    from cnncourse._checks import check_choice
    from cnncourse.experiments.recording import describe_row
    from cnncourse.training.speed_recipe import SpeedRecipe

    if options.model is None and options.recipe is None:
        options.misuse("name a network, such as three_conv, or a recipe of a speedrun: --recipe cpu94")
    if options.model is not None:
        _check_no_preset(options.model)
        check_choice("model", options.model, models.MODELS)
    if options.resume and not options.name:
        raise ValueError("--resume needs the run to go on with: give --name NAME")
    recipe = _recipe(options)
    fast = isinstance(recipe, SpeedRecipe)
    options.model = options.model or SpeedRecipe.network
    if options.validation is None:
        options.validation = 0.0 if fast else 0.1
    data_name = options.data or (_data_of(options.recipe) if fast else data.default_name())
    setup = experiments.Setup(
        options.model,
        data_name,
        recipe,
        options=parse_values("--option", options.option),
        validation=options.validation,
        size=options.size,
        command=_command(options, data_name),
    )
    first = os.environ.get("RANK", "0") == "0"  # of several processes that torchrun started, one speaks
    if first:
        print(f"{options.model} on {_plain(data_name)}: {_describe(recipe)}", flush=True)
    if fast:
        _warn_of_memory()
    record, folder = (experiments.speedrun if fast else experiments.train)(
        setup,
        runs=options.runs,
        name=options.name,
        test=options.test,
        device=options.device,
        resume=options.resume,
        report=(lambda row: tqdm.write(describe_row(row, recipe))) if first else None,
    )
    if first:
        _report(record, folder, options.test, fast)
    return INTERRUPTED if record.status == "interrupted" else 0


def _check_no_preset(model: str) -> None:
    """Raise if what is given as the network is the name of a speedrun's recipe."""
    from cnncourse.training.presets import preset_names

    if model in preset_names():
        raise ValueError(f"{model!r} is no network but a recipe: cnncourse train --recipe {model}")


def _data_of(recipe: str) -> str:
    """Return the data set of a speedrun by default: that which its recipe is named after, else cifar10."""
    from cnncourse import data

    return recipe if recipe in data.NAMES else "cifar10"


def _warn_of_memory() -> None:
    """Say so if there is little memory, before the system ends us for it."""
    from cnncourse.cli.doctor import check_memory

    for finding in check_memory():
        if finding.state != "ok":
            print(f"{finding}; batches of 100 need less: --set batch_size=100", file=sys.stderr)


def _report(record: Any, folder: Path, test: bool, fast: bool) -> None:
    """Print how the training ended."""
    if record.status == "interrupted" and fast:
        print("interrupted: nothing is kept, a speedrun is saved at its end; the same command begins anew")
        return
    if record.status == "interrupted":
        kept = f"epoch {len(record.history)} is saved in {folder}" if record.history else "no epoch was whole"
        print(f"interrupted: {kept}")
        if record.history:
            print(f"to go on: the same command with --name {shlex.quote(folder.name)} --resume")
        return
    if fast:
        print(f"trained in {record.result['train_seconds']:.1f} s, in {record.environment['dtype']}")
        if (share := record.history[-1]["validation_accuracy"]) is not None:
            print(f"validation accuracy {_percent(share)}")
    if test:
        averaged = _averaged(record.result["test_accuracy_tta"]) if fast else ""
        print(f"test accuracy {_percent(record.result['test_accuracy'])}{averaged}")
    else:
        print(f"for the accuracy on the test split: cnncourse evaluate {shlex.quote(str(folder))}")
    print(f"saved in {folder}")


def _recipe(options: argparse.Namespace) -> "AnyRecipe":
    """Return the recipe: the file's or the network's own, changed by what the command line gives."""
    from cnncourse.training import Recipe
    from cnncourse.training.presets import load_recipe, preset_names
    from cnncourse.training.speed_recipe import SpeedRecipe

    if options.recipe is None and options.model == SpeedRecipe.network:
        raise ValueError(f"{options.model} needs a recipe: --recipe with one of {', '.join(preset_names())}")
    recipe = load_recipe(options.recipe) if options.recipe else Recipe.for_model(options.model)
    if options.model is None and isinstance(recipe, Recipe):
        raise ValueError(
            f"the recipe {options.recipe!r} is for any network: name one, as in "
            f"cnncourse train three_conv --recipe {options.recipe}"
        )
    changes = parse_values("--set", options.set)
    for name in _FLAGS:
        value = getattr(options, name)
        if value is not None:
            if name in changes:
                flag = f"--{name.replace('_', '-')}"
                raise ValueError(f"{name} is given by {flag} and by --set; leave one out")
            changes[name] = value
    return recipe.replace(**changes)


def _describe(recipe: "AnyRecipe") -> str:
    """Return the recipe's main values in words."""
    from cnncourse.training import Recipe

    words = [f"{recipe.epochs:g} epoch{'s'[: recipe.epochs != 1]}", f"batches of {recipe.batch_size}"]
    if isinstance(recipe, Recipe):
        words += [f"{recipe.optimizer} at {recipe.learning_rate:g}", f"{recipe.schedule} schedule"]
        words += [f"crop {recipe.crop}"] * bool(recipe.crop) + ["flip"] * recipe.flip
    else:
        sizes = [f"{size}x{size}" for _, size in recipe.sizes]
        words += [f"images of {', then '.join(sizes)}", f"widths {', '.join(map(str, recipe.widths))}"]
    return ", ".join(words)


def _command(options: argparse.Namespace, data_name: str) -> str:
    """Return the command line that makes the run again, without the paths of this machine."""
    words = ["cnncourse", "train", options.model, "--data", _plain(data_name)]
    for pair in options.option:
        words += ["--option", pair]
    for name in ("size", "recipe", *_FLAGS, "validation"):
        value = getattr(options, name)
        if value is not None:
            words += [f"--{name.replace('_', '-')}", _plain(str(value)) if name == "recipe" else str(value)]
    for pair in options.set:
        words += ["--set", pair]
    return shlex.join([*words, "--test"] if options.test else words)


def _plain(name_or_path: str) -> str:
    """Return a name as it is, and a path's last part."""
    return Path(name_or_path).name or name_or_path


def _evaluate(options: argparse.Namespace) -> int:
    from cnncourse import experiments

    found = experiments.evaluate_run(options.run, options.runs, options.data, options.device)
    data_name = _plain(options.data or found.record.dataset["name"])
    print(
        f"{found.record.name}: {found.record.model['name']} on the test split of {data_name}: "
        f"accuracy {_percent(found.accuracy)}{_averaged(found.accuracy_tta)}, "
        f"loss {found.loss:.3f}"
    )
    if not found.kept:
        print("not kept in its record: these are not the test images of its data set")
    return 0


def _averaged(share: float | None) -> str:
    return "" if share is None else f", {_percent(share)} averaged over views"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"
