"""The tree of a query: frozen values with their place in the text, which like `info` does not count in comparisons.

The parser makes it (ADQL 2.1 appendix A), `resolve` replaces names by Fields and fills `info`, the rewrites put
indexable conditions in, `postgres` and `unparse` print it.
"""

from dataclasses import dataclass, field

from adql.errors import NOWHERE, Span
from adql.info import UNKNOWN, Info
from schema.types import Type


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name as written; only a delimited one is compared by case (ADQL 2.1 §2.1.7)."""

    name: str
    delimited: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    def matches(self, name: str, *, exactly: bool = False) -> bool:
        """Return whether it means `name`; `exactly` if that is delimited itself, so that case counts."""
        if self.delimited or exactly:
            return self.name == name
        return self.name.lower() == name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression(Node):
    """A value or a condition."""

    info: Info = field(default=UNKNOWN, compare=False, repr=False)

    @property
    def type(self) -> Type | None:
        return self.info.type


class Value(Expression):
    """<value_expression>"""

    __slots__ = ()


class Condition(Expression):
    """<search_condition>"""

    __slots__ = ()


# ---- values


@dataclass(frozen=True, slots=True)
class Number(Value):
    text: str


@dataclass(frozen=True, slots=True)
class String(Value):
    value: str


@dataclass(frozen=True, slots=True)
class Null(Value):
    pass


@dataclass(frozen=True, slots=True)
class ColumnReference(Value):
    parts: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True)
class Field(Value):
    """A resolved column: the source's alias in the SQL, the column's name there, and its name for the world."""

    source: str
    name: str
    label: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Signed(Value):
    sign: str
    operand: Value


@dataclass(frozen=True, slots=True)
class Arithmetic(Value):
    """A chain of one precedence: `a + b - c` has two operators and three operands."""

    operators: tuple[str, ...]
    operands: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Subscript(Value):
    """`array[first]`; with `is_slice` `array[first:last]`, where no bound means that of the array. Indexes are from 1."""

    array: Value
    first: Value | None
    last: Value | None = None
    is_slice: bool = False


@dataclass(frozen=True, slots=True)
class Concatenation(Value):
    operands: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Call(Value):
    """A function, standard or user defined; `name` in upper case. `order_by` is that of the rows of an aggregate."""

    name: str
    arguments: tuple[Value, ...]
    order_by: tuple["OrderTerm", ...] = ()

    @property
    def coordinates(self) -> tuple[Value, ...]:
        """Return the arguments of a geometry without the name of its coordinate system."""
        return tuple(argument for argument in self.arguments if argument.type is None or not argument.type.is_text)


@dataclass(frozen=True, slots=True)
class Aggregate(Value):
    """<set_function_specification>; without argument it is COUNT(*)."""

    name: str
    argument: Value | None
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Window(Value):
    """`function(...) OVER (PARTITION BY ... ORDER BY ...)`, an extension; the frame is SQL's default one."""

    function: Aggregate | Call
    partition_by: tuple[Value, ...] = ()
    order_by: tuple["OrderTerm", ...] = ()


@dataclass(frozen=True, slots=True)
class Subquery(Value):
    """A query that gives one column and at most one row, as a value; an extension."""

    query: "Query"


@dataclass(frozen=True, slots=True)
class Cast(Value):
    operand: Value
    target: str
    length: int | None = None


@dataclass(frozen=True, slots=True)
class When(Node):
    condition: Expression
    result: Value


@dataclass(frozen=True, slots=True)
class Case(Value):
    """CASE: with `operand` each `When.condition` is a value that it is compared with."""

    whens: tuple[When, ...]
    otherwise: Value | None = None
    operand: Value | None = None


# ---- conditions


@dataclass(frozen=True, slots=True)
class Comparison(Condition):
    operator: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Between(Condition):
    operand: Value
    low: Value
    high: Value
    negated: bool = False


