#!/bin/sh
# Installs the workshop and the engines that its lessons speak of, for every user of a Debian or Ubuntu machine, as root.
# May be run again, to renew it. Asks the network for what is missing only; PIP_NO_INDEX and PIP_FIND_LINKS are pip's.
#   provision.sh [SOURCE [v1|v2]]     SOURCE is a checkout, by default the folder of this file; v1 or v2 are the control groups
#                                     that the machine has from its next start on, where it starts by GRUB
set -eu

home=/opt/container-workshop
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

# One line that changes with the source and with the machine's Python.
fingerprint() {
    (cd "$1" && python3 --version &&
        find workshop lessons checks pyproject.toml constraints.txt -type f ! -name '*.pyc' -exec sha256sum {} + | sort) | sha256sum
}

# Root's own copy: the helper refuses to run from files that others could change. It is made anew from another source only.
install_workshop() {
    umask 022
    source_is=$(fingerprint "$1")
    if [ "$(cat "$home/made-from" 2>/dev/null)" != "$source_is" ]; then
        python3 -m venv --clear "$home"
        "$home/bin/python" -m pip --disable-pip-version-check --quiet install --constraint "$1/constraints.txt" "$1"
        echo "$source_is" >"$home/made-from" # last: what was broken off is made anew
    fi
    for command in workshop box; do
        ln -sfn "$home/bin/$command" "/usr/local/bin/$command"
    done
    "$home/bin/workshop" helper install
}

# The image that the lessons start: box's, and Docker's where that runs, so that they need no network.
make_images() {
    [ -e /proc/self ] || return 0 # the root of a machine that is being built: nothing can be started in it
    "$home/bin/box" run --rm busybox true # makes it, where it is not there yet
    docker info >/dev/null 2>&1 || return 0
    docker image inspect busybox >/dev/null 2>&1 || "$home/bin/box" run --rm busybox sh -c 'tar -cf - [!dps]* sbin' |
        docker import --change 'CMD ["sh"]' - busybox >/dev/null
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

begin "make the image busybox"
make_images

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
echo "Ready. Any user of this machine may now type: workshop start"
