"""`python -m toolkit` is `bluegreen`."""

from toolkit.cli import main

main()
