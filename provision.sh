#!/bin/sh
# Installs the workshop and the engines that its lessons speak of, for every user of a Debian or Ubuntu machine, as root.
# May be run again, to renew it. Asks the network for what is missing only; PIP_NO_INDEX and PIP_FIND_LINKS are pip's.
#   provision.sh [SOURCE [v1|v2]]     SOURCE is a checkout, by default the folder of this file; v1 or v2 are the control groups
#                                     that the machine has from its next start on, where it starts by GRUB
set -eu

home=/opt/container-workshop
helper=/usr/local/lib/workshop-helper
doing="begin"

# What has to be done next, so that its failure can be told.
begin() {
    doing=$1
    echo "provision.sh: $doing"
}

ended() {
    status=$?
    [ "$status" -eq 0 ] || echo "provision.sh could not $doing; what it said stands above. Mend that and run it again." >&2
}

# Those of these packages that are not installed.
absent() {
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' ok installed' || echo "$package"
    done
}

# Install these packages, unless all are there.
have() {
    missing=$(absent "$@")
    [ -n "$missing" ] || return 0
    apt-get -qq update
    # shellcheck disable=SC2086  # one word a package
    apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends $missing >/dev/null
}

install_engines() {
    fresh=$(absent docker-registry)
    have docker-registry lxc runc
    command -v dockerd >/dev/null || have docker.io # Docker's own packages are as good, and would not stand beside it
    # Learners start a registry of their own; Debian's package would run one of the machine's for everybody.
    [ -z "$fresh" ] || [ ! -d /run/systemd/system ] || systemctl --quiet disable --now docker-registry
    [ ! -d /run/systemd/system ] || systemctl --quiet enable --now docker
}

# The system's own Python, which every user may run: one that stands first on root's PATH may be root's alone.
systems_python() {
    for one in /usr/bin/python3 /usr/local/bin/python3; do
        "$one" -I -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        echo "$one"
        return
    done
    echo "There is no Python 3.11 or newer with its venv module in /usr/bin or /usr/local/bin, where every user can run it." >&2
    return 1
}

# One line that changes with the source and with the machine's Python.
fingerprint() {
    (cd "$1" && "$python" --version &&
        find workshop lessons checks pyproject.toml constraints.txt -type f ! -name '*.pyc' -exec sha256sum {} + | sort) | sha256sum
}

# Root's own copy: the helper refuses to run from files that others could change. It is made anew from another source only.
install_workshop() {
    umask 022
    python=$(systems_python)
    source_is=$(fingerprint "$1")
    if [ "$(cat "$home/made-from" 2>/dev/null)" != "$source_is" ]; then
        "$python" -m venv --clear "$home"
        "$home/bin/python" -m pip --disable-pip-version-check --quiet install --constraint "$1/constraints.txt" "$1"
        echo "$source_is" >"$home/made-from" # last: what was broken off is made anew
    fi
    for command in workshop box; do
        ln -sfn "$home/bin/$command" "/usr/local/bin/$command"
    done
    "$home/bin/workshop" helper install
}

# Where systemd does not have the helper listen, this does, until the machine is switched off.
start_helper() {
    [ ! -d /run/systemd/system ] || return 0
    setsid "$helper/start" </dev/null >>/var/log/workshop-helper.log 2>&1 &
    for _ in $(seq 100); do
        ! "$home/bin/workshop" helper status >/dev/null || return 0
        sleep 0.1
    done
    tail -n 1 /var/log/workshop-helper.log >&2
    return 1
}

# The image that the lessons start: box's, and Docker's where that runs, so that they need no network.
make_images() {
    "$home/bin/box" run --rm busybox true # makes it, where it is not there yet
    docker info >/dev/null 2>&1 || return 0
    docker image inspect busybox >/dev/null 2>&1 || "$home/bin/box" run --rm busybox sh -c 'tar -cf - [!dps]* sbin' |
        docker import --change 'CMD ["sh"]' - busybox >/dev/null
}

# An ordinary account really starts a box, by the helper that is for all: only then anybody may be told that all is ready.
start_a_box_as_nobody() {
    setpriv --reuid=65534 --regid=65534 --clear-groups env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/nonexistent LC_ALL=C.UTF-8 \
        box run --rm busybox true
}

# The next start is with this version of control groups; systemd knows version 1 until its release 256.
choose_control_groups() {
    command -v update-grub >/dev/null
    hierarchy=$([ "$1" = v1 ] && echo 0 || echo 1)
    mkdir -p /etc/default/grub.d
    echo "GRUB_CMDLINE_LINUX=\"\$GRUB_CMDLINE_LINUX systemd.unified_cgroup_hierarchy=$hierarchy\"" \
        >/etc/default/grub.d/container-workshop.cfg
    update-grub >/dev/null 2>&1
}

if [ "$(id -u)" -ne 0 ]; then
    echo "provision.sh installs for every user, so it must be root's: sudo $0 $*" >&2
    exit 1
fi
source=$(cd "${1:-$(dirname "$0")}" && pwd)
groups=${2:-}
trap ended EXIT
export DEBIAN_FRONTEND=noninteractive

begin "install what the lessons type and what the image is made of"
have busybox-static curl iproute2 procps python3 python3-venv util-linux vim

begin "install the engines"
install_engines

begin "install the workshop in $home, and its helper"
install_workshop "$source"

if [ -e /proc/self ]; then # else it is the root of a machine that is being built: nothing can be started in it
    begin "start the helper"
    start_helper

    begin "make the image busybox"
    make_images

    begin "start a box as an ordinary user"
    start_a_box_as_nobody
fi

# The learner of a machine that is the learner's own may use Docker; on a shared one that would be root's rights for all.
if getent passwd vagrant >/dev/null && getent group docker >/dev/null; then
    begin "let vagrant use Docker"
    usermod --append --groups docker vagrant
fi

if [ -n "$groups" ]; then
    begin "choose control groups $groups for the next start"
    choose_control_groups "$groups"
fi

begin "show its version"
"$home/bin/workshop" --version
if [ -e /proc/self ]; then
    echo "Ready. Any user of this machine may now type: workshop start"
else
    echo "Installed. Nothing was started here, without /proc."
fi
if [ -e /proc/self ] && [ ! -d /run/systemd/system ]; then
    echo "There is no systemd here: after each start of the machine root must run $helper/start"
fi
