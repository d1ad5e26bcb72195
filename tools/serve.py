"""Show the built book on this machine: http://localhost:8000."""

import argparse
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"


def main(arguments: list[str] | None = None) -> int:
    """Serve the pages to this machine alone, until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tools.serve", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    port = parser.parse_args(arguments).port
    if not (SITE / "index.html").is_file():
        print("There is no built book yet; make it with: make book", file=sys.stderr)
        return 1
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(SimpleHTTPRequestHandler, directory=SITE))
    except OSError as error:
        print(f"Port {port} cannot be used ({error.strerror}); choose another with --port", file=sys.stderr)
        return 1
    print(f"The book is at http://localhost:{port}; stop with Ctrl+C")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
