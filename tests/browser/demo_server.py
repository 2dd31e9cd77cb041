"""`python -m tests.browser.demo_server serve --demo`: ikawaari itself, with the demo's key kept out of the way."""

import os
from pathlib import Path

from ikawaari.hosted import demo

demo.KEY_FILE = Path(os.environ["DEMO_KEY_FILE"])

from ikawaari.cli import main  # noqa: E402 - it takes the file's place from there

if __name__ == "__main__":
    main()
