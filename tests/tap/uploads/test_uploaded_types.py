"""What columns of uploads become in a query: geometries by their xtypes, texts of other alphabets, Arrow's files; and back again."""

import io

import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from astropy.io.votable import parse_single_table
from astropy.io.votable.tree import Field, Resource, TableElement, VOTableFile

from tests.tap.uploads.test_uploads import send

POINTS = [(10.0, 20.0), (359.5, -89.0), (400.0, 5.0), (10.0, 91.0), (np.nan, np.nan)]
CIRCLES = [(10.0, 20.0, 1.0), (0.0, 90.0, 90.0), (10.0, 20.0, 0.0), (10.0, 20.0, -1.0), (10.0, 20.0, 91.0)]
POLYGONS = [
    (9.0, 19.0, 11.0, 19.0, 10.0, 21.0),
    (1.0, 1.0, 2.0, 1.0, 2.0, 2.0, 1.0, 2.0),
    (1.0, 1.0),
    (1.0,) * 7,
    (np.nan,) * 6,
]


def geometries(form: str, datatype: str = "double") -> bytes:
    file = VOTableFile(version="1.4")
    file.resources.append(resource := Resource())
    resource.tables.append(table := TableElement(file))
    for name, arraysize in (("point", "2"), ("circle", "3"), ("polygon", "*")):
        field = Field(file, name=f"a_{name}", datatype=datatype, arraysize=arraysize)
        field.xtype = name
        table.fields.append(field)
    table.fields.append(Field(file, name="id", datatype="int"))
    table.create_arrays(len(POINTS))
    for i, (point, circle, polygon) in enumerate(zip(POINTS, CIRCLES, POLYGONS, strict=True)):
        table.array[i] = (
            point,
            circle,
            np.ma.array(polygon, dtype=f"f{8 if datatype == 'double' else 4}", mask=[False] * len(polygon)),
            i,
        )
    out = io.BytesIO()
    file.to_xml(out, tabledata_format=form)
    return out.getvalue()


@pytest.fixture(scope="module")
def sync(service: str) -> str:
    return f"{service}/sync"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("datatype", ["double", "float"])
@pytest.mark.parametrize("form", ["tabledata", "binary", "binary2"])
def test_points_circles_and_polygons_are_geometries(sync: str, form: str, datatype: str) -> None:
    query = (
        "SELECT id, COORD1(a_point) AS ra, COORD2(a_point) AS dec, AREA(a_circle) AS surface, CONTAINS(POINT(10, 20), a_polygon) AS inside,"
        " CONTAINS(a_point, a_circle) AS p_in_c FROM TAP_UPLOAD.mine ORDER BY id"
    )
    reply = send(sync, query, geometries(form, datatype))
    assert reply.status == 200, reply.text
    found = [line.split(",") for line in reply.lines[1:]]
    positions = [(round(float(row[1]), 4), round(float(row[2]), 4)) if row[1] else None for row in found]
    assert positions == [(10, 20), (359.5, -89), (40, 5), None, None]
    areas = [float(row[3]) if row[3] else None for row in found]
    assert areas[:3] == [pytest.approx(3.14151, abs=1e-4), pytest.approx(20626.48, abs=0.01), 0]
    assert areas[3:] == [None, None]
    assert [row[4] for row in found] == ["1", "0", "", "", ""]
    assert [row[5] for row in found] == ["1", "0", "0", "", ""]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["votable/td", "votable/b", "votable/b2"])
def test_geometries_come_back_with_their_xtypes(sync: str, form: str) -> None:
    reply = send(sync, "SELECT * FROM TAP_UPLOAD.mine ORDER BY id", geometries("binary2"), RESPONSEFORMAT=form)
    table = parse_single_table(io.BytesIO(reply.body))
    assert [field.xtype for field in table.fields] == ["point", "circle", "polygon", None]
    assert np.allclose(table.array["a_point"][0], POINTS[0])
    assert np.allclose(table.array["a_circle"][0], CIRCLES[0])
    assert np.allclose(table.array["a_polygon"][1], POLYGONS[1])


def test_an_uploaded_point_is_matched_with_a_catalogue(sync: str) -> None:
    content = (
        b'<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>'
        b'<FIELD name="p" datatype="double" arraysize="2" xtype="point"/><DATA><TABLEDATA>'
        b"<TR><TD>56.87 24.11</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )
    on = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine AS u JOIN demo.stars AS s ON 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(u.p, 0.5))"
    plain = (
        "SELECT COUNT(*) AS n FROM demo.stars AS s WHERE 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(56.87, 24.11, 0.5))"
    )
    found = [send(sync, query, content).lines[1] for query in (on, plain)]
    assert found[0] == found[1] != "0"


