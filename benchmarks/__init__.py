"""What this project costs, side by side with what it is compared with; `python -m benchmarks` measures it.

Each part is a module with `measure`, which returns what `results.json` holds of it, and `lines`, which turns that to
Markdown. `python -m benchmarks.choices`, a command of its own, chooses settings by validation images. Nothing here is
part of the pipeline: no stage and no module of the library imports it.
"""
