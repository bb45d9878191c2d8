"""What documents say of the code is what the code says."""

from pathlib import Path

from uws.phases import drawing

ROOT = Path(__file__).parents[2]


def test_the_drawing_of_a_jobs_life_is_made_from_the_table_of_moves() -> None:
    assert drawing() in (ROOT / "docs" / "jobs.md").read_text("utf-8")


def test_what_steers_a_job_from_its_creation_is_documented() -> None:
    """UWS 1.1 §2.1.11: an implementation that takes such parameters must document it."""
    text = (ROOT / "docs" / "jobs.md").read_text("utf-8")
    assert [name for name in ("PHASE=RUN", "RUNID", "EXECUTIONDURATION", "DESTRUCTION") if name not in text] == []
