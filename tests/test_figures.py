"""Figures: facts in, lines out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from tests.screens import HOST, container, facts, process
from workshop.facts import Container, Facts, Host, Namespaces, Queue
from workshop.pictures.drawing import isolation, processes, timeline, wrapped
from workshop.pictures.live import picture
from workshop.words import clean, size


def lines(drawn: list[object]) -> list[str]:
    """The lines' characters."""
    return [getattr(line, "plain") for line in drawn]  # noqa: B009  # the type of a line is rich's affair


def test_isolation_says_which_namespaces_are_shared() -> None:
    """Each of the eight kinds is a row with both inodes and, in words, whether they are the same."""
    rows = {row.split()[0]: row for row in lines([*isolation(facts(container()), "en", 80)])[1:]}
    assert len(rows) == 8
    assert "4026531836" in rows["pid"] and "4026532281" in rows["pid"] and "different" in rows["pid"]
    assert rows["time"].count("4026531834") == 2 and "same" in rows["time"]


def test_an_inode_that_may_not_be_read_is_unknown() -> None:
    """Without root the host's namespaces are not told: neither same nor different is claimed."""
    seen = Facts(Host(namespaces=Namespaces()), (container(),))
    assert all("unknown" in row for row in lines([*isolation(seen, "en", 80)])[1:])


def test_a_narrow_pane_says_it_by_signs() -> None:
    """Where the word would be cut, = and != say which namespaces are the same."""
    rows = {row.split()[0]: row for row in lines([*isolation(facts(container()), "en", 37)])[1:]}
    assert rows["pid"].endswith("4026532281 !=") and rows["time"].endswith("4026531834 =")


def test_the_learners_own_container_comes_first() -> None:
    """Of several containers the newest with a terminal stands beside the host, even if there is room for one only."""
    old, new, behind = (container(name) for name in ("old", "new", "behind"))
    old = replace(old, init=replace(old.init, terminal=34816, started=100))
    new = replace(new, init=replace(new.init, terminal=34817, started=200))
    behind = replace(behind, init=replace(behind.init, started=300))
    assert lines([*picture(facts(behind, old, new), "en", 50)])[0].split() == ["host", "new"]


def test_limits_come_first_where_the_step_is_about_them() -> None:
    """A step that looks at control groups shows their figures at the top, where a small screen begins."""
    seen = replace(facts(container()), subjects=("cgroups", "processes"))
    assert lines([*picture(seen, "en", 50)])[0].startswith("Control groups")


def test_isolation_says_how_many_containers_do_not_fit() -> None:
    """Containers for which there is no room are counted, not dropped in silence."""
    seen = facts(*(container(f"box{number}") for number in range(4)))
    assert lines([*isolation(seen, "en", 53)])[-1] == "Containers that do not fit here: 3"


def test_each_process_shows_both_its_numbers() -> None:
    """A process in a container has its host's number and its own, those outside only the host's; the tree is one."""
    rows = [[row[:7].strip(), row[9:16].strip(), row[18:]] for row in lines([*processes(facts(container()), "en", 80)])[2:]]
    assert rows == [
        ["1", "-", "systemd"],
        ["812", "-", "|-bash"],
        ["900", "-", "`-helper"],
        ["3391", "1", "  `-sh [quiet_hopper]"],
        ["3400", "7", "    `-sleep"],
    ]


def chain_to_a_container() -> Facts:
    """Six processes of the host in a row above a container's shell, as where somebody came by ssh and tmux."""
    names = ("systemd", "sshd", "bash", "tmux: server", "bash", "box")
    above = tuple(process(10 + number, 0, 9 + number, name) for number, name in enumerate(names))
    init = process(300, 1, 15, "sh")
    return Facts(Host(namespaces=HOST, processes=above), (Container("x", "lab", "box", HOST, init, (init,)),))


@pytest.mark.parametrize(
    ("width", "chain"),
    [
        (80, "systemd -> sshd -> bash -> tmux: server -> bash -> box"),
        (50, "systemd -> ... -> box"),
        (34, "... -> box"),
    ],
)
def test_ancestors_with_one_child_share_a_row(width: int, chain: str) -> None:
    """However deep the learner's shell is, one row leads to the container, with as many names as it holds, none cut."""
    rows = lines([*processes(chain_to_a_container(), "en", width)])[2:]
    assert [row[18:] for row in rows] == [chain, "`-sh [lab]"]
    assert rows[0].split()[0] == "15"


