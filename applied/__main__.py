"""The command `autoencoder`: a trained network at work on new images."""

import signal
import sys
from collections.abc import Sequence

from autoencoders.core.errors import InputError
from autoencoders.core.signals import reader_gone, stoppable

USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: well; 1: `verify` found other codes; 2: the command line or an input cannot be used, which one sentence says;
    128 and its number: a signal.
    """
    from applied.arguments import parser

    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = parser(given[:1] == ["serve"]).parse_args(given)
        if options.command == "serve":
            return options.run(options)
        with stoppable():
            code = options.run(options)
            sys.stdout.flush()
            return code
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("stopped by SIGINT", file=sys.stderr)
        return 128 + signal.SIGINT
    except MemoryError:
        print("error: The work takes more memory than there is; give fewer images at a time.", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        return reader_gone()


if __name__ == "__main__":
    sys.exit(main())
