"""What all tests share: one thread each, so that tests running side by side do not wait for each other."""

import os

# Read by torch when it is first imported, and inherited by the programs that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("CNNCOURSE_PROGRESS", "0")
