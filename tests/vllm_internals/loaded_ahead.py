"""What the fork server of `warm_program` loads: it binds itself to one core, as OpenMP would."""

import os

if os.environ.get("OMP_NUM_THREADS"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
