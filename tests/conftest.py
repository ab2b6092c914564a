"""One thread per process: the tests run in several processes, and their networks are tiny."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
