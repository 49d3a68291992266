"""Draw the SVG on standard input as a PNG on standard output; run by svg_logo.py as a process of its own."""

import resource
import sys

SECONDS = 2
# The fonts of a machine are mapped into memory too.
MEMORY = 1024**3


def main() -> None:
    """Draw, and die if it takes too long or too much memory."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    import resvg_py

    png = resvg_py.svg_to_bytes(svg_string=sys.stdin.buffer.read().decode(), width=int(sys.argv[1]))
    sys.stdout.buffer.write(bytes(png))


if __name__ == "__main__":
    main()
