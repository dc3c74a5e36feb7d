"""The pipeline: one short module for each stage of `dvc.yaml`, under the same name."""

import sys
from types import TracebackType


def _said(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Say what ended a stage while its module was imported, which takes seconds: Ctrl-C in one line."""
    if issubclass(kind, KeyboardInterrupt):
        print("stopped by SIGINT", file=sys.stderr, flush=True)
    else:
        sys.__excepthook__(kind, error, traceback)


# What Python calls a module's program until it has found the module. Once a stage runs, `shared.running` is in charge.
if sys.argv[0] == "-m":
    sys.excepthook = _said
