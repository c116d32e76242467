#!/bin/bash
# Builds a Debian 12 machine that can be provisioned without a network: packages, wheels, this checkout, and a user.
#   vm/build.sh FOLDER     leaves image, vmlinuz and initrd.img in FOLDER
set -euo pipefail

folder=$1
source=$(cd "$(dirname "$0")/.." && pwd)
root=$folder/root
suite=bookworm # the last release whose systemd can start with control groups of version 1
size=4G
packages=(systemd-sysv udev kmod dbus initramfs-tools "linux-image-cloud-$(dpkg --print-architecture)" apparmor iptables
    docker.io docker-registry lxc runc busybox-static curl iproute2 procps python3 python3-venv util-linux vim)

# Where this machine gets Debian's packages from.
mirror() {
    # shellcheck disable=SC2016  # the variables are apt's
    apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' 'Component: main' | sed -n 1p
}

# What pip would ask the network for, for Debian 12's Python, whatever this machine's is.
collect_wheels() {
    pip=("$source/.venv/bin/python" -m pip --disable-pip-version-check --quiet)
    "${pip[@]}" wheel --no-deps --wheel-dir "$1" "$source"
    platforms=()
    for platform in manylinux_2_36 manylinux_2_34 manylinux_2_28 manylinux_2_17 manylinux2014; do
        platforms+=(--platform "${platform}_$(uname -m)")
    done
    "${pip[@]}" download --only-binary :all: --python-version 3.11 --implementation cp "${platforms[@]}" --platform any \
        --constraint "$source/constraints.txt" --find-links "$1" --dest "$1" container-workshop hatchling
}

copy_source() {
    mkdir -p "$1"
    (cd "$source" && git ls-files -z | tar --create --null --files-from -) | tar --extract --directory "$1"
}

install -d "$folder"
rm -rf "$root"
mmdebstrap --quiet --variant=minbase --include="$(IFS=, && echo "${packages[*]}")" "$suite" "$root" "$(mirror)"
collect_wheels "$root/opt/wheels"
copy_source "$root/vagrant"
chroot "$root" env PIP_NO_INDEX=1 PIP_FIND_LINKS=/opt/wheels /vagrant/provision.sh /vagrant # quicker here than emulated
install -m 644 "$source/vm/test-vm.service" "$root/etc/systemd/system/"
chroot "$root" useradd --create-home --shell /bin/bash --groups docker learner
chroot "$root" systemctl --quiet enable test-vm.service
chroot "$root" systemctl --quiet disable docker-registry # as provision.sh does where it installs it itself
cp "$root"/boot/vmlinuz-* "$folder/vmlinuz"
cp "$root"/boot/initrd.img-* "$folder/initrd.img"
rm -f "$folder/image"
mke2fs -q -t ext4 -d "$root" "$folder/image" "$size"
rm -rf "$root"
