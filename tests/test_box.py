"""The `box` command as its users know it from Docker: flags, output, exit codes, streams, terminals and signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.screen import Screen
from workshop.client.connection import Client
from workshop.protocol import List, Remove

BOX = str(Path(sys.executable).with_name("box"))
ENGLISH = {**os.environ, "LC_ALL": "C.UTF-8"}

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("no_boxes")]


@pytest.fixture
def no_boxes(helper: str) -> Iterator[None]:
    """A helper, and no box of this test's left in it."""
    yield
    with Client.connect() as client:
        for one in client.ask(List(all=True)).value.containers:
            client.ask(Remove(one.id, force=True))


def box(*arguments: str, typed: bytes = b"", language: str = "C.UTF-8") -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `box`."""
    environment = {**os.environ, "LC_ALL": language}
    done = subprocess.run([BOX, *arguments], input=typed, capture_output=True, check=False, env=environment, timeout=30)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def started(*arguments: str) -> str:
    """The id of a detached box."""
    code, said, error = box("run", "-d", *arguments)
    assert code == 0, error
    return said.strip()


def test_output_and_errors_stay_apart() -> None:
    """Without a terminal, the program's two outputs come out of ours."""
    assert box("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2") == (0, "out\n", "err\n")


def test_everything_after_the_image_is_the_programs() -> None:
    """Options that stand after the image go to the command untouched."""
    assert box("run", "--rm", "busybox", "echo", "-n", "--rm", "--", "-it") == (0, "--rm -- -it", "")


@pytest.mark.parametrize("code", [0, 3, 255])
def test_the_programs_exit_code_is_ours(code: int) -> None:
    """The exit code of the command comes through."""
    assert box("run", "--rm", "busybox", "sh", "-c", f"exit {code}")[0] == code


def test_a_program_that_is_not_there_is_127() -> None:
    """As in a shell and in Docker: not found is 127, not executable 126, and a wrong image is box's own 125."""
    assert box("run", "--rm", "busybox", "no-such-program")[0] == 127
    assert box("run", "--rm", "busybox", "/etc/hosts")[0] == 126
    assert box("run", "--rm", "no-such-image", "sh")[0] == 125


def test_a_signal_is_128_and_its_number() -> None:
    """A program that a signal ended exits 128 + n, here through a child of the box's shell."""
    assert box("run", "--rm", "busybox", "sh", "-c", "sh -c 'kill -9 $$'; exit $?")[0] == 137


def test_input_comes_with_i_and_ends_where_ours_ends() -> None:
    """`-i` hands over our standard input to its end; without it the program reads nothing."""
    assert box("run", "-i", "--rm", "busybox", "cat", typed=b"one\ntwo\n") == (0, "one\ntwo\n", "")
    assert box("run", "--rm", "busybox", "cat", typed=b"one\n") == (0, "", "")


def test_a_megabyte_goes_through_both_ways() -> None:
    """More than any pipe holds goes in and comes out whole."""
    data = os.urandom(1 << 20).hex().encode()
    done = subprocess.run([BOX, "run", "-i", "--rm", "busybox", "cat"], input=data, capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout == data) == (0, True)


def test_a_terminal_needs_a_terminal() -> None:
    """`-it` with input from a pipe is refused in Docker's words, before anything is started."""
    code, _, error = box("run", "-it", "--rm", "busybox")
    assert (code, "the input device is not a TTY" in error) == (1, True)


