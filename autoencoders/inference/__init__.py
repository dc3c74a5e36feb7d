"""Trained networks, run without TensorFlow."""

import os

# onnxruntime (1.29 and later, on Linux and macOS) sends its maker what networks each process runs, and keeps an
# identifier of the machine in the home folder, unless this is set before its import. A thread of it would also stand in
# the way of forks.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
