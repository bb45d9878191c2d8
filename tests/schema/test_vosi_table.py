"""Tables that are described as VOSI's /tables does (VODataService 1.2 §3.3, VOTable 1.4 §2, DALI 1.1 §3.3), without a database."""

from contextlib import suppress

import pytest

from schema.description import Description, DescriptionError
from schema.load.reader import LoadError
from schema.plan import plan_columns
from schema.vosi_table import MOST_BYTES, is_vosi_table, read_vosi_table

VOSI, VOD = "http://www.ivoa.net/xml/VOSITables/v1.0", "http://www.ivoa.net/xml/VODataService/v1.1"
NAMESPACES = f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:vod="{VOD}"'


def column(name: str, datatype: str, type_: str = "VOTableType", more: str = "", **attributes: str) -> str:
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<column><name>{name}</name>{more}<dataType xsi:type="vod:{type_}"{written}>{datatype}</dataType></column>'


def table(*columns: str, more: str = "") -> bytes:
    """A document; `more` stands between the table's name and its columns."""
    text = f'<vosi:table xmlns:vosi="{VOSI}" {NAMESPACES}><name>s.t</name>{more}{"".join(columns)}</vosi:table>'
    return text.encode()


def types(document: bytes) -> dict[str, tuple[str, str | None, str | None]]:
    """What the table of a document would have for columns: datatype, arraysize and xtype by name, as TAP_SCHEMA has them."""
    reader, _ = read_vosi_table(document)
    planned = plan_columns(reader.columns, Description(), by_content=False)
    return {each.name: (each.about.datatype, each.about.arraysize, each.about.xtype) for each in planned}


def refusal(document: bytes) -> str:
    with pytest.raises(LoadError) as error:
        read_vosi_table(document)
    return str(error.value)


# ---- types


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (column("x", "boolean"), ("boolean", None, None)),
        (column("x", "bit"), ("boolean", None, None)),
        (column("x", "unsignedByte"), ("short", None, None)),
        (column("x", "unsignedByte", arraysize="*"), ("unsignedByte", "*", None)),
        (column("x", "short"), ("short", None, None)),
        (column("x", "int"), ("int", None, None)),
        (column("x", "long", arraysize="1"), ("long", None, None)),
        (column("x", "float"), ("float", None, None)),
        (column("x", "double"), ("double", None, None)),
        (column("x", " double "), ("double", None, None)),
        (column("x", "char"), ("char", "*", None)),
        (column("x", "char", arraysize="8"), ("char", "*", None)),
        (column("x", "unicodeChar", arraysize="30*"), ("unicodeChar", "*", None)),
        (column("x", "float", arraysize="3"), ("float", "3", None)),
        (column("x", "int", arraysize="2x3"), ("int", "2x3", None)),
        (column("x", "double", arraysize="*"), ("double", "*", None)),
        (column("x", "char", arraysize="*", extendedType="timestamp"), ("char", "*", "timestamp")),
        (column("x", "char", arraysize="*", extendedType="adql:TIMESTAMP"), ("char", "*", "timestamp")),
        (column("x", "double", arraysize="2", extendedType="point"), ("double", "2", "point")),
        (column("x", "double", arraysize="3", extendedType="circle"), ("double", "3", "circle")),
        (column("x", "double", arraysize="*", extendedType="polygon"), ("double", "*", "polygon")),
        (column("x", "char", arraysize="*", extendedType="uuid"), ("char", "*", "uuid")),
    ],
)
def test_a_type_of_votable_is_what_the_column_has(written: str, expected: tuple[str, str | None, str | None]) -> None:
    assert types(table(written)) == {"x": expected}


@pytest.mark.parametrize(
    ("tap_type", "expected"),
    [
        ("BOOLEAN", ("boolean", None, None)),
        ("SMALLINT", ("short", None, None)),
        ("INTEGER", ("int", None, None)),
        ("BIGINT", ("long", None, None)),
        ("REAL", ("float", None, None)),
        ("DOUBLE", ("double", None, None)),
        ("TIMESTAMP", ("char", "*", "timestamp")),
        ("CHAR", ("char", "*", None)),
        ("VARCHAR", ("char", "*", None)),
        ("CLOB", ("char", "*", None)),
        ("BINARY", ("unsignedByte", "*", None)),
        ("VARBINARY", ("unsignedByte", "*", None)),
        ("BLOB", ("unsignedByte", "*", None)),
        ("POINT", ("double", "2", "point")),
    ],
)
def test_a_type_of_tap_is_what_the_column_has(tap_type: str, expected: tuple[str, str | None, str | None]) -> None:
    """VODataService 1.1 §3.5.3."""
    assert types(table(column("x", tap_type, "TAPType", size="30"))) == {"x": expected}


