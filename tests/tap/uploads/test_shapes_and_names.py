"""Tables of all shapes and names, uploaded or loaded: what they are called and how they lie comes back in every format."""

import gzip
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import pyvo
from astropy.table import Table
from astropy.utils.exceptions import AstropyWarning
from click.testing import CliRunner

from schema.publish import unpublish_table
from tap.cli import main
from tap.config import Config
from tap.engine import database
from tests.conftest import alone, serving
from tests.contract.client import Reply, get, post, records, sync
from tests.tap.formats.readers import READERS, arrow_table, ecsv_table, hdf5_table, open_fits, parquet_table, parse_json
from tests.tap.formats.tables import read_delimited
from tests.tap.uploads.test_uploads import ALL, COUNT, send
from tests.tap.uploads.test_uploads import votable as by_astropy

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{AstropyWarning.__module__}.AstropyWarning", "ignore::astropy.units.UnitsWarning"
)
VOTABLES = ("votable/td", "votable/b", "votable/b2")
FORMATS = (*VOTABLES, "csv", "tsv", "ecsv", "fits", "parquet", "arrow", "hdf5", "json", "text", "html")
SUFFIXES = {"arrow": "arrows", "ecsv": "ecsv", "fits": "fits", "parquet": "parquet"}
in_every_format = pytest.mark.parametrize("format_", FORMATS)
in_every_votable = pytest.mark.parametrize("format_", VOTABLES)
Load = Callable[[str, bytes], str]


@pytest.fixture(scope="module")
def url(service: str) -> str:
    return f"{service}/sync"