def test_a_distance_of_uploaded_points_is_that_of_their_numbers(sync: str) -> None:
    """Nearer to the equator, to longitude 0 and to a pole than pgSphere's points can be."""
    pairs = [((1e-9, 2e-9), (4e-9, -2e-9)), ((120.0, 3e-8), (120.0, 1e-8)), ((77.0, 90 - 1e-8), (257.0, 90 - 2e-8))]
    rows = "".join(f"<TR><TD>{a[0]!r} {a[1]!r}</TD><TD>{b[0]!r} {b[1]!r}</TD></TR>" for a, b in pairs)
    table = (
        '<VOTABLE version="1.4"><RESOURCE><TABLE>'
        '<FIELD name="p" datatype="double" arraysize="2" xtype="point"/>'
        '<FIELD name="q" datatype="double" arraysize="2" xtype="point"/>'
        f"<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )
    reply = send(sync, "SELECT DISTANCE(p, q) AS d FROM TAP_UPLOAD.mine", table.encode())
    found = [float(line) for line in reply.lines[1:]]
    one, other = (SkyCoord([pair[i] for pair in pairs], unit="deg") for i in (0, 1))
    assert found == pytest.approx(one.separation(other).deg, rel=1e-6, abs=0)


@pytest.mark.parametrize(("xtype", "arraysize"), [("point", "3"), ("circle", "2"), ("point", "*")])
def test_what_is_no_geometry_in_all_respects_stays_an_array(sync: str, xtype: str, arraysize: str) -> None:
    cells = " ".join("1" * (3 if arraysize == "3" else 2))
    content = (
        f'<VOTABLE version="1.4"><RESOURCE><TABLE><FIELD name="p" datatype="double" arraysize="{arraysize}" xtype="{xtype}"/>'
        f"<DATA><TABLEDATA><TR><TD>{cells}</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )
    reply = send(sync, "SELECT * FROM TAP_UPLOAD.mine", content.encode(), RESPONSEFORMAT="votable/td")
    assert f"<TD>{cells}</TD>" in reply.text
    assert "xtype=" not in reply.text


# ---- texts


def one_text(text: str) -> bytes:
    return (
        f'<VOTABLE version="1.4"><RESOURCE><TABLE><FIELD name="t" datatype="char" arraysize="*"/><DATA><TABLEDATA>'
        f"<TR><TD>{text}</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()


@pytest.mark.parametrize(("text", "datatype"), [("alpha", "char"), ("Ωmega ☆ é", "unicodeChar"), ("", "char")])
@pytest.mark.parametrize("form", ["votable/td", "votable/b", "votable/b2"])
def test_a_text_beyond_ascii_comes_back_as_unicode(sync: str, form: str, text: str, datatype: str) -> None:
    """Programs write such texts as char, and would read them as Latin-1."""
    reply = send(sync, "SELECT * FROM TAP_UPLOAD.mine", one_text(text), RESPONSEFORMAT=form)
    table = parse_single_table(io.BytesIO(reply.body))
    assert table.fields[0].datatype == datatype
    assert str(table.array["t"][0]) == text


# ---- Arrow


@pytest.mark.parametrize("kind", ["file", "stream", "file, compressed"])
def test_arrows_files_and_streams_are_taken(sync: str, kind: str) -> None:
    unit = pa.field("ra", pa.float64(), metadata={"unit": "deg", "ucd": "pos.eq.ra"})
    schema = pa.schema([pa.field("id", pa.int64()), unit, pa.field("name", pa.string())])
    options = pa.ipc.IpcWriteOptions(compression="zstd" if "compressed" in kind else None)
    out = io.BytesIO()
    make = pa.ipc.new_stream if kind == "stream" else pa.ipc.new_file
    with make(out, schema, options=options) as writer:
        writer.write_batch(pa.record_batch([[1, None], [10.5, float("nan")], ["x", "y,z"]], schema=schema))
        writer.write_batch(pa.record_batch([[3], [1e-3], [None]], schema=schema))
    reply = send(sync, "SELECT * FROM TAP_UPLOAD.mine ORDER BY name", out.getvalue(), file_name="mine")
    assert reply.lines == ["id,ra,name", "1,10.5,x", ',,"y,z"', "3,0.001,"]
    reply = send(sync, "SELECT ra FROM TAP_UPLOAD.mine", out.getvalue(), file_name="mine", RESPONSEFORMAT="votable/td")
    assert 'unit="deg"' in reply.text
    for cut in range(8, len(out.getvalue()) - 10, 97):
        reply = send(sync, "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine", out.getvalue()[:cut], file_name="mine")
        assert reply.status in ({200, 400} if kind == "stream" else {400}), (cut, reply.text)
