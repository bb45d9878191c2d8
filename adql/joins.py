"""What a join brings into reach: NATURAL and USING become plain conditions on published columns.

PostgreSQL would join on hidden columns too, and wants equal spelling; so it never sees either.
"""

from dataclasses import dataclass, replace

from adql import nodes
from adql.errors import AmbiguousName, UnknownColumn, WrongJoin, nearest
from adql.literals import compatible
from adql.nodes import Condition, Identifier, TableReference, Value
from adql.scope import Source, Visible


@dataclass(frozen=True)
class Joined:
    """Table references, resolved, with their sources and the columns that bare names can mean."""

    references: tuple[TableReference, ...] = ()
    sources: tuple[Source, ...] = ()
    visible: tuple[Visible, ...] = ()

    @classmethod
    def of(cls, reference: TableReference, source: Source) -> "Joined":
        return cls((reference,), (source,), source.columns)

    def beside(self, other: "Joined") -> "Joined":
        """Return what `FROM a, b` brings into reach."""
        return Joined(
            self.references + other.references,
            self.sources + other.sources,
            self.visible + other.visible,
        )

    def on(self, condition: Condition) -> "Joined":
        (join,) = self.references
        if not isinstance(join, nodes.Join):
            raise AssertionError(join)
        return replace(self, references=(replace(join, condition=condition),))


def join_scopes(join: nodes.Join, left: Joined, right: Joined) -> Joined:
    """Return the join of two; with NATURAL and USING its condition is made here, with ON by the caller.

    Raises: AdqlError for a join that does not say what it joins on.
    """
    if join.natural and (join.using or join.condition):
        raise WrongJoin("A NATURAL JOIN takes neither ON nor USING", join.span)
    names = _natural_names(join, left, right) if join.natural else join.using
    if not names and join.condition is None:
        raise WrongJoin(
            "This JOIN does not say what it joins on",
            join.span,
            "Write JOIN t ON a.id = t.id, JOIN t USING (id), or NATURAL JOIN t; for all pairs FROM a, t.",
        )
    pairs = [_pair(name, left, right) for name in names]
    (left_reference,), (right_reference,) = left.references, right.references
    resolved = replace(
        join,
        left=left_reference,
        right=right_reference,
        natural=False,
        using=(),
        condition=_equal(pairs) if pairs else None,
    )
    return Joined((resolved,), left.sources + right.sources, _visible(join.kind, pairs, left, right))


def _natural_names(join: nodes.Join, left: Joined, right: Joined) -> tuple[Identifier, ...]:
    names = tuple(
        Identifier(left_column.name, left_column.delimited and right_column.delimited, join.span)
        for left_column in left.visible
        for right_column in right.visible
        if left_column.name.lower() == right_column.name.lower()
    )
    if not names:
        raise WrongJoin("The tables of this NATURAL JOIN have no column in common", join.span, "Use JOIN ... ON.")
    return names


Pair = tuple[Visible, Visible]


def _pair(name: Identifier, left: Joined, right: Joined) -> Pair:
    return _only(name, left, "left"), _only(name, right, "right")


def _only(name: Identifier, joined: Joined, side: str) -> Visible:
    matches = [column for column in joined.visible if column.matches(name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise AmbiguousName(f"The column {name.name} is twice in the {side} side of the JOIN", name.span)
    hint = nearest(name.name, [column.name for column in joined.visible])
    raise UnknownColumn(f"The {side} side of the JOIN has no column {name.name}", name.span, hint)


def _equal(pairs: list[Pair]) -> Condition:
    conditions: list[Condition] = []
    for left_column, right_column in pairs:
        left, right = compatible((left_column.value, right_column.value))
        conditions.append(nodes.Comparison("=", left, right))
    return conditions[0] if len(conditions) == 1 else nodes.And(tuple(conditions))


def _visible(kind: str, pairs: list[Pair], left: Joined, right: Joined) -> tuple[Visible, ...]:
    """Return the joined columns, once and first, then the rest of the left, then of the right (SQL-92 §7.5)."""
    merged = tuple(replace(a, value=_merged(kind, a.value, b.value)) for a, b in pairs)
    from_left, from_right = [id(a) for a, _ in pairs], [id(b) for _, b in pairs]
    rest = tuple(v for v in left.visible if id(v) not in from_left)
    return merged + rest + tuple(v for v in right.visible if id(v) not in from_right)


def _merged(kind: str, left: Value, right: Value) -> Value:
    if kind == "RIGHT":
        return right
    if kind == "FULL":
        return nodes.Call("COALESCE", (left, right), info=replace(left.info, source=None))
    return left