@dataclass(frozen=True, slots=True)
class InValues(Condition):
    operand: Value
    items: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class InQuery(Condition):
    operand: Value
    query: "Query"
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like(Condition):
    operand: Value
    pattern: Value
    negated: bool = False
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class IsNull(Condition):
    operand: Value
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Exists(Condition):
    query: "Query"


@dataclass(frozen=True, slots=True)
class Not(Condition):
    operand: Condition


@dataclass(frozen=True, slots=True)
class And(Condition):
    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or(Condition):
    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Inside(Condition):
    """A point in a region, boundary included. This and the next two are made by rewrites only; a spatial index serves them."""

    point: Value
    region: Value


@dataclass(frozen=True, slots=True)
class Overlap(Condition):
    """Two regions that touch."""

    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Near(Condition):
    """The distance of two points is `<` or `<=` a radius in degrees."""

    left: Value
    right: Value
    operator: str
    radius: Value


# ---- queries


@dataclass(frozen=True, slots=True)
class AllColumns(Node):
    """`*` or `t.*`."""

    qualifier: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True)
class SelectItem(Node):
    value: Value
    alias: Identifier | None = None


@dataclass(frozen=True, slots=True)
class OrderTerm(Node):
    """`value` is an int where the text names an output column by its position (from 1)."""

    value: Value | int
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """A column of a query's result: its name for the world, its name in the SQL, and what it is."""

    name: str
    sql_name: str
    info: Info
    delimited: bool = False


@dataclass(frozen=True, slots=True)
class TableName(Node):
    parts: tuple[Identifier, ...]
    alias: Identifier | None = None


@dataclass(frozen=True, slots=True)
class Relation(Node):
    """A resolved table: schema and name in the database (no schema: a WITH query), alias in the SQL."""

    parts: tuple[str, ...]
    sql_alias: str


@dataclass(frozen=True, slots=True)
class DerivedTable(Node):
    query: "Query"
    alias: Identifier
    sql_alias: str = ""


@dataclass(frozen=True, slots=True)
class Join(Node):
    """`kind` is INNER, LEFT, RIGHT or FULL; after resolving only `condition` says what is joined."""

    kind: str
    left: "TableReference"
    right: "TableReference"
    natural: bool = False
    condition: Condition | None = None
    using: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True)
class Unnest(Node):
    """`UNNEST(a, b) WITH ORDINALITY AS alias (names)`: for each row of the tables before it, one for each element."""

    arrays: tuple[Value, ...]
    alias: Identifier
    names: tuple[Identifier, ...] = ()
    with_ordinality: bool = False
    sql_alias: str = ""


TableReference = TableName | Relation | DerivedTable | Join | Unnest


@dataclass(frozen=True, slots=True)
class Select(Node):
    items: tuple[SelectItem | AllColumns, ...]
    tables: tuple[TableReference, ...]
    distinct: bool = False
    top: int | None = None
    where: Condition | None = None
    group_by: tuple[Value, ...] = ()
    having: Condition | None = None
    order_by: tuple[OrderTerm, ...] = ()
    offset: int | None = None
    outputs: tuple[Output, ...] = field(default=(), compare=False)
    fenced: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class SetOperation(Node):
    """A chain of one precedence: operators are UNION, EXCEPT or INTERSECT, with ALL or without."""

    operators: tuple[str, ...]
    operands: tuple["QueryBody", ...]
    order_by: tuple[OrderTerm, ...] = ()
    offset: int | None = None
    outputs: tuple[Output, ...] = field(default=(), compare=False)


QueryBody = Select | SetOperation


@dataclass(frozen=True, slots=True)
class CommonTable(Node):
    """One query of a WITH clause."""

    name: Identifier
    body: QueryBody
    sql_name: str = ""


@dataclass(frozen=True, slots=True)
class Query(Node):
    """<query_specification>, and (without WITH) any subquery."""

    body: QueryBody
    common_tables: tuple[CommonTable, ...] = ()

    @property
    def outputs(self) -> tuple[Output, ...]:
        return self.body.outputs
