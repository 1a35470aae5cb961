"""What holds before any test is collected.

Curta is imported before any of its files is collected for doctests: else pytest may load a second copy of one. NumPy
comes first, with a BLAS of one thread: there are as many processes that test as processors, and its threads, which wait
for their turns at work, took more time than the oracles' small products. Processes that tests start are not told so.
"""

import os
from importlib import import_module
from unittest.mock import patch

with patch.dict(os.environ, OPENBLAS_NUM_THREADS=os.environ.get("OPENBLAS_NUM_THREADS", "1")):
    import_module("numpy")
import_module("curta")
