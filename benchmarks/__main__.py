"""Measure the parts named on the command line, all of them if none is, and write down what they cost."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import chapter, growth, machine, pipeline, pytorch, results, scale, stability
from benchmarks.measuring import ROOT, BenchmarkError, Options, OtherWork
from benchmarks.measuring import machine as describe_machine

PARTS = {
    "chapter": chapter,
    "pytorch": pytorch,
    "machine": machine,
    "pipeline": pipeline,
    "growth": growth,
    "scale": scale,
    "stability": stability,
}


def main(arguments: list[str] | None = None) -> int:
    """Measure and return the exit code: 1 where a part could not be measured."""
    asked = _parse(arguments)
    chapter_repetitions = asked.chapter_repetitions or asked.repetitions
    options = Options(
        repetitions=asked.repetitions,
        chapter_repetitions=chapter_repetitions,
        quick=asked.quick,
        scratch=asked.scratch,
        seeds=asked.seeds,
        draws=asked.draws,
        images=tuple(asked.images),
        stages=tuple(asked.stages),
        output=asked.output,
    )
    begun, failed = time.perf_counter(), []

    def log(message: str) -> None:
        print(f"[{time.perf_counter() - begun:7.0f} s] {message}", flush=True)

    for name in asked.parts or PARTS:
        log(f"{name}: {PARTS[name].TITLE}")
        others = OtherWork()
        try:
            result = PARTS[name].measure(options, lambda message, name=name: log(f"{name}: {message}"))
            # A part of hours yields what it has so far, again and again, so that one that is stopped leaves that.
            for so_far in [result] if isinstance(result, dict) else result:
                settings = {"repetitions": options.repetitions, "chapter_repetitions": options.chapter_repetitions}
                settings |= {"quick": options.quick, "other_work": others.share()}
                _write(asked.output, name, {"machine": describe_machine(), "settings": settings, "result": so_far})
        except (BenchmarkError, OSError) as error:
            log(f"{name}: not measured: {error}")
            failed.append(name)
            continue
        log(f"{name}: written to {asked.output}")
    return 1 if failed else 0


def _write(folder: Path, name: str, entry: dict) -> None:
    content = results.markdown(results.merge(folder, name, entry, list(PARTS)), PARTS)
    (folder / "results.md").write_text(results.document(content), encoding="utf-8")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--repetitions", type=int, default=3, help="measurements of each figure")
    parser.add_argument("--chapter-repetitions", type=int, help="of the chapter's own scripts, which take long")
    parser.add_argument("--seeds", type=int, default=10, help="of each network, in stability")
    parser.add_argument("--draws", type=int, default=10, help="of rounding errors of each code, in stability")
    parser.add_argument("--images", type=int, nargs="+", default=[], help="sizes of scale")
    parser.add_argument("--stages", nargs="+", default=[], help="of scale; what was measured of others is kept")
    parser.add_argument("--quick", action="store_true", help="little data, to see that everything runs")
    parser.add_argument("--scratch", type=Path, help="folder for temporary files; growth and scale want 10 GB")
    parser.add_argument("--output", type=Path, help="folder of results.json and results.md")
    asked = parser.parse_args(arguments)
    if unknown := [part for part in asked.parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]}; there is {', '.join(PARTS)}")
    if asked.repetitions < 1 or (asked.chapter_repetitions or 1) < 1:
        parser.error("repetitions must be at least 1")
    if min(asked.seeds, asked.draws) < 0:
        parser.error("seeds and draws must be at least 0")
    if unknown := [stage for stage in asked.stages if stage not in scale.STAGES]:
        parser.error(f"scale has no stage {unknown[0]}; it has {', '.join(scale.STAGES)}")
    if min(asked.images, default=1) < 1:
        parser.error("images must be at least 1")
    if asked.output is None:
        # Figures that mean nothing stay out of the repository.
        asked.output = Path(tempfile.gettempdir(), "benchmarks-quick") if asked.quick else ROOT / "benchmarks"
    return asked


if __name__ == "__main__":
    # As for Ctrl+C: what runs is stopped, and temporary folders are removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except BenchmarkError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; parts that had ended are written")
