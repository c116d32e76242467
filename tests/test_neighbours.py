"""Neighbours who do nothing pass nothing: the two exercises and the lessons with the most containers, by box and by Docker."""

from __future__ import annotations

import shutil

import pytest

from tests.neighbours import matrix, neighbours

pytestmark = [pytest.mark.root, pytest.mark.others, pytest.mark.slow]
LESSONS = ("exercise_namespaces", "exercise_cgroups", "why_docker", "microservices", "cgroups")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", ["box", "docker"])
def test_who_is_idle_passes_nothing(engine: str) -> None:
    """Ann passes what the machine makes possible; bob and root, at the same steps on the same machine, pass none of them."""
    if engine == "docker" and not shutil.which("dockerd"):
        pytest.skip("not installed: dockerd")
    with neighbours(engine) as people:
        rows = [matrix(people, lesson) for lesson in LESSONS]
    assert [row.idle for row in rows] == [[]] * len(LESSONS)
    assert [row.failed for row in rows] == [[]] * len(LESSONS)
    assert all(row.passed > row.impossible for row in rows)
