"""Which version of Armillary this is."""

from importlib.metadata import version

VERSION = version("armillary")
