"""What a container allows this process: the limits of its control groups, of both versions."""

from pathlib import Path

ROOT = Path("/")


def free_memory(root: Path = ROOT) -> int | None:
    """Return the bytes of memory that the container's limits leave, or None if there is no limit.

    What it has used counts without the copies of files that the system would give up for it.
    """
    left = [_left(folder, version) for folder, version in _groups(root, "memory")]
    return min((each for each in left if each is not None), default=None)


def cores(root: Path = ROOT) -> float | None:
    """Return how many cores' worth of time the container's limits leave, or None if there is no limit."""
    shares = []
    for folder, version in _groups(root, "cpu"):
        if version == 2:
            quota, _, period = _read(folder / "cpu.max").partition(" ")
        else:
            quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(period):  # "max" and "-1" are no limit
            shares.append(int(quota) / int(period))
    return min(shares, default=None)


def _left(folder: Path, version: int) -> int | None:
    """Return the bytes below the limit of one control group."""
    limit, used, cache = {
        2: ("memory.max", "memory.current", "inactive_file"),
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    }[version]
    texts = _read(folder / limit), _read(folder / used)
    if not all(text.isdigit() for text in texts) or int(texts[0]) >= 2**62:  # version 1 has no "max"
        return None
    lines = (line.split() for line in _read(folder / "memory.stat").splitlines())
    kept = {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit()}
    return max(0, int(texts[0]) - int(texts[1]) + kept.get(cache, 0))


def _groups(root: Path, controller: str) -> list[tuple[Path, int]]:
    """Return the folders of this process's control group and of those above it, with their version."""
    found = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / (controller if controllers else "")
        # a container sees its own group as the root, whatever the path that it is given
        group = mount / path.strip("/")
        inside = [group, *(above for above in group.parents if above.is_relative_to(mount))]
        found += [(folder, 1 if controllers else 2) for folder in inside]
    return found


def _read(path: Path) -> str:
    """Return a file's text, or "" where there is none."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
