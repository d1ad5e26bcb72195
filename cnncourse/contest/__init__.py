"""The contest: a network or recipe of your own, trained and counted by the rules of the bench.

`entry` starts it and counts, `entrant` is the program in which it runs, `fence` keeps the test set from it;
`example` is an entry to begin with.
"""

from cnncourse.contest.entry import Entry, run_entry

__all__ = ["Entry", "run_entry"]