@pytest.mark.parametrize("prefix", ["adql:", "ADQL:"])
def test_a_type_of_tap_may_have_the_prefix_that_tap_1_0_gave_it(prefix: str) -> None:
    """TAP 1.0 §2.5: adql:VARCHAR."""
    written = [column(name.lower(), f"{prefix}{name}", "TAPType") for name in ("VARCHAR", "DOUBLE", "TIMESTAMP")]
    expected = {
        "varchar": ("char", "*", None),
        "double": ("double", None, None),
        "timestamp": ("char", "*", "timestamp"),
    }
    assert types(table(*written)) == expected


@pytest.mark.parametrize(
    ("written", "word"),
    [
        (column("x", "nonsense"), "nonsense"),
        (column("x", "doubleComplex"), "doubleComplex"),
        (column("x", "NONSENSE", "TAPType"), "NONSENSE"),
        (column("x", "NUMERIC", "TAPType"), "NUMERIC"),
        (column("x", ""), "x"),
        (column("x", "bit", arraysize="4"), "bit"),
        (column("x", "double", arraysize="two"), "two"),
        (column("x", "double", arraysize="99999999999"), "99999999999"),
        (column("x", "double", extendedType="timestamp"), "timestamp"),
    ],
)
def test_a_type_that_no_column_can_have_is_refused_and_named(written: str, word: str) -> None:
    said = refusal(table(column("y", "int"), written))
    assert "column x" in said
    assert word in said


# ---- what is said of the table and its columns


def test_what_a_document_says_of_columns_and_of_the_table_is_read() -> None:
    said = "<description> How bright </description><unit>mag</unit><ucd>phot.mag</ucd><utype>a:b.c</utype>"
    about = "<title>T</title><description>Stars</description><utype>a:stars</utype>"
    reader, description = read_vosi_table(table(column("v", "float", more=said), column("id", "long"), more=about))
    v, id_ = reader.columns
    assert (v.name, v.description, v.unit, v.ucd, v.utype) == ("v", "How bright", "mag", "phot.mag", "a:b.c")
    assert (id_.name, id_.description, id_.unit, id_.ucd, id_.utype) == ("id", None, None, None, None)
    assert (description.table.description, description.table.utype) == ("Stars", "a:stars")
    assert description.columns["v"].unit == "mag"
    assert list(reader.batches()) == []


def test_columns_stand_in_the_order_of_the_document() -> None:
    names = [f"c{number}" for number in range(60, 0, -1)]
    reader, _ = read_vosi_table(table(*(column(name, "int") for name in names)))
    assert [each.name for each in reader.columns] == names


@pytest.mark.parametrize(
    ("written", "name"),
    [("ra", "ra"), ("Ra", "Ra"), ('"my mag"', "my mag"), ('"a""b"', 'a"b'), ("my mag", "my mag"), ("a.b", "a.b"), ("größe", "größe")],
)  # fmt: skip
def test_a_name_in_quotes_is_the_name_within_them(written: str, name: str) -> None:
    """VODataService 1.2 §3.3: names as queries would write them."""
    (found,) = read_vosi_table(table(column(written, "int")))[0].columns
    assert found.name == name


# ---- namespaces and envelopes


@pytest.mark.parametrize(
    "document",
    [
        f'<table xmlns="{VOSI}" {NAMESPACES}><name>t</name>{column("x", "int")}</table>',
        f"<table {NAMESPACES}><name>t</name>{column('x', 'int')}</table>",
        f'<q:table xmlns:q="{VOSI}" {NAMESPACES}><name>t</name>{column("x", "int")}</q:table>',
        f'<q:table xmlns:q="urn:else" {NAMESPACES}><q:name>t</q:name>{column("x", "int").replace("<", "<q:").replace("<q:/", "</q:")}</q:table>',
        f'<q:table xmlns:q="{VOSI}"><name>t</name><column><name>x</name><dataType>int</dataType></column></q:table>',
        f'<v:tableset xmlns:v="{VOSI}" {NAMESPACES}><schema><name>s</name><table><name>t</name>{column("x", "int")}</table></schema></v:tableset>',
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- mine --><table {NAMESPACES}>{column("x", "int")}</table>\n',
    ],
)
def test_prefixes_do_not_matter_nor_does_a_tableset_round_it(document: str) -> None:
    assert is_vosi_table(document.encode())
    assert types(document.encode()) == {"x": ("int", None, None)}


