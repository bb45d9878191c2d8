"""The HEALPix cells in which the rows of a result are, in constant memory: a flag for each cell of the sky."""

import numpy as np
import numpy.typing as npt

from adql.nodes import Output
from schema import types
from schema.moc import DEEPEST, parse_moc
from tap.engine.rows import Block
from tap.formats.binary_rows import width_of
from tap.formats.layout import BlockColumn, BlockLayout, pieces, read_layout, view
from tap.formats.metadata import fields
from uws.parameters import ParameterError

DEFAULT_ORDER = 10
"""Cells of 3.4 minutes of arc."""
HIGHEST_ORDER = 11
"""Whose flags take 50 MB."""
_NUMBERS = {types.DOUBLE: ">f8", types.REAL: ">f4", types.BIGINT: ">i8", types.INTEGER: ">i4", types.SMALLINT: ">i2"}

Degrees = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


class CoveredCells:
    """Takes the blocks of one result. Raises: ParameterError for one that has no position, or several."""

    def __init__(self, outputs: tuple[Output, ...], order: int | None) -> None:
        self.order = DEFAULT_ORDER if order is None else order
        self._widths = tuple(map(width_of, fields(outputs)))
        self._columns = _sky_columns(outputs)
        self._types = [outputs[place].info.type for place in self._columns]
        self._is_covered = np.zeros(12 << 2 * self.order, np.bool_)

    def add(self, block: Block) -> None:
        layout = read_layout(block, self._widths)
        columns = [layout.columns[place] for place in self._columns]
        if self._types == [types.MOC]:
            self._add_mocs(layout, columns[0])
        else:
            self._add_positions(*self._positions(layout, columns))

    def _positions(self, layout: BlockLayout, columns: list[BlockColumn]) -> tuple[Degrees, Degrees]:
        """Return longitudes and latitudes; NaN where a row has none."""
        if self._types == [types.POINT]:
            places = (columns[0].places, columns[0].places + 8)
            lon, lat = (view(layout.data, ">f8")[place].astype(np.float64) for place in places)
        else:
            lon, lat = (
                view(layout.data, _NUMBERS[type_])[column.places].astype(np.float64)
                for type_, column in zip(self._types, columns, strict=True)
                if type_ is not None
            )
        for column in columns:
            if column.null is not None:
                lon[column.null] = np.nan
        return lon, lat

    def _add_positions(self, lon: Degrees, lat: Degrees) -> None:
        from astropy import units
        from astropy.coordinates import Latitude, Longitude
        from cdshealpix.nested import lonlat_to_healpix

        is_on_sky = np.isfinite(lon) & (np.abs(lat) <= 90)
        if is_on_sky.any():
            position = Longitude(lon[is_on_sky], units.deg), Latitude(lat[is_on_sky], units.deg)
            self._is_covered[lonlat_to_healpix(*position, self.order)] = True

    def _add_mocs(self, layout: BlockLayout, column: BlockColumn) -> None:
        offsets, data = pieces(layout, column)
        text, shift = data.tobytes().decode("ascii"), 2 * (DEEPEST - self.order)
        for begin, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            for first, beyond in parse_moc(text[begin:end]).runs if end > begin else ():
                self._is_covered[first >> shift : ((beyond - 1) >> shift) + 1] = True

    def by_order(self) -> dict[int, Numbers]:
        """Return the numbers of the largest cells that they are made of, by their orders; those of the order, even if none."""
        is_covered, found = self._is_covered, dict[int, Numbers]()
        for order in range(self.order, -1, -1):
            # Cells of order 0 have none above them.
            is_whole = np.logical_and.reduce(is_covered.reshape(-1, 4), axis=1) & (order > 0)
            cells = np.flatnonzero(is_covered & ~np.repeat(is_whole, 4))
            if len(cells) or order == self.order:
                found[order] = cells
            is_covered = is_whole
        return dict(sorted(found.items()))


def _sky_columns(outputs: tuple[Output, ...]) -> tuple[int, ...]:
    """Return the places of what says where rows are: MOCs, points, or longitude and latitude. Raises: ParameterError."""
    for type_ in (types.MOC, types.POINT):
        if places := [place for place, output in enumerate(outputs) if output.info.type is type_]:
            return (_only(places, f"columns of {type_.adql}s"),)
    for is_wanted in (_is_main, _is_there):
        pair = [
            [place for place, output in enumerate(outputs) if is_wanted(output, ucd)]
            for ucd in ("pos.eq.ra", "pos.eq.dec")
        ]
        if all(pair):
            return tuple(_only(places, "positions") for places in pair)
    raise ParameterError(
        "A MOC needs to know where the rows are: select one POINT or MOC, or the columns of longitude and latitude with"
        " the UCDs pos.eq.ra and pos.eq.dec"
    )


def _only(places: list[int], what: str) -> int:
    if len(places) > 1:
        raise ParameterError(f"A MOC is one of one position in each row; this result has {len(places)} {what}")
    return places[0]


def _is_there(output: Output, ucd: str) -> bool:
    words = [word.strip() for word in (output.info.ucd or "").lower().split(";")]
    return output.info.type in _NUMBERS and words[0] == ucd and set(words[1:]) <= {"meta.main"}


def _is_main(output: Output, ucd: str) -> bool:
    return _is_there(output, ucd) and "meta.main" in (output.info.ucd or "").lower()
