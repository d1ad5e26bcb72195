"""``cnncourse bench``: our recipes and the tutorials' networks, timed on this machine."""

import argparse
import json
from typing import Any

INTERRUPTED = 130


def add_commands(commands: Any) -> None:
    """Add ``bench`` with its actions."""
    bench = commands.add_parser("bench", help="measure how soon a network is how good on this machine")
    actions = bench.add_subparsers(title="actions", metavar="ACTION", required=True)
    cifar10 = actions.add_parser(
        "cifar10",
        help="seconds to 74, 80, 90 and 94%%, beside five tutorials",
        description="Train our recipes and, as tutorials type them, the networks of five tutorials, in turn; "
        "print seconds, accuracies and ratios. Each run is kept as it ends: after Ctrl-C the same command "
        "goes on. Close other programs: they make all times longer.",
    )
    amount = cifar10.add_mutually_exclusive_group()
    amount.add_argument("--quick", action="store_true", help="under five minutes: tutorials in small part")
    amount.add_argument("--full", action="store_true", help="three_conv for all of its 30 epochs")
    cifar10.add_argument("--levels", nargs="+", metavar="N", help="some of 74, 80, 90, 94 (CUDA: 96 too)")
    cifar10.add_argument(
        "--seeds",
        nargs="+",
        type=int,
        metavar="N",
        help="of each level (default: up to 0 1 2), and of an entry",
    )
    cifar10.add_argument("--entry", metavar="FILE", help="your own network: Python code that defines train")
    cifar10.add_argument(
        "--limit", type=float, metavar="S", help="seconds that an entry may train (default: 600)"
    )
    cifar10.add_argument("--json", metavar="FILE", help="write the means by level")
    cifar10.add_argument(
        "--fresh", action="store_true", help="measure anew; what was measured before is kept"
    )
    cifar10.add_argument("--data", default="cifar10", metavar="NAME", help="shapes10 to try the bench on")
    cifar10.add_argument("--device", default="auto", metavar="NAME", help="auto, cpu or cuda")
    cifar10.add_argument(
        "--runs", default="runs/bench", metavar="FOLDER", help="where records are (default: runs/bench)"
    )
    cifar10.set_defaults(call=_cifar10)


def _cifar10(options: argparse.Namespace) -> int:
    from cnncourse import bench
    from cnncourse._files import write_whole
    from cnncourse.contest.entry import LIMIT, Entry
    from cnncourse.training.support import choose_device

    entry = None
    if options.entry is not None:
        entry = Entry(options.entry, options.seeds or (0, 1, 2), options.limit or LIMIT)
    elif options.limit is not None:
        raise ValueError("--limit is for an entry: give --entry FILE too")
    device = choose_device(options.device)
    mode = "quick" if options.quick else "full" if options.full else "usual"
    plan = bench.Plan(
        mode,
        bench.recipes_for(options.levels, mode, device.type),
        options.seeds,
        published=device.type == "cuda",
    )
    run = bench.Bench(
        plan, bench.load_images(options.data), device, options.runs, _command(options), options.fresh
    )
    if not plan.published:
        print("the published recipe for 94% needs a CUDA device and is left out")
    print("the number format is chosen, and imports and first batches are done, before each clock starts")
    try:
        run.run(entry, report=lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        print(f"interrupted: {len(run.record.runs)} runs are kept in {run.path}; the same command goes on")
        return INTERRUPTED
    crossed = run.crossed_after()
    print("\n" + bench.describe(run.record, crossed) + f"\n\nsaved in {run.path}")
    if options.json:
        text = json.dumps(bench.as_json(run.record, crossed), indent=1, allow_nan=False)
        write_whole(options.json, (text + "\n").encode())
    return 0


def _command(options: argparse.Namespace) -> str:
    """Return the command that makes the record again, without paths."""
    words = ["cnncourse bench cifar10"]
    words += [f"--{name}" for name in ("quick", "full") if getattr(options, name)]
    for name in ("levels", "seeds"):
        if values := getattr(options, name):
            words.append(f"--{name} {' '.join(map(str, values))}")
    return " ".join(words + ["--data shapes10"] * (options.data == "shapes10"))
