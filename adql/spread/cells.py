"""In which cells of the sky the rows lie that a condition lets through."""

from adql.constants import number_of
from adql.nodes import And, Between, Condition, Field, Or

Cells = tuple[tuple[int, int], ...]
"""First and last of each run of cells, sorted, apart from each other."""
EVERYWHERE: Cells = ((-1, 2**62),)


def conjuncts(condition: Condition | None) -> tuple[Condition, ...]:
    """The conditions that must all hold."""
    if condition is None:
        return ()
    if isinstance(condition, And):
        return tuple(each for operand in condition.operands for each in conjuncts(operand))
    return (condition,)


def cells_of(condition: Condition | None, alias: str) -> Cells:
    """Of the table of that alias; a superset."""
    match condition:
        case And(operands=operands):
            found = EVERYWHERE
            for each in operands:
                found = both(found, cells_of(each, alias))
            return found
        case Or(operands=operands):
            return either([cells_of(each, alias) for each in operands])
        case Between(operand=Field(source=source, name=name) as field, low=low, high=high, negated=False):
            pixel = field.info.pixel
            if source == alias and pixel is not None and name == pixel.column:
                return _run(number_of(low), number_of(high))
    return EVERYWHERE


def _run(low: float | None, high: float | None) -> Cells:
    return ((int(low), int(high)),) if low is not None and high is not None else EVERYWHERE


def both(one: Cells, other: Cells) -> Cells:
    return tuple((max(a, c), min(b, d)) for a, b in one for c, d in other if max(a, c) <= min(b, d))


def either(several: list[Cells]) -> Cells:
    runs: list[tuple[int, int]] = []
    for first, last in sorted(run for cells in several for run in cells):
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        else:
            runs.append((first, last))
    return tuple(runs)
