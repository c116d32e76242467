#!/bin/bash
# `make test-vm`: builds a Debian machine, starts it twice at the same time, with control groups of version 1 and of 2, and
# judges what an ordinary user and root could do in it. Must be root's; takes about twenty minutes on two cores.
#   vm/test.sh [FOLDER]     results are left in FOLDER, build/vm by default: results.json, and all logs
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/../build/vm}
export PATH=$PATH:/usr/sbin:/sbin # mke2fs and debugfs, wherever root's rights come from

for program in mmdebstrap mke2fs debugfs "qemu-system-$(uname -m)"; do
    if ! command -v "$program" >/dev/null; then
        echo "make test-vm cannot be had here: $program is missing. On Debian:" >&2
        echo "  sudo apt-get install mmdebstrap e2fsprogs qemu-system-x86 (on ARM qemu-system-arm)" >&2
        exit 1
    fi
done
if [ "$(id -u)" -ne 0 ]; then
    echo "make test-vm builds a root file system, and so must be root's: sudo make test-vm" >&2
    exit 1
fi

echo "Building the machine"
"$here/build.sh" "$folder"
echo "Starting it with control groups v1, and with v2"
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
for groups in v1 v2; do
    "$here/boot.sh" "$folder" "$groups" &
done
wait
rm -f "$folder/image"
"$here/../.venv/bin/python" "$here/judge.py" "$folder"