def test_a_containers_own_processes_keep_their_rows() -> None:
    """A process in a container is never merged with its only child: each has two numbers to show."""
    seen = chain_to_a_container()
    init = seen.containers[0].init
    family = (init, process(301, 7, 300, "sh"), process(302, 8, 301, "sleep"))
    seen = replace(seen, containers=(replace(seen.containers[0], processes=family),))
    assert [row[18:] for row in lines([*processes(seen, "en", 40)])[3:]] == ["`-sh [lab]", "  `-sh", "    `-sleep"]


def test_a_long_name_has_the_room_that_there_is() -> None:
    """The name above a column is whole where the pane is wide enough, and the columns stay straight."""
    seen = facts(container("extraordinarily_long_name"), container("second"))
    rows = lines([*isolation(seen, "en", 100)])
    assert "extraordinarily_long_name  second" in rows[0]
    assert len({row.rindex("402653") for row in rows[1:] if row.count("402653") == 3}) == 1


def test_a_ring_of_parents_ends() -> None:
    """Facts that name processes as each other's parents are drawn without end nowhere."""
    ring = (process(5, 1, 6, "a"), process(6, 2, 5, "b"))
    seen = Facts(Host(namespaces=HOST), (Container("x", "x", "box", HOST, ring[0], ring),))
    assert len(processes(seen, "en", 80)) < 10


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [40, 53, 78, 158])
def test_no_line_is_wider_than_its_room(language: str, width: int) -> None:
    """Wide characters in names and words count as two cells, and columns stay straight."""
    seen = facts(container("网页服务器容器的名字很长很长"), container("web"), queues=(Queue(0, 0),))
    drawn = lines([*picture(seen, language, width)])
    assert max(map(cell_len, drawn)) <= width
    starts = {cell_len(row[: row.index("40265")]) for row in drawn if "40265" in row}
    assert len(starts) == 1


def test_nothing_seen_is_said() -> None:
    """Before the first look the picture says so."""
    assert lines([*picture(None, "en", 80)]) == ["Nothing has been seen of the kernel yet."]


def test_control_and_bidi_characters_are_taken_out() -> None:
    """A name can neither move the cursor nor turn the line around."""
    assert clean("a\x1b[31mb\x9b\u202ec\u2066\nd\x7f") == "a[31mbc d"
    assert "\x1b" not in "".join(lines([*picture(facts(container("\x1b]0;x\x07evil")), "en", 80)]))


def test_sentences_wrap_between_words_and_between_chinese_characters() -> None:
    """No line is too long, and nothing is lost."""
    assert lines([*wrapped("one two three", 8)]) == ["one two", "three"]
    assert lines([*wrapped("容器就是进程", 8)]) == ["容器就是", "进程"]


def test_sizes_are_for_people() -> None:
    """Bytes are told in the unit that fits."""
    assert [size(512), size(64 << 20), size(3 << 30)] == ["512 B", "64.0 MiB", "3.0 GiB"]
    assert [size(0), size(1023), size((1 << 20) - 1), size(5 << 40)] == ["0 B", "1023 B", "1.0 MiB", "5.0 TiB"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_timeline_goes_from_chroot_to_containerd(language: str) -> None:
    """Years rise, every column is straight, and images come with Docker."""
    head, *rows = lines([*timeline(language, 46)])
    years = [int(row[:4]) for row in rows]
    assert years == sorted(years) and (years[0], years[-1]) == (1979, 2017)
    assert rows[0].split()[1] == "chroot" and rows[0].split()[-4:] == ["-"] * 4
    docker = next(row for row in rows if row.split()[1] == "Docker")
    assert docker.split()[-5:].count(docker.split()[-1]) == 5
    assert max(cell_len(row) for row in [head, *rows]) <= 46
    assert len({cell_len(row[: row.index("-")]) for row in rows if row.count("-") == 1}) == 1


@pytest.mark.parametrize(("language", "said"), [("en", "(namespaces: covered until"), ("zh", "（命名空间：")])
def test_what_is_covered_says_only_that_it_is_there(language: str, said: str) -> None:
    """No number of a covered part is drawn, all others are."""
    seen = facts(container())
    open_lines, covered = (lines([*picture(seen, language, 80, covered=parts)]) for parts in ((), ("namespaces",)))
    inode = str(seen.containers[0].namespaces.pid)
    assert any(inode in line for line in open_lines)
    assert not any(inode in line for line in covered)
    assert covered[0].startswith(said)
    pid = str(seen.containers[0].init.pid)
    assert any(pid in line for line in covered)
