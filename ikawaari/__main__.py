"""`python -m ikawaari` is the command `ikawaari`."""

from ikawaari.cli import main

main(prog_name="ikawaari")
