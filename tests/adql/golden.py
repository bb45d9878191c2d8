"""Golden files: ADQL, blank line, SQL or error message, blank line. `pytest --update-golden` writes them anew."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Case:
    """`title` is a comment that says what the case shows."""

    file: str
    title: str
    adql: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file}: {self.title}"


def read_cases(name: str) -> list[Case]:
    """The cases of one file; in it, a paragraph that begins with `-- ` and a title, then ADQL, then what comes out."""
    paragraphs = (FOLDER / name).read_text("utf-8").strip("\n").split("\n\n")
    cases = []
    for index in range(0, len(paragraphs), 2):
        title, _, adql = paragraphs[index].partition("\n")
        expected = paragraphs[index + 1] if index + 1 < len(paragraphs) else ""
        cases.append(Case(name, title.removeprefix("-- "), adql, expected))
    return cases


def write_cases(name: str, cases: list[Case]) -> None:
    text = "\n\n".join(f"-- {case.title}\n{case.adql}\n\n{case.expected}" for case in cases)
    (FOLDER / name).write_text(text + "\n", "utf-8")
