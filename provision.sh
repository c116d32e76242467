#!/bin/sh
# Installs the workshop for every user of a Debian or Ubuntu machine, as root. May be run again, to renew it.
#   provision.sh [SOURCE]     SOURCE is a checkout; by default the folder of this file
set -eu

if [ "$(id -u)" -ne 0 ]; then
    echo "provision.sh installs for every user, so it must be root's: sudo $0 $*" >&2
    exit 1
fi

source=$(cd "${1:-$(dirname "$0")}" && pwd)
home=/opt/container-workshop

# What the lessons' commands are, and what box's image is made of.
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends \
    busybox-static curl docker-registry iproute2 procps python3 python3-venv util-linux vim >/dev/null

# Learners start a registry of their own; Debian's package would run one of the machine's for everybody.
systemctl disable --now docker-registry >/dev/null 2>&1 || true

# Root's own copy: the helper refuses to run from files that others could change.
umask 022
python3 -m venv --clear "$home"
"$home/bin/python" -m pip --disable-pip-version-check --quiet install --constraint "$source/constraints.txt" "$source"
for command in workshop box; do
    ln -sfn "$home/bin/$command" "/usr/local/bin/$command"
done

"$home/bin/workshop" helper install

# Docker, where it runs, gets the image that the lessons start, so that they need no network.
if docker info >/dev/null 2>&1 && ! docker image inspect busybox >/dev/null 2>&1; then
    box run --rm busybox tar -cf - bin etc home root sbin tmp usr var |
        docker import --change 'CMD ["sh"]' - busybox >/dev/null
fi
"$home/bin/workshop" --version
echo "Ready. Any user of this machine may now type: workshop start"
