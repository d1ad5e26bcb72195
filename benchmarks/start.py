"""Starting: what ``import cnncourse`` adds to Python, and how soon ``cnncourse --help`` answers."""

import statistics
import subprocess
import sys

from benchmarks.timing import against, in_turn

IMPORT_MS, HELP_S = 60, 0.4
HEAVY = ("numpy", "torch", "matplotlib")
ROUNDS = 15


def call(*arguments: str) -> str:
    """Run Python with `arguments`; return what it prints."""
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout


def measure() -> bool:
    """Print both times; return whether both aims are met."""
    print("Starting")
    seconds = in_turn(
        {
            "nothing": lambda: call("-c", "pass"),
            "import": lambda: call("-c", "import cnncourse"),
            "help": lambda: call("-m", "cnncourse", "--help"),
        },
        ROUNDS,
    )
    added = [1e3 * (b - a) for a, b in zip(seconds["nothing"], seconds["import"], strict=True)]
    added_ms, help_s = statistics.median(added), statistics.median(seconds["help"])
    print(f"  import cnncourse adds {added_ms:.0f} ms; {against(added_ms, IMPORT_MS, most=True)}")
    code = f"import sys, cnncourse; print([name for name in {HEAVY} if name in sys.modules])"
    loaded = call("-c", code).strip()
    print(f"  of {', '.join(HEAVY)} it loads {'none' if loaded == '[]' else loaded}")
    print(f"  cnncourse --help answers in {help_s:.2f} s; {against(help_s, HELP_S, most=True)}")
    return added_ms <= IMPORT_MS and help_s <= HELP_S and loaded == "[]"