@pytest.fixture(scope="module")
def load(sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    """Loads a file by `armillary load` as the table shapes.NAME, NAME being the file's up to its first dot."""
    folder, names = tmp_path_factory.mktemp("shapes"), set()
    settings = sample.as_environment()

    def load(file_name: str, content: bytes) -> str:
        path, table = folder / file_name, f"shapes.{file_name.partition('.')[0]}"
        path.write_bytes(content)
        done = CliRunner().invoke(main, ["load", str(path), "--table", table], env=settings)
        assert done.exit_code == 0, done.output
        names.add(table)
        return table

    yield load
    with database.owner_connection(sample) as connection:
        for name in names:
            unpublish_table(connection, name)
        connection.execute("DROP SCHEMA IF EXISTS shapes CASCADE")


def field(name: str, datatype: str, arraysize: str | None = None, xtype: str | None = None) -> str:
    given = {"name": name, "datatype": datatype, "arraysize": arraysize, "xtype": xtype}
    return f"<FIELD{''.join(f' {key}={quoteattr(value)}' for key, value in given.items() if value)}/>"


def tabledata(*rows: tuple[str, ...]) -> str:
    cells = "".join(f"<TR>{''.join(f'<TD>{escape(cell)}</TD>' for cell in row)}</TR>" for row in rows)
    return f"<DATA><TABLEDATA>{cells}</TABLEDATA></DATA>"


def document(table: str, before: str = "", after: str = "") -> bytes:
    """A VOTable round a TABLE's content."""
    space = 'version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"'
    return f"<VOTABLE {space}>{before}<RESOURCE><TABLE>{table}</TABLE></RESOURCE>{after}</VOTABLE>".encode()


def read(body: bytes, format_: str) -> dict[str, list[Any]]:
    return read_delimited(body, format_) if format_ in {"csv", "tsv"} else READERS[format_](body)


def names_of(reply: Reply, format_: str) -> list[str]:
    assert reply.status == 200, reply.text
    return reply.votable().names if format_ in VOTABLES else list(read(reply.body, format_))


def parquet(columns: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def feather(columns: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    pyarrow.feather.write_feather(pa.table(columns), out)
    return out.getvalue()


def by_table(table: Table, format_: str) -> bytes:
    """A file as astropy writes it."""
    if format_ in {"tabledata", "binary", "binary2"}:
        return by_astropy(table, format_)
    out: Any = io.BytesIO() if format_ == "fits" else io.StringIO()
    table.write(out, format=format_)
    return out.getvalue() if format_ == "fits" else out.getvalue().encode()  # type: ignore[no-any-return]


# ---- no rows


NOTHING = {
    "no DATA": "",
    "an empty DATA": "<DATA/>",
    "an open DATA": "<DATA>\n</DATA>",
    "TABLEDATA": "<DATA><TABLEDATA/></DATA>",
    "open TABLEDATA": "<DATA><TABLEDATA>\n</TABLEDATA></DATA>",
    "BINARY": "<DATA><BINARY><STREAM encoding='base64'/></BINARY></DATA>",
    "BINARY2": "<DATA><BINARY2><STREAM encoding='base64'>\n\n</STREAM></BINARY2></DATA>",
}
TWO_FIELDS = field("a", "int") + field("t", "char", "*")


@pytest.mark.parametrize("name", NOTHING)
def test_a_votable_without_rows_is_a_table_without_rows(url: str, name: str) -> None:
    content = document(TWO_FIELDS + NOTHING[name])
    assert send(url, ALL, content).lines == ["a,t"]
    assert send(url, COUNT, content).lines == ["n", "0"]
    fields = send(url, ALL, content, RESPONSEFORMAT="votable/td").votable().fields
    assert [each["datatype"] for each in fields] == ["int", "char"]


@pytest.mark.parametrize("name", NOTHING)
def test_a_table_without_rows_takes_part_in_a_match(url: str, name: str) -> None:
    content = document(field("ra", "double") + field("dec", "double") + NOTHING[name])
    match = f"{COUNT} AS u JOIN demo.ngc AS c ON DISTANCE(u.ra, u.dec, c.ra, c.dec) < 0.1"
    assert send(url, match, content).lines == ["n", "0"]


@pytest.mark.parametrize("format_", ["tabledata", "binary", "binary2", "fits", "ascii.ecsv", "ascii.csv"])
def test_a_table_without_rows_comes_as_astropy_writes_it(url: str, format_: str) -> None:
    content = by_table(Table({"ra": np.zeros(0), "n": np.zeros(0, "i4")}), format_)
    assert send(url, ALL, content, file_name=f"mine.{format_.rpartition('.')[2]}").lines == ["ra,n"]


def test_pyvo_uploads_a_table_without_rows(service: str) -> None:
    tap = pyvo.dal.TAPService(service)
    found = tap.run_sync(ALL, uploads={"mine": Table({"ra": np.zeros(0)})})
    tap._session.close()
    assert (len(found), found.fieldnames) == (0, ("ra",))


# ---- what else a document has


ROWS = tabledata(("1",), ("2",))
BEYOND = field("z", "floatComplex") + "<DATA><FITS extnum='1'><STREAM href='x.fits'/></FITS></DATA>"
SOUP = (
    "<DESCRIPTION>A FIELD &lt;TABLE&gt;</DESCRIPTION><INFO name='i' value='v'>text</INFO>"
    "<GROUP name='g'><PARAM name='a' datatype='int' value='3'><VALUES null='1'/></PARAM><GROUP><PARAMref ref='x'/></GROUP></GROUP>"
    "<PARAM name='q' datatype='char' arraysize='*' value='TABLE'><DESCRIPTION>FIELD</DESCRIPTION></PARAM>"
)
FRAMES = (
    "<COOSYS ID='s' system='ICRS'/><TIMESYS ID='t' timeorigin='MJD-origin' timescale='UTC' refposition='TOPOCENTER'/>"
)
DESCRIPTOR = (
    "<RESOURCE type='meta' utype='adhoc:service'><PARAM name='accessURL' datatype='char' arraysize='*' value='http://x'/>"
    "<GROUP name='inputParams'><PARAM name='ID' datatype='char' arraysize='*' value='' ref='p'/></GROUP></RESOURCE>"
)
AROUND = {
    "soup before": (SOUP + FRAMES, "", ""),
    "a resource without a table before": (DESCRIPTOR, "", ""),
    "soup in the table": ("", SOUP + "<GROUP><FIELDref ref='x'/></GROUP>", ""),
    "another table": ("", "", f"<RESOURCE><TABLE>{TWO_FIELDS}{tabledata(('7', 'x'))}</TABLE></RESOURCE>"),
    "a table with FITS": ("", "", f"<RESOURCE><TABLE>{BEYOND}</TABLE></RESOURCE>"),
    "a table of links": ("", "", f"<RESOURCE><TABLE>{BEYOND.replace('FITS', 'BINARY')}</TABLE></RESOURCE>"),
    "a table without a name": (
        "",
        "",
        f"<RESOURCE><TABLE><FIELD datatype='int'/>{tabledata(('x', 'y'))}</TABLE></RESOURCE>",
    ),
    "a descriptor": ("", "", DESCRIPTOR),
    "text": (
        "",
        "",
        "<INFO name='QUERY_STATUS' value='OVERFLOW'>TABLE</INFO> text <!-- <TR><TD>9</TD></TR> --> <?x y?>",
    ),
    "much": ("", "", f"<!--{'x' * 600_000}-->"),
}


@pytest.mark.parametrize("name", AROUND)
@pytest.mark.parametrize("form", ["tabledata", "binary", "binary2"])
def test_the_first_table_of_a_document_is_the_upload(url: str, name: str, form: str) -> None:
    before, inside, after = AROUND[name]
    whole = by_astropy(Table({"a": np.array([1, 2], "i4")}), form).decode()
    data = whole[whole.index("<DATA>") : whole.index("</TABLE>")]
    content = document(inside + field("a", "int") + data, before, after)
    reply = send(url, ALL, content)
    assert reply.lines == ["a", "1", "2"], reply.text


@pytest.mark.parametrize("after", ["another table", "a table with FITS"])
def test_a_first_table_without_rows_is_the_upload_too(url: str, after: str) -> None:
    assert send(url, ALL, document(TWO_FIELDS, after=AROUND[after][2])).lines == ["a,t"]


def test_tables_of_the_same_resource_come_after(url: str) -> None:
    second = f"</TABLE><TABLE>{BEYOND}</TABLE><INFO name='x' value='y'/><TABLE>{TWO_FIELDS}"
    assert send(url, ALL, document(field("a", "int") + ROWS + second)).lines == ["a", "1", "2"]


# ---- names that differ in case only


TWINS = document(
    field("e_Mass", "float")
    + field("E_Mass", "float")
    + field("id", "int")
    + tabledata(("1", "2", "7"), ("3", "4", "8"))
)


@pytest.fixture(scope="module", params=["uploaded", "loaded"])
def twins(request: pytest.FixtureRequest, url: str, load: Load) -> Callable[..., Reply]:
    """Asks a table with the columns e_Mass and E_Mass; the query has {0} for its name."""
    if request.param == "uploaded":
        return lambda query, **more: send(url, query.format("TAP_UPLOAD.mine"), TWINS, **more)
    table = load("twins.vot", TWINS)
    return lambda query, **more: post(
        url, {"LANG": "ADQL", "RESPONSEFORMAT": "csv", "QUERY": query.format(table)} | more
    )


@pytest.mark.parametrize("query", [
    'SELECT "E_Mass" AS a, "e_Mass" AS b FROM {0} ORDER BY id',
    'SELECT u."E_Mass" AS a, u."e_Mass" AS b FROM {0} AS u ORDER BY "E_Mass"',
    'SELECT s."E_Mass" AS a, s."e_Mass" AS b FROM (SELECT * FROM {0}) AS s WHERE s."e_Mass" < s."E_Mass" ORDER BY "e_Mass"',
    'WITH w AS (SELECT u.* FROM {0} AS u) SELECT "E_Mass" AS a, MAX("e_Mass") AS b FROM w GROUP BY "E_Mass" ORDER BY "E_Mass"',
])  # fmt: skip
def test_a_quoted_name_means_the_column_of_that_case(twins: Callable[..., Reply], query: str) -> None:
    assert twins(query).lines == ["a,b", "2,1", "4,3"]


@pytest.mark.parametrize("query", [
    "SELECT e_Mass FROM {0}",
    "SELECT E_MASS FROM {0}",
    "SELECT u.E_Mass FROM {0} AS u",
    "SELECT id FROM {0} WHERE e_mass > 1",
    "SELECT id FROM {0} ORDER BY e_mass",
    'SELECT "e_Mass", COUNT(*) AS n FROM {0} GROUP BY E_mass',
])  # fmt: skip
def test_a_name_without_quotes_that_means_two_columns_is_an_error_that_shows_both(
    twins: Callable[..., Reply], query: str
) -> None:
    reply = twins(query)
    assert reply.status == 400
    assert '"e_Mass"' in reply.votable().message
    assert '"E_Mass"' in reply.votable().message


def test_a_quoted_name_of_another_case_is_not_there(twins: Callable[..., Reply]) -> None:
    assert twins('SELECT "E_MASS" FROM {0}').status == 400


@in_every_format
def test_columns_that_differ_in_case_only_keep_their_names(twins: Callable[..., Reply], format_: str) -> None:
    """FITS cannot tell them apart (FITS 4.0 §7.2.2), so there one is renamed, and the file tells it."""
    reply = twins("SELECT * FROM {0} ORDER BY id", RESPONSEFORMAT=format_)
    found = names_of(reply, format_)
    if format_ == "fits":
        assert found[0] == "e_Mass"
        assert len({each.lower() for each in found}) == 3
        assert any("E_Mass" in each for each in told_in_fits(reply.body)), told_in_fits(reply.body)
    else:
        assert found == ["e_Mass", "E_Mass", "id"]
    if format_ in READERS:
        values = list(READERS[format_](reply.body).values())
        assert [[float(each) for each in column] for column in values] == [[1, 3], [2, 4], [7, 8]]


def told_in_fits(body: bytes) -> list[str]:
    """Comments of the table, and warnings of the VOTable before it."""
    primary, table = open_fits(body)
    infos = Reply(200, {}, bytes(primary.data)).votable().all("//v:INFO[@name='warning']")  # type: ignore[arg-type]
    return [*(str(each) for each in table.header.get("COMMENT", [])), *(each.get("value") for each in infos)]


def used_as_told(service: str, table: str) -> dict[str, str]:
    """The first value of each column, asked for by the very name that TAP_SCHEMA has for it."""
    about = records(service, f"SELECT column_name FROM tap_schema.columns WHERE table_name = '{table}'")
    names = [each["column_name"] for each in about]
    listed = get(f"{service}/tables/{table}").xml().findall("column/name")
    assert sorted(each.text for each in listed) == sorted(names)
    return {name: post(f"{service}/sync", first(name, table)).lines[1] for name in names}


def first(name: str, table: str) -> dict[str, str]:
    return {"LANG": "ADQL", "RESPONSEFORMAT": "csv", "QUERY": f"SELECT TOP 1 {name} AS x FROM {table} ORDER BY id"}


def test_tap_schema_has_a_name_for_each_that_a_query_understands(service: str, load: Load) -> None:
    load("named.vot", TWINS)
    found = used_as_told(service, "shapes.named")
    assert {name.strip('"'): value for name, value in found.items()} == {"e_Mass": "1", "E_Mass": "2", "id": "7"}
    assert len(found) == 3


def test_a_table_with_such_columns_can_be_loaded_anew(service: str, load: Load) -> None:
    for content in (TWINS, TWINS.replace(b"E_Mass", b"e_MASS")):
        table = load("anew.vot", content)
    assert sync(service, f"SELECT * FROM {table}", RESPONSEFORMAT="csv").lines[0] == "e_Mass,e_MASS,id"


# ---- names of other kinds


@pytest.mark.parametrize("content", [document(field("a", "int") * 2 + tabledata(("1", "2"))), b"a,a\n1,2\n"])
def test_a_name_that_is_there_twice_is_refused_or_numbered(url: str, content: bytes) -> None:
    """Both columns are there under names of their own, and a warning tells it; or the message names the column."""
    reply = send(
        url, ALL, content, file_name="mine.csv" if content[:1] == b"a" else "mine.vot", RESPONSEFORMAT="votable/td"
    )
    if reply.status == 400:
        assert "called a" in reply.votable().message
    else:
        found = reply.votable()
        assert found.rows == [["1", "2"]]
        assert len({each.lower() for each in found.names}) == 2
        assert warnings_of(reply)


ODD = ['a"b', "a.b", "a b", "größe", "Σ", "select", "1st", "a,b", "a;b", "a'b", "a<b", "_RAJ2000", "x-y", "%", "{0}"]
ODD_TABLE = {name: pa.array([float(number)]) for number, name in enumerate(ODD)} | {"id": pa.array([1])}


@in_every_format
@pytest.mark.parametrize("source", ["uploaded", "loaded"])
def test_odd_names_are_kept(service: str, load: Load, source: str, format_: str) -> None:
    """Headers of FITS have ASCII only (FITS 4.0 §4.1.2)."""
    url, content = f"{service}/sync", parquet(ODD_TABLE)
    if source == "uploaded":
        reply = send(url, ALL, content, file_name="mine.parquet", RESPONSEFORMAT=format_)
    else:
        reply = sync(service, f"SELECT * FROM {load('odd.parquet', content)}", RESPONSEFORMAT=format_)
    found = names_of(reply, format_)
    if format_ == "fits":
        assert len({each.lower() for each in found}) == len(ODD) + 1
        assert [name for name in ODD if name.isascii()] == [name for name in found if name in ODD]
    else:
        assert found == [*ODD, "id"]


def test_tap_schema_has_odd_names_as_a_query_takes_them(service: str, load: Load) -> None:
    found = used_as_told(service, load("oddly.parquet", parquet(ODD_TABLE)))
    unquoted = {name[1:-1].replace('""', '"') if name[0] == '"' else name: value for name, value in found.items()}
    assert unquoted == {name: str(number) for number, name in enumerate(ODD)} | {"id": "1"}


# ---- shapes


SHAPES: dict[str, tuple[str, str, list[list[Any]]]] = {
    "v": ("float", "3", [[1.5, 2.5, 3.5], [4.5, 5.5, 6.5]]),
    "m": ("double", "3x2", [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]]),
    "q": ("int", "2x2", [[1, 2, 3, 4], [5, 6, 7, 8]]),
    "k": ("short", "2x1x3", [[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]]),
    "w": ("short", "3*", [[1, 2], [3, 4, 5]]),
    "n": ("double", "2x*", [[1, 2, 3, 4], [1, 2, 3, 4, 5, 6]]),
    "s": ("char", "4x3", [["abcdefghijkl"], ["mnopqrstuvwx"]]),
}
FIXED = {"v": (3,), "m": (2, 3), "q": (2, 2), "k": (3, 1, 2)}
"""As numpy has it: the last index varies first."""
SIZES = [size for _, size, _ in SHAPES.values()]
SHAPED = document(
    field("id", "int")
    + "".join(field(name, datatype, size) for name, (datatype, size, _) in SHAPES.items())
    + tabledata(*(
        (str(row + 1), *(" ".join(map(str, values[row])) for _, _, values in SHAPES.values())) for row in range(2)
    ))
)  # fmt: skip


@pytest.fixture(scope="module", params=["uploaded", "loaded"])
def shaped(request: pytest.FixtureRequest, url: str, load: Load) -> Callable[[str], bytes]:
    """The table of all shapes in a format."""
    if request.param == "loaded":
        query = f"SELECT * FROM {load('shaped.vot', SHAPED)} ORDER BY id"

    def shaped(format_: str) -> bytes:
        if request.param == "uploaded":
            reply = send(url, f"{ALL} ORDER BY id", SHAPED, RESPONSEFORMAT=format_)
        else:
            reply = post(url, {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": format_})
        assert reply.status == 200, reply.text
        return reply.body

    return shaped


def flat(value: Any) -> list[Any]:
    """All elements of an array of any depth; of texts the text as a whole."""
    if isinstance(value, bytes | str):
        return [value.decode() if isinstance(value, bytes) else value]
    if np.ndim(value) == 0 and not isinstance(value, list | np.ndarray):
        return [value]
    found = [each for inner in value for each in flat(inner)]
    return ["".join(found)] if found and isinstance(found[0], str) else found


def check_values(columns: dict[str, list[Any]], *names: str) -> None:
    for name in names or SHAPES:
        assert [flat(each) for each in columns[name]] == SHAPES[name][2], name


@in_every_votable
def test_shapes_are_declared_in_votable_and_read_there_as_they_were(
    url: str, shaped: Callable[[str], bytes], format_: str
) -> None:
    body = shaped(format_)
    sizes = [each.get("arraysize") for each in Reply(200, {}, body).votable().fields]  # type: ignore[arg-type]
    assert sizes == [None, *SIZES]
    check_values(cells(send(url, ALL, body, RESPONSEFORMAT="votable/td")))


def cells(reply: Reply) -> dict[str, list[Any]]:
    assert reply.status == 200, reply.text
    found = reply.votable()
    columns = dict(zip(found.names, zip(*found.rows, strict=True), strict=True))
    return {
        name: [[cell] if name == "s" else [float(each) for each in cell.split()] for cell in column]
        for name, column in columns.items()
    }


@pytest.mark.parametrize(
    ("format_", "kept"),
    [
        *((each, SIZES) for each in (*VOTABLES, "parquet", "arrow")),
        ("fits", ["3", "3x2", "2x2", "2x1x3", None, None, "4x3"]),
        ("ecsv", ["3", "3x2", "2x2", "2x1x3", None, None, None]),
    ],
)
def test_our_own_result_uploaded_again_has_the_shapes_it_had(
    url: str, shaped: Callable[[str], bytes], format_: str, kept: list[str | None]
) -> None:
    """What a format cannot say of arrays that vary or of texts (None) is left open; the values are there in any case."""
    reply = send(
        url,
        f"{ALL} ORDER BY id",
        shaped(format_),
        file_name=f"mine.{SUFFIXES.get(format_, 'vot')}",
        RESPONSEFORMAT="votable/td",
    )
    check_values(cells(reply), *(name for name in SHAPES if name != "s" or kept[-1]))
    sizes = [each.get("arraysize") for each in reply.votable().fields][1:]
    assert [size for size, wanted in zip(sizes, kept, strict=True) if wanted] == [each for each in kept if each]
    assert all(size and size.endswith("*") for size in sizes[4:6])


def test_fits_has_the_shapes_as_tdim(shaped: Callable[[str], bytes]) -> None:
    table = open_fits(shaped("fits"))[1]
    dims = {table.header[f"TTYPE{i}"]: table.header.get(f"TDIM{i}") for i in range(1, table.header["TFIELDS"] + 1)}
    assert {name: dims[name] for name in ("m", "q", "k", "s")} == {
        "m": "(3,2)",
        "q": "(2,2)",
        "k": "(2,1,3)",
        "s": "(4,3)",
    }
    assert {name: table.data[name].shape[1:] for name in FIXED} == FIXED
    check_values({name: list(table.data[name]) for name in SHAPES})


@pytest.mark.parametrize(("format_", "reader"), [("parquet", parquet_table), ("arrow", arrow_table)])
def test_arrow_and_parquet_have_the_shapes(
    shaped: Callable[[str], bytes], format_: str, reader: Callable[[bytes], pa.Table]
) -> None:
    """As arraysize in the column's metadata, or in lists of fixed size within each other."""
    table = reader(shaped(format_))
    found = {each.name: said_shape(each) for each in table.schema}
    assert {name: found[name] for name in FIXED} == {name: SHAPES[name][1] for name in FIXED}
    check_values({name: table[name].to_pylist() for name in SHAPES})


def said_shape(column: pa.Field) -> str:
    if said := (column.metadata or {}).get(b"arraysize"):
        return str(said.decode())
    sizes, kind = list[str](), column.type
    while pa.types.is_fixed_size_list(kind):
        sizes.append(str(kind.list_size))
        kind = kind.value_type
    return "x".join(reversed(sizes)) or "*"


@pytest.mark.parametrize(("format_", "reader"), [("hdf5", hdf5_table), ("ecsv", ecsv_table)])
def test_hdf5_and_ecsv_have_the_shapes(
    shaped: Callable[[str], bytes], format_: str, reader: Callable[[bytes], Table]
) -> None:
    table = reader(shaped(format_))
    assert {name: table[name].shape[1:] for name in FIXED} == FIXED
    check_values({name: list(table[name]) for name in SHAPES})


def test_json_has_the_shapes_in_its_metadata(shaped: Callable[[str], bytes]) -> None:
    found = parse_json(shaped("json"))
    assert [each.get("arraysize") for each in found["metadata"]] == [None, *SIZES]
    check_values({name: [row[place] for row in found["data"]] for place, name in enumerate(SHAPES, 1)})


NO_SIZE = str(-(2**31))
"""What stands for NULL in cells of a VOTable."""


def test_tap_schema_and_vosi_have_the_shapes_of_a_loaded_table(service: str, load: Load) -> None:
    table = load("described.vot", SHAPED)
    rows = records(
        service,
        f"SELECT column_name, arraysize, \"size\" FROM tap_schema.columns WHERE table_name = '{table}' ORDER BY column_index",
    )
    assert [row["arraysize"] for row in rows] == ["", *SIZES]
    assert {row["column_name"]: row["size"] for row in rows if row["size"] != NO_SIZE} == {"v": "3", "w": "3"}
    types = get(f"{service}/tables/{table}").xml().findall("column/dataType")
    assert [each.get("arraysize") for each in types] == [None, *SIZES]


CUBE = np.arange(12.0).reshape(2, 2, 3)
FIXED_LISTS = pa.FixedSizeListArray.from_arrays(pa.FixedSizeListArray.from_arrays(pa.array(CUBE.ravel()), 3), 2)
ARRAYS = {
    "by astropy in BINARY2": ("mine.vot", by_table(Table({"m": CUBE}), "binary2"), "2x3"),
    "by astropy in TABLEDATA": ("mine.vot", by_table(Table({"m": CUBE}), "tabledata"), "2x3"),
    "by astropy in FITS": ("mine.fits", by_table(Table({"m": CUBE}), "fits"), "3x2"),
    "by astropy in ECSV": ("mine.ecsv", by_table(Table({"m": CUBE}), "ascii.ecsv"), "3x2"),
    "lists of fixed size in Parquet": ("mine.parquet", parquet({"m": FIXED_LISTS.values}), "3"),
    "lists of fixed size in Arrow": ("mine.arrow", feather({"m": FIXED_LISTS.values}), "3"),
    "lists in lists in Arrow": ("mine.arrow", feather({"m": FIXED_LISTS}), "3x2"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_other_programs_keep_their_shape(url: str, name: str) -> None:
    file_name, content, size = ARRAYS[name]
    reply = send(url, ALL, content, file_name=file_name, RESPONSEFORMAT="votable/td")
    assert reply.status == 200, reply.text
    assert [each.get("arraysize") for each in reply.votable().fields] == [size]
    assert [float(each) for row in reply.votable().rows for each in row[0].split()] == list(range(12))


def test_pyvo_gets_an_array_back_in_its_shape(service: str) -> None:
    tap = pyvo.dal.TAPService(service)
    found = tap.run_sync(ALL, uploads={"mine": Table({"m": CUBE})}).to_table()
    tap._session.close()
    # astropy turns the dimensions round when it writes VOTables; what is sent back is what it wrote.
    assert np.array_equal(found["m"], Table.read(io.BytesIO(by_table(Table({"m": CUBE}), "binary2")))["m"])


# ---- texts of loaded tables


TEXTS = {
    "id": pa.array([1, 2, 3]),
    "t": pa.array(["twelve signs", "", None]),
    "u": pa.array(["größe", "é", None]),
    "nothing": pa.array([None, None, None], pa.string()),
}


@pytest.fixture(scope="module")
def texts(load: Load) -> str:
    return load("texts.parquet", parquet(TEXTS))


def test_texts_are_declared_with_their_longest(service: str, texts: str) -> None:
    wanted = {"t": ("char", "12*"), "u": ("unicodeChar", "5*")}
    rows = records(
        service, f"SELECT column_name, arraysize, \"size\" FROM tap_schema.columns WHERE table_name = '{texts}'"
    )
    schema = {row["column_name"]: row for row in rows}
    listed = {
        each.findtext("name"): each.find("dataType")
        for each in get(f"{service}/tables/{texts}").xml().findall("column")
    }
    for format_ in VOTABLES:
        found = {f["name"]: f for f in sync(service, f"SELECT * FROM {texts}", RESPONSEFORMAT=format_).votable().fields}
        assert {name: (found[name]["datatype"], found[name]["arraysize"]) for name in wanted} == wanted
        assert found["nothing"]["arraysize"] in {"*", "1*"}
    for name, (_, size) in wanted.items():
        assert (schema[name]["arraysize"], schema[name]["size"]) == (size, size.removesuffix("*"))
        assert listed[name].get("arraysize") == size


def test_a_longer_text_loaded_anew_is_declared_as_long(service: str, load: Load) -> None:
    for size in (3, 9, 4):
        table = load("again.csv", f"id,t\n1,{'x' * size}\n".encode())
        assert sync(service, f"SELECT t FROM {table}").votable().fields[0]["arraysize"] == f"{size}*"


def filled(column: Any) -> Any:
    """Texts, empty ones where they are masked."""
    return column.filled("") if hasattr(column, "filled") else column


def test_astropy_makes_real_texts_of_them_and_writes_fits(service: str, texts: str, tmp_path: Path) -> None:
    for table, names in ((texts, ("t", "u")), ("demo.ngc", ("name", "obj_type"))):
        tap = pyvo.dal.TAPService(service)
        found = tap.search(f"SELECT TOP 5 {', '.join(names)} FROM {table}").to_table()
        tap._session.close()
        assert {found[name].dtype.kind for name in names} == {"U"}
        path = tmp_path / f"{table}.fits"
        found[[names[0]]].write(path)
        assert [str(each).rstrip() for each in filled(Table.read(path)[names[0]])] == [
            str(each) for each in filled(found[names[0]])
        ]


LONGER = [
    "t || t",
    "t || ' and more'",
    "COALESCE(NULLIF(t, ''), 'more than twelve signs')",
    "CASE WHEN id = 1 THEN 'more than twelve signs' ELSE t END",
    "CAST(t AS VARCHAR(40)) || u",
    "UPPER(u) || LOWER(t)",
    "CAST(t AS VARCHAR(3))",
    "t",
]


@pytest.mark.parametrize("expression", LONGER)
@in_every_votable
def test_what_is_made_of_a_text_is_declared_as_long_as_it_is(
    service: str, texts: str, expression: str, format_: str
) -> None:
    """A length that is too short would cut the text in programs that believe it."""
    query = f"SELECT {expression} AS x FROM {texts} ORDER BY id"
    size = sync(service, query, RESPONSEFORMAT=format_).votable().fields[0]["arraysize"]
    longest = max(map(len, sync(service, query, RESPONSEFORMAT="csv").lines[1:]))
    assert size == "*" or int(size.removesuffix("*")) >= longest


@pytest.mark.parametrize("query", [
    "SELECT t FROM {0} UNION ALL SELECT 'more than twelve signs' FROM {0}",
    "SELECT MAX(x) AS t FROM (SELECT t || t AS x FROM {0}) AS s",
    "SELECT ivo_string_agg(t, ' and ') AS t FROM {0}",
    "SELECT COALESCE(a.t, b.t) AS t FROM (SELECT u AS t FROM {0}) AS a LEFT JOIN (SELECT t FROM {0}) AS b ON 1 = 1",
])  # fmt: skip
def test_texts_of_several_sources_are_declared_as_long_as_they_are(service: str, texts: str, query: str) -> None:
    found = sync(service, query.format(texts), RESPONSEFORMAT="votable/td").votable()
    size, longest = found.fields[0]["arraysize"], max(len(row[0]) for row in found.rows)
    assert size == "*" or int(size.removesuffix("*")) >= longest


# ---- times


MOMENTS = [1577934245123456789, 1577934245123456499, -1, -1_500_600, 0, None]
ROUNDED = [
    "2020-01-02T03:04:05.123457",
    "2020-01-02T03:04:05.123456",
    "1970-01-01T00:00:00",
    "1969-12-31T23:59:59.998499",
    "1970-01-01T00:00:00",
    "",
]
TIMES = {
    "id": pa.array(range(6)),
    "t": pa.array(MOMENTS, pa.timestamp("ns")),
    "z": pa.array(MOMENTS, pa.timestamp("ns", "UTC")),
}


@pytest.mark.parametrize("source", ["parquet", "arrow", "loaded"])
def test_times_with_nanoseconds_are_rounded(service: str, load: Load, source: str) -> None:
    url, content = f"{service}/sync", parquet(TIMES) if source != "arrow" else feather(TIMES)
    if source == "loaded":
        reply = sync(service, f"SELECT * FROM {load('times.parquet', content)} ORDER BY id", RESPONSEFORMAT="csv")
    else:
        reply = send(url, f"{ALL} ORDER BY id", content, file_name=f"mine.{source}")
    assert reply.status == 200, reply.text
    found = read_delimited(reply.body, "csv")
    for name in ("t", "z"):
        assert [whole(each) for each in found[name]] == ROUNDED


def whole(instant: str) -> str:
    """Without zeros at the end of a fraction."""
    return instant.rstrip("0").rstrip(".") if "." in instant else instant


# ---- files that are compressed


def zstd_stream(data: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as packed:
        packed.write(data)
    return bytes(out.getvalue())


PACKINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gz", gzip.compress),
    "gzip, two members": ("gz", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
    "zstd": ("zst", lambda data: bytes(pa.compress(data, codec="zstd"))),
    "zstd, as a stream": ("zst", zstd_stream),
}
SMALL = Table({"a": np.array([1, 2], "i4")})
FILES = {
    "vot": by_table(SMALL, "binary2"),
    "fits": by_table(SMALL, "fits"),
    "ecsv": by_table(SMALL, "ascii.ecsv"),
    "parquet": parquet({"a": [1, 2]}),
    "arrow": feather({"a": [1, 2]}),
    "csv": b"a\n1\n2\n",
    "tsv": b"a\tb\n1\t\n2\t\n",
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("packing", PACKINGS)
def test_a_compressed_file_is_read_by_its_content(url: str, kind: str, packing: str) -> None:
    suffix, pack = PACKINGS[packing]
    names = [
        f"mine.{kind}.{suffix}",
        *([f"mine.{kind}"] if kind != "arrow" else []),
        *(["mine"] if "sv" not in kind else []),
    ]
    for file_name in names:
        reply = send(url, "SELECT a FROM TAP_UPLOAD.mine", pack(FILES[kind]), file_name=file_name)
        assert reply.lines == ["a", "1", "2"], (file_name, reply.text)


@pytest.mark.parametrize(
    "file_name", ["p1.vot.gz", "p2.fits.gz", "p3.csv.gz", "p4.csv.zst", "p5.parquet.zst", "p6.fits"]
)
def test_a_compressed_file_is_loaded(service: str, load: Load, file_name: str) -> None:
    pack = PACKINGS["zstd" if file_name.endswith("zst") else "gzip"][1]
    table = load(file_name, pack(FILES[file_name.split(".")[1]]))
    assert sync(service, f"SELECT a FROM {table} ORDER BY a", RESPONSEFORMAT="csv").lines == ["a", "1", "2"]


LONG = b"a\n" + b"".join(b"%d\n" % (i * 7919 % 100_003) for i in range(20_000))


def broken(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes(8) + data[len(data) // 2 + 8 :]


SPOILT = {
    "cut in the middle": lambda packed: packed[: len(packed) // 2],
    "cut before its end": lambda packed: packed[:-6],
    "cut to its head": lambda packed: packed[:12],
    "with other bytes": broken,
}


# Of other bytes in its midst only a checksum could tell, and zstd writes none unless it is asked to.
@pytest.mark.parametrize(
    ("packing", "how"), [("gzip", how) for how in SPOILT] + [("zstd", how) for how in SPOILT if how.startswith("cut")]
)
def test_a_spoilt_compressed_file_is_refused(url: str, packing: str, how: str) -> None:
    suffix, pack = PACKINGS[packing]
    reply = send(url, COUNT, SPOILT[how](pack(LONG)), file_name=f"mine.csv.{suffix}")
    assert reply.status == 400, reply.text
    assert reply.votable().message.startswith("The upload mine")


def test_nothing_compressed_is_nothing(url: str) -> None:
    assert send(url, COUNT, gzip.compress(b""), file_name="mine.csv.gz").status == 400


@pytest.fixture(scope="module")
def strict(sample: Config) -> Iterator[str]:
    """A service where uploads may have a million bytes when they are unpacked."""
    with serving(alone(sample, upload_unpacked_bytes=1_000_000, processes=1, workers=0)) as url:
        yield f"{url}/sync"
    database.prepare(sample, lambda _: None)


SWELLING = {
    "rows": (b"a\n", b"1\n"),
    "blanks in XML": (b"<VOTABLE>", b" "),
    "one vast cell": (b"a\n", b"1"),
    "nothing but zeros": (b"", b"\0"),
}


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
@pytest.mark.parametrize("name", SWELLING)
def test_a_file_that_swells_is_refused_by_the_limit_of_unpacked_bytes(strict: str, packing: str, name: str) -> None:
    """At once; what is no table in its first bytes already may be refused for that."""
    head, piece = SWELLING[name]
    content = PACKINGS[packing][1](head + piece * (60_000_000 // len(piece)))
    assert len(content) < 1_000_000
    begun = time.monotonic()
    reply = send(strict, COUNT, content, file_name="mine" if head[:1] == b"<" else "mine.csv")
    assert reply.status in {400, 413}, reply.text
    if name in {"rows", "blanks in XML"}:
        assert "1,000,000" in reply.votable().message
    assert time.monotonic() - begun < 5


def test_a_file_within_the_limit_is_unpacked(strict: str) -> None:
    assert send(strict, COUNT, gzip.compress(LONG), file_name="mine.csv.gz").lines == ["n", "20000"]


# ---- geometries


REGIONS = {
    "circle": "CIRCLE ICRS 10 20 1",
    "circle, as STC-S writes it": "Circle ICRS 10.0 20.0 1.0",
    "polygon": "POLYGON ICRS 9 19 11 19 11 21 9 21",
    "box": "BOX ICRS 10 20 2 2",
    "circle without a frame": "Circle 10 20 1",
}


def with_text(text: str, xtype: str, form: str = "tabledata") -> bytes:
    """A row with the text, and one with none."""
    if form == "tabledata":
        return document(field("r", "char", "*", xtype) + tabledata((text,), ("",)))
    whole = by_astropy(Table({"r": np.array([text, ""], object)}), form).decode()
    return whole.replace('name="r"', f'name="r" xtype="{xtype}"', 1).encode()


@pytest.mark.parametrize("form", ["tabledata", "binary2"])
@pytest.mark.parametrize("name", REGIONS)
def test_a_region_in_words_is_a_geometry(url: str, name: str, form: str) -> None:
    query = "SELECT CONTAINS(POINT(10.3, 20.2), r) AS inside, CONTAINS(POINT(12.5, 20), r) AS outside, INTERSECTS(CIRCLE(10, 20, 3), r) AS meets FROM TAP_UPLOAD.mine"
    reply = send(url, query, with_text(REGIONS[name], "adql:REGION", form))
    assert reply.lines[1:] == ["1,0,1", ",,"], reply.text


@pytest.mark.parametrize("form", ["tabledata", "binary2"])
@pytest.mark.parametrize("xtype", ["adql:REGION", "adql:POINT"])
@pytest.mark.parametrize("text", ["POSITION ICRS 10 20", "Position ICRS 10.0 20.0"])
def test_a_position_in_words_is_a_point(url: str, text: str, xtype: str, form: str) -> None:
    query = "SELECT CONTAINS(r, CIRCLE(10, 20, 0.1)) AS inside, CONTAINS(r, CIRCLE(11, 20, 0.1)) AS outside, COORD2(r) AS lat FROM TAP_UPLOAD.mine"
    reply = send(url, query, with_text(text, xtype, form))
    inside, outside, lat = reply.lines[1].split(",")
    assert (inside, outside) == ("1", "0")
    assert float(lat) == pytest.approx(20)
    assert reply.lines[2] == ",,"


@pytest.mark.parametrize(
    "text", ["nonsense", "CIRCLE ICRS 10 20", "CIRCLE ICRS a b c", "POLYGON ICRS 1 1 2 2", "UNION ICRS ()", "'"]
)
def test_words_that_are_no_region_are_refused_or_nothing(url: str, text: str) -> None:
    reply = send(url, "SELECT CONTAINS(POINT(10, 20), r) AS x FROM TAP_UPLOAD.mine", with_text(text, "adql:REGION"))
    assert (reply.status, reply.lines[1:]) == (200, ["", ""]) or reply.status == 400


OWN = (
    "SELECT TOP 20 name, POINT(ra, dec) AS p, CIRCLE(ra, dec, 1) AS c,"
    " POLYGON(ra - 1, dec - 1, ra + 1, dec - 1, ra + 1, dec + 1, ra - 1, dec + 1) AS y"
    " FROM demo.ngc WHERE ra BETWEEN 5 AND 355 AND dec BETWEEN -60 AND 60 ORDER BY name"
)


@pytest.mark.parametrize("format_", [*VOTABLES, "fits", "parquet", "arrow", "ecsv"])
def test_geometries_of_our_own_results_are_geometries_again(service: str, url: str, format_: str) -> None:
    body = sync(service, OWN, RESPONSEFORMAT=format_).body
    query = (
        "SELECT COUNT(*) AS n, SUM(CONTAINS(p, c)) AS i, SUM(CONTAINS(p, y)) AS j, AVG(AREA(c)) AS a, AVG(COORD1(p)) AS l"
        " FROM TAP_UPLOAD.mine"
    )
    reply = send(url, query, body, file_name=f"mine.{SUFFIXES.get(format_, 'vot')}")
    assert reply.status == 200, reply.text
    found = [float(each) for each in reply.lines[1].split(",")]
    assert found[:4] == [20, 20, 20, pytest.approx(3.14151, abs=1e-4)]
    again = send(
        url, ALL, body, file_name=f"mine.{SUFFIXES.get(format_, 'vot')}", RESPONSEFORMAT="votable/td"
    ).votable()
    assert [each.get("xtype") for each in again.fields] == [None, "point", "circle", "polygon"]


# ---- columns that cannot be read


UNREADABLE = {
    "tags": pa.array([["x", "y"], []], pa.list_(pa.string())),
    "pair": pa.array([{"x": 1}, None], pa.struct([("x", pa.int64())])),
    "map": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
}


def warnings_of(reply: Reply) -> str:
    return " ".join(each.get("value") for each in reply.votable().all("//v:INFO[@name='warning']"))


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("write", [parquet, feather])
def test_a_column_that_cannot_be_read_is_left_out_and_a_warning_says_so(
    url: str, write: Callable[[dict[str, Any]], bytes], name: str
) -> None:
    content = write({"a": [1, 2], name: UNREADABLE[name], "z": ["x", "y"]})
    reply = send(url, ALL, content, file_name="mine.parquet")
    assert reply.lines == ["a,z", "1,x", "2,y"], reply.text
    assert name in (reply.headers["x-armillary-warning"] or "")
    reply = send(url, ALL, content, file_name="mine.parquet", RESPONSEFORMAT="votable/td")
    assert (reply.votable().names, name in warnings_of(reply)) == (["a", "z"], True)
    reply = send(url, f"SELECT a, {name} FROM TAP_UPLOAD.mine", content, file_name="mine.parquet")
    assert (reply.status, name in reply.votable().message) == (400, True)


def test_all_columns_that_cannot_be_read_are_an_error_that_names_them(url: str) -> None:
    reply = send(url, COUNT, parquet(UNREADABLE), file_name="mine.parquet")
    assert reply.status == 400
    assert "tags" in reply.votable().message
