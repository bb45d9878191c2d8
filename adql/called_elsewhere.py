"""Functions under their names in other databases: what ADQL calls them, or what to write where it has none."""

NO_PRESENT_MOMENT = "ADQL has no present moment: write CAST('2016-01-01T00:00:00' AS TIMESTAMP)."
_CONE = "Write DISTANCE(ra, dec, lon, lat) < radius, all in degrees."
_IN_MOC = "Write 1 = CONTAINS(POINT(ra, dec), MOC('4/30-33 5/136'))."
_NO_PART = "ADQL has no function for parts of texts; LIKE 'abc%' compares with the beginning of one."
LIKE_A_PATTERN = "Write LIKE 'pattern', where % is any text and _ any character."

CALLED_ELSEWHERE = {
    **dict.fromkeys(("NVL", "IFNULL", "ISNULL"), "ADQL calls it COALESCE(x, y)."),
    **dict.fromkeys(
        ("DIST", "ANGDIST", "SEPARATION", "ANGULARDISTANCE"), "ADQL calls it DISTANCE(point, point), in degrees."
    ),
    **dict.fromkeys(("Q3C_DIST",), "ADQL calls it DISTANCE(ra1, dec1, ra2, dec2), in degrees."),
    **dict.fromkeys(("Q3C_RADIAL_QUERY", "Q3C_JOIN", "CONE", "CONESEARCH", "FGETNEARBYOBJEQ"), _CONE),
    **dict.fromkeys(("INMOC", "IN_MOC", "NEARMOC", "MOC_CONTAINS"), _IN_MOC),
    **dict.fromkeys(
        ("MOC_UNION", "MOCUNION"), "It is called gavo_mocunion(moc, moc); MOC_AGG(moc) is that of all rows."
    ),
    **dict.fromkeys(("MOC_INTERSECTION", "MOC_INTERSECT"), "It is called gavo_mocintersect(moc, moc)."),
    **dict.fromkeys(("IF", "IIF", "DECODE"), "Write CASE WHEN condition THEN x ELSE y END."),
    **dict.fromkeys(("STDEV", "STD"), "It is called STDDEV(x) here."),
    **dict.fromkeys(("AVERAGE", "MEAN"), "ADQL calls it AVG(x)."),
    **dict.fromkeys(("NOW", "GETDATE", "CURDATE", "SYSDATE"), NO_PRESENT_MOMENT),
    **dict.fromkeys(("SUBSTRING", "SUBSTR", "LEFT", "RIGHT", "MID"), _NO_PART),
    **dict.fromkeys(("REGEXP_LIKE", "REGEXP_MATCHES", "MATCH", "STARTSWITH", "STARTS_WITH"), LIKE_A_PATTERN),
    **dict.fromkeys(("LEN", "LENGTH", "CHAR_LENGTH"), "ADQL has no function for the length of a text."),
    **dict.fromkeys(("RANDOM", "RND"), "ADQL calls it RAND()."),
    **dict.fromkeys(("TRUNC", "INT", "FIX"), "ADQL calls it TRUNCATE(x)."),
    **dict.fromkeys(("CONVERT", "TO_CHAR", "TO_NUMBER", "STR"), "Write CAST(x AS type)."),
    **dict.fromkeys(("ARR_UNNEST", "EXPLODE", "FLATTEN"), "Write FROM t, UNNEST(t.a) AS u (x): a row of each element."),
    "CEIL": "ADQL calls it CEILING(x).",
    "LN": "ADQL calls it LOG(x); LOG10(x) is the one to base 10.",
    "POW": "ADQL calls it POWER(x, y).",
    "LCASE": "ADQL calls it LOWER(x).",
    "UCASE": "ADQL calls it UPPER(x).",
    "CONCAT": "Write x || y to join texts.",
}
