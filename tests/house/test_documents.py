"""What documents say of the code is what the code says."""

from pathlib import Path

from uws.phases import drawing

ROOT = Path(__file__).parents[2]


def test_the_drawing_of_a_jobs_life_is_made_from_the_table_of_moves() -> None:
    assert drawing() in (ROOT / "docs" / "jobs.md").read_text("utf-8")
