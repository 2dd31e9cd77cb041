"""`python -m tests.browser.demo_server serve --demo`: ikawaari itself, with the demo's key kept out of the way."""

import os
from pathlib import Path

from ikawaari import demo_data
from ikawaari.cli import main
from ikawaari.hosted import demo

demo.KEY_FILE = demo_data.KEY_FILE = Path(os.environ["DEMO_KEY_FILE"])  # type: ignore[attr-defined]

if __name__ == "__main__":
    main()
