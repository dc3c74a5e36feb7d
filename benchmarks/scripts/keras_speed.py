"""Print images a second of this project's training; the argument is JSON: name, settings and seconds."""

import json
import sys

from benchmarks.scripts.speed import training_speed

if __name__ == "__main__":
    print(json.dumps(training_speed(**json.loads(sys.argv[1]))), flush=True)