def test_other_encodings_than_utf_8_are_read() -> None:
    text = table(column("x", "int", more="<description>Größe</description>")).decode()
    document = f'<?xml version="1.0" encoding="ISO-8859-1"?>{text}'.encode("latin-1")
    assert read_vosi_table(document)[0].columns[0].description == "Größe"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"id,name\n1,Vega\n",
        b'<VOTABLE xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE/></RESOURCE></VOTABLE>',
        b"<html><table/></html>",
        b"SIMPLE  =                    T",
        b"PAR1\x00\x00<table>",
    ],
)
def test_a_file_with_rows_is_no_description(head: bytes) -> None:
    assert not is_vosi_table(head)


def test_the_beginning_of_a_long_description_tells_what_it_is() -> None:
    document = table(*(column(f"c{number}", "int") for number in range(500)))
    assert is_vosi_table(document[:8192])
    assert len(document) < MOST_BYTES


# ---- what is refused


def test_a_document_without_columns_is_refused() -> None:
    assert "no columns" in refusal(table())
    assert "no columns" in refusal(table(more="<description>Nothing</description>"))


def test_a_document_describes_one_table_and_no_more() -> None:
    one = f"<table><name>t</name>{column('x', 'int')}</table>"
    for number, tables in ((2, one * 2), (0, "")):
        document = f"<tableset {NAMESPACES}><schema><name>s</name>{tables}</schema></tableset>"
        assert f"it has {number}" in refusal(document.encode())


@pytest.mark.parametrize(
    "columns",
    [
        [column("x", "int"), column("x", "double")],
        [column("x", "int"), column('"x"', "int")],
        [column("a", "int"), column("x", "int"), column("b", "int"), column("x", "int")],
    ],
)
def test_two_columns_of_one_name_are_refused_when_the_table_is_planned(columns: list[str]) -> None:
    with pytest.raises(DescriptionError, match="two columns are called x"):
        types(table(*columns))


@pytest.mark.parametrize(
    "written",
    [
        "<column><dataType>int</dataType></column>",
        "<column><name/><dataType>int</dataType></column>",
        "<column><name>  </name><dataType>int</dataType></column>",
    ],
)
def test_a_column_without_a_name_is_refused(written: str) -> None:
    assert "no name" in refusal(table(written))


@pytest.mark.parametrize("given", ["", "<dataType>int</dataType><dataType>int</dataType>"])
def test_a_column_has_one_type(given: str) -> None:
    assert "one dataType" in refusal(table(f"<column><name>x</name>{given}</column>"))


@pytest.mark.parametrize("document", [b"", b"<table", b"\x00\xff", b"not xml", table(column("x", "int"))[:-9]])
def test_what_is_no_xml_is_refused(document: bytes) -> None:
    assert "no XML" in refusal(document)


def billion() -> str:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE table [<!ENTITY a0 "ha">{entities}]>'


@pytest.mark.parametrize(
    ("declared", "used"),
    [
        ('<!DOCTYPE table [<!ENTITY e SYSTEM "file:///etc/hostname">]>', "&e;"),
        ('<!DOCTYPE table [<!ENTITY e SYSTEM "http://127.0.0.1:9/">]>', "&e;"),
        ('<!DOCTYPE table [<!ENTITY e "inner">]>', "&e;"),
        ('<!DOCTYPE table SYSTEM "file:///etc/hostname">', ""),
        ('<!DOCTYPE table [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>', ""),
        (billion(), "&a9;"),
    ],
)
@pytest.mark.parametrize("place", ["description", "name", "type"])
def test_entities_are_never_put_in_and_bombs_do_not_go_off(declared: str, used: str, place: str) -> None:
    words = {"description": "about", "name": "x", "type": "int", place: used or "x"}
    written = column(
        words["name"], words["type"] if used else "int", more=f"<description>{words['description']}</description>"
    )
    document = declared.encode() + table(written)
    shown = ""
    with suppress(LoadError):
        shown = str(read_vosi_table(document))
    assert "inner" not in shown
    assert "haha" not in shown
    assert len(shown) < 2000


def test_a_text_with_an_entity_of_the_documents_own_is_refused_rather_than_cut() -> None:
    written = column("x", "int", more="<description>of &e; stars</description>")
    assert refusal(b'<!DOCTYPE table [<!ENTITY e "many">]>' + table(written))


def test_a_comment_within_a_text_takes_nothing_from_it() -> None:
    written = column("x", "int", more="<description>Right <!-- or left --> ascension</description>")
    (found,) = read_vosi_table(table(written))[0].columns
    assert (found.description or "").split() == ["Right", "ascension"]


def test_a_tree_that_is_too_deep_is_refused() -> None:
    deep = "<a>" * 5000 + "</a>" * 5000
    assert "no XML" in refusal(table(column("x", "int"), more=deep))
