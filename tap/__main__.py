"""`python -m tap` is `armillary`."""

from tap.cli import main

main()
