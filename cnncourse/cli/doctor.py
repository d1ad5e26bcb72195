"""``cnncourse doctor``."""

import argparse
from typing import Any


def add_commands(commands: Any) -> None:
    """Add ``doctor``."""
    doctor = commands.add_parser("doctor", help="check whether the course works on this machine")
    doctor.set_defaults(call=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from cnncourse.cli.examine import examine

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