def test_a_reader_that_leaves_ends_the_box() -> None:
    """`box run busybox yes | head -1` ends."""
    with subprocess.Popen([BOX, "run", "--rm", "busybox", "yes"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"y\n"
        running.stdout.close()
        running.wait(10)


def test_ps_shows_what_runs_and_with_a_what_ran() -> None:
    """A running box is listed with its name, an ended one only with -a, and -q gives ids alone."""
    identity = started("--name", "sleeper", "busybox", "sleep", "100")
    box("run", "--name", "ended", "busybox", "sh", "-c", "exit 3")
    running, everything = box("ps")[1], box("ps", "-a")[1]
    assert re.search(rf'^{identity[:12]} +busybox +"sleep 100" +.*ago +Up .* sleeper$', running, re.MULTILINE)
    assert "ended" not in running
    assert re.search(r"Exited \(3\) .* ago .* ended$", everything, re.MULTILINE)
    assert box("ps", "-q")[1].split() == [identity[:12]]
    assert box("ps", "-q", "--no-trunc")[1].split() == [identity]


def test_exec_runs_beside_pid_1() -> None:
    """`box exec` runs in the box, and its exit code and streams are ours."""
    name = started("--name", "sleeper", "--hostname", "inside", "busybox", "sleep", "100")
    assert box("exec", "sleeper", "hostname") == (0, "inside\n", "")
    assert "sleep 100" in box("exec", name[:12], "ps")[1]
    assert box("exec", "-i", "sleeper", "cat", typed=b"typed")[1] == "typed"
    assert box("exec", "sleeper", "sh", "-c", "exit 7")[0] == 7
    assert box("exec", "sleeper", "no-such-program")[0] == 127
    assert box("exec", "no-such-box", "true")[0] == 1


def test_exec_in_the_background_does_not_wait() -> None:
    """`box exec -d` returns at once and the program runs on."""
    started("--name", "sleeper", "busybox", "sleep", "100")
    assert box("exec", "-d", "sleeper", "sleep", "77") == (0, "", "")
    assert "sleep 77" in box("exec", "sleeper", "ps")[1]


def test_stop_and_rm_print_what_they_were_given() -> None:
    """Each prints the name or id that it was given; a running box is removed by force only."""
    identity = started("--name", "one", "busybox", "sleep", "100")
    assert box("rm", "one")[0] == 1
    assert box("stop", "-t", "0", identity[:12]) == (0, f"{identity[:12]}\n", "")
    assert box("rm", "one") == (0, "one\n", "")
    started("--name", "two", "busybox", "sleep", "100")
    assert box("rm", "-f", "two", "nobody")[:2] == (0, "two\n")
    assert box("stop", "nobody")[0] == 1
    assert box("ps", "-aq")[1] == ""


def test_inspect_reads_like_dockers() -> None:
    """JSON with Docker's keys, and `-f` picks from it; the pid is a process of the host."""
    identity = started("--name", "one", "--cpus", "0.5", "-m", "64m", "--pids-limit", "20", "busybox", "sleep", "100")
    (seen,) = json.loads(box("inspect", "one")[1])
    assert (seen["Id"], seen["Name"], seen["Config"]["Cmd"]) == (identity, "/one", ["sleep", "100"])
    assert (seen["HostConfig"]["NanoCpus"], seen["HostConfig"]["Memory"], seen["HostConfig"]["PidsLimit"]) == (
        5 * 10**8,
        64 << 20,
        20,
    )
    pid = box("inspect", "-f", "{{.State.Pid}}", "one")[1].strip()
    assert Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x00100\x00"
    assert all(identity in directory for directory in seen["Cgroups"].values())
    assert box("inspect", "nobody")[:2] == (1, "[]\n")


def test_update_changes_limits_of_a_running_box() -> None:
    """A limit is set, changed and lifted while the box runs, and the cgroup shows it."""
    started("--name", "one", "busybox", "sleep", "100")
    assert box("update", "--cpus", "0.2", "one") == (0, "one\n", "")
    assert box("inspect", "-f", "{{.HostConfig.NanoCpus}}", "one")[1] == "200000000\n"
    assert box("update", "--cpus", "-1", "one")[0] == 0
    assert box("inspect", "-f", "{{.HostConfig.NanoCpus}}", "one")[1] == "0\n"


def test_images_lists_busybox() -> None:
    """The image that the helper makes is listed in Docker's columns."""
    header, *lines = box("images")[1].splitlines()
    assert header.split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert any(line.startswith("busybox ") for line in lines)


def test_stats_tells_what_a_box_uses() -> None:
    """One reading of one box: processor, memory and its limit, processes."""
    started("--name", "busy", "-m", "64m", "busybox", "sh", "-c", "while :; do :; done")
    header, line = box("stats", "--no-stream", "busy")[1].splitlines()
    assert header.split("  ")[0] == "CONTAINER ID"
    assert float(re.findall(r"([\d.]+)%", line)[0]) > 5
    assert "/ 64MiB" in line


@pytest.mark.parametrize(
    "arguments", [("run", "-m", "banana", "busybox"), ("run", "--cpus", "x", "busybox"), ("run", "--foo"), ("run",), ("nothing",)]
)
def test_a_wrong_command_line_is_125_and_a_sentence(arguments: tuple[str, ...]) -> None:
    """What is wrong is said with where the help is, in either language, and never as a traceback."""
    for language in ("C.UTF-8", "zh_CN.UTF-8"):
        code, said, error = box(*arguments, language=language)
        assert (code, said) == (125, "")
        assert error.startswith("box: ")
        assert "--help" in error
        assert "Traceback" not in error


def test_a_terminal_with_job_control() -> None:
    """`box run -it` is a shell that is PID 1 on a terminal of the user's size, which comes back as it was."""
    with Screen(["sh", "-c", f"{BOX} run -it --rm busybox; echo code $?; stty -a"], 100, 30, ENGLISH) as screen:
        screen.wait("/ #")
        screen.send(b"stty size; echo pid $$; cat\n")
        screen.wait("pid 1")
        screen.send(b"before\n")
        screen.wait("before\nbefore")  # typed, and written back: the job is in the foreground
        assert "30 100" in screen.text()
        screen.send(b"\x1a")
        screen.wait(lambda text: "Stopped" in text and text.rstrip().endswith("/ #"))
        screen.resize(90, 25)
        screen.send(b"stty size\n")
        screen.wait(lambda text: "25 90" in text and text.rstrip().endswith("/ #"))
        screen.send(b"fg\n")
        screen.wait("fg\ncat")
        screen.send(b"after\n")
        screen.wait("after\nafter")
        screen.send(b"\x03")
        screen.wait(lambda text: text.rstrip().endswith("/ #"))
        screen.send(b"exit 4\n")
        screen.wait("code 4")
        screen.wait(lambda text: " icanon" in text and " echo " in text)


def test_what_is_typed_ahead_is_not_lost() -> None:
    """Keys typed before the box is there reach its shell."""
    with Screen(["sh", "-c", f"echo ready; {BOX} run -it --rm busybox"], environment=ENGLISH) as screen:
        screen.wait("ready")
        screen.send(b"echo seen-$((40+2))\n")
        screen.wait("seen-42")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(number: int) -> None:
    """A client that is told to end gives the terminal back, ends as by that signal, and its box goes."""
    script = f"{BOX} run -it --name one busybox sh -c 'echo up; sleep 100'; echo code $?; stty -a"
    with Screen(["sh", "-c", script], 80, 24, ENGLISH) as screen:
        screen.wait("up")
        os.kill(client_of(screen), number)
        screen.wait(f"code {128 + number}")
        screen.wait(lambda text: " icanon" in text and " echo " in text)
    wait_until_no_box_runs()


def client_of(screen: Screen) -> int:
    """The pid of the `box` that runs on this screen."""
    found = subprocess.run(["pgrep", "-P", str(screen.pid), "-f", "box run"], capture_output=True, text=True, check=True)
    return int(found.stdout.split()[0])


def test_ctrl_c_stops_a_box_without_a_terminal() -> None:
    """SIGINT asks the program to stop, and its last words still come out."""
    script = "trap 'echo bye; exit 9' TERM; echo up; while :; do sleep 0.1; done"
    with subprocess.Popen([BOX, "run", "--rm", "busybox", "sh", "-c", script], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"up\n"
        running.send_signal(signal.SIGINT)
        assert running.stdout.read() == b"bye\n"
        assert running.wait(10) == 9


def test_a_second_ctrl_c_does_not_wait() -> None:
    """A program that will not stop is left to the helper, which ends it."""
    script = "trap 'echo no' TERM; echo up; while :; do sleep 0.1; done"
    with subprocess.Popen([BOX, "run", "busybox", "sh", "-c", script], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"up\n"
        running.send_signal(signal.SIGINT)
        assert running.stdout.readline() == b"no\n"
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 130
    wait_until_no_box_runs()


def wait_until_no_box_runs(seconds: float = 5) -> None:
    """Return once the helper has seen the client go and ended its box."""
    end = time.monotonic() + seconds
    while box("ps", "-q")[1]:
        assert time.monotonic() < end, "a box outlived its client"


def test_step_says_what_each_step_does_and_what_it_changed() -> None:
    """With --step Enter makes a step, a call's name all up to it, l looks around inside; then the program has the terminal."""
    with Screen([BOX, "run", "--step", "-it", "--rm", "--hostname", "lab", "busybox"], 120, 50, ENGLISH) as screen:
        for number in range(1, 6):
            screen.wait(f"\n{number}/")
            screen.send(b"\r")
        screen.wait("In new namespaces: cgroup, ipc, mnt, net, user, uts")
        screen.send(b"l\r")
        screen.wait("Its uid: 65534")
        screen.send(b"no_such_call\r")
        screen.wait("A call's name")
        screen.send(b"pivot_root\r")
        screen.wait("dup2(TERMINAL)")
        screen.send(b"execve\r")
        screen.wait("It is a container like any other now.")
        screen.send(b"echo $$-$(hostname)\r")
        screen.wait("\n1-lab")
        screen.send(b"exit\r")
        assert screen.wait_for_end() == 0


def test_step_can_be_given_up() -> None:
    """q, Ctrl-C and Ctrl-D give a half-made box up, with nothing left of it; box ps shows it until then."""
    for key in (b"q\r", b"\x03", b"\x04"):
        with Screen([BOX, "run", "--step", "-it", "busybox"], environment=ENGLISH) as screen:
            screen.wait("1/")
            screen.send(b"\r\r\r")
            screen.wait("process ")
            assert "Created" in box("ps")[1]
            assert (
                box("inspect", "-f", "{{.State.Status}} {{.State.Running}}", *box("ps", "-q")[1].split())[1] == "created false\n"
            )
            screen.send(key)
            screen.wait("Given up")
            assert screen.wait_for_end() == 130
        assert box("ps", "-aq")[1] == ""


def test_step_needs_a_terminal() -> None:
    """Without -it there would be nobody to make the steps."""
    code, _, error = box("run", "--step", "busybox")
    assert (code, "box run --step -it busybox" in error) == (125, True)


def test_boxes_of_a_network_find_each_other() -> None:
    """As in Docker: a network is made, joined by name, listed and shown, and goes when nobody is in it any more."""
    code, said, _ = box("network", "create", "shop")
    identity = said.strip()
    started("--network", "shop", "--name", "greeting", "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "hello")
    assert box("run", "--rm", "--network", "shop", "busybox", "nc", "greeting", "80") == (0, "hello\n", "")
    assert re.search(rf"^{identity[:12]} +shop +bridge +local$", box("network", "ls")[1], re.MULTILINE)
    (shown,) = json.loads(box("network", "inspect", "shop")[1])
    assert [one["IPv4Address"] for one in shown["Containers"].values()] == ["172.18.0.2/16"]
    assert box("inspect", "-f", "{{.NetworkSettings.Networks.shop.IPAddress}}", "greeting")[1] == "172.18.0.2\n"
    assert box("network", "rm", "shop")[0] == 1
    box("rm", "-f", "greeting")
    assert (code, box("network", "rm", "shop")) == (0, (0, "shop\n", ""))


def test_a_network_that_is_not_there() -> None:
    """A box that is to join it does not start, and says so; `none` is no network but the box's own loopback."""
    assert "No such network: shop" in box("run", "--rm", "--network", "shop", "busybox", "true")[2]
    assert "No such network: shop" in box("network", "inspect", "shop")[2]
    assert box("run", "--rm", "--network", "none", "busybox", "ls", "/sys/class/net") == (0, "lo\n", "")
