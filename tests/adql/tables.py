"""A small catalogue with every kind of column, for tests of translation; `CREATE` makes it in a database."""

from schema.model import Catalogue, Column, Schema, Table


def _column(
    name: str, datatype: str = "double", arraysize: str | None = None, xtype: str | None = None, **about: str
) -> Column:
    return Column(name, datatype, arraysize, xtype, **about)  # type: ignore[arg-type]


STARS = Table(
    "t",
    "t.stars",
    (
        _column("id", "long", ucd="meta.id;meta.main", description="Identifier"),
        _column("name", "char", "*", ucd="meta.id"),
        _column("ra", unit="deg", ucd="pos.eq.ra;meta.main", description="Right ascension"),
        _column("dec", unit="deg", ucd="pos.eq.dec;meta.main", description="Declination"),
        _column("pmra", unit="mas/yr", ucd="pos.pm;pos.eq.ra", description="Motion in ra"),
        _column("pmdec", unit="mas/yr", ucd="pos.pm;pos.eq.dec", description="Motion in dec"),
        _column("parallax", unit="mas", ucd="pos.parallax", description="Parallax"),
        _column("vmag", "float", unit="mag", ucd="phot.mag;em.opt.V", description="Magnitude"),
        _column("number", "int"),
        _column("short", "short"),
        _column("variable", "boolean"),
        _column("observed", "char", "*", "timestamp"),
        _column("note", "unicodeChar", "*"),
        _column("RAJ2000", unit="deg"),
        _column('"size"', "int"),
        _column('"Mixed Case"', "char", "*"),
    ),
)
FIELDS = Table(
    "t",
    "t.fields",
    (
        _column("id", "long"),
        _column("ra", unit="deg"),
        _column("dec", unit="deg"),
        _column("radius", unit="deg"),
        _column("centre", "double", "2", "point"),
        _column("footprint", "double", "*", "polygon"),
        _column("cone", "double", "3", "circle"),
        _column("fluxes", "double", "*", unit="Jy"),
    ),
)
EPOCHS = Table(
    "t",
    "t.epochs",
    (
        _column("id", "long"),
        _column("jd", "double", "*", unit="d", ucd="time.epoch"),
        _column("flux", "float", "*", unit="Jy", ucd="phot.flux;meta.main"),
        _column("counts", "int", "*"),
        _column("bands", "short", "4"),
        _column("image", "float", "3x2", unit="Jy"),
    ),
)
CATALOGUE = Catalogue((Schema("t", (STARS, FIELDS, EPOCHS)),))

CREATE = """
CREATE SCHEMA IF NOT EXISTS t;
CREATE TABLE IF NOT EXISTS t.stars (
    id bigint, name text, ra double precision, dec double precision, pmra double precision, pmdec double precision,
    parallax double precision, vmag real, number integer, short smallint, variable boolean, observed timestamp,
    note text, "RAJ2000" double precision, size integer, "Mixed Case" text
);
CREATE TABLE IF NOT EXISTS t.fields (
    id bigint, ra double precision, dec double precision, radius double precision, centre spoint, footprint spoly,
    cone scircle, fluxes double precision[]
);
CREATE TABLE IF NOT EXISTS t.epochs (
    id bigint, jd double precision[], flux real[], counts integer[], bands smallint[], image real[]
);
CREATE INDEX IF NOT EXISTS stars_position ON t.stars USING gist (spoint(radians(ra), radians("dec")));
CREATE INDEX IF NOT EXISTS fields_position ON t.fields USING gist (spoint(radians(ra), radians("dec")));
CREATE INDEX IF NOT EXISTS fields_footprint ON t.fields USING gist (footprint);
CREATE INDEX IF NOT EXISTS fields_centre ON t.fields USING gist (centre);
CREATE INDEX IF NOT EXISTS stars_vmag ON t.stars (vmag);
CREATE INDEX IF NOT EXISTS stars_id ON t.stars (id);
GRANT USAGE ON SCHEMA t TO armillary_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA t TO armillary_reader;
"""
