#!/bin/bash
# Starts a copy of the machine once, without a network card, and brings out what it found.
#   vm/boot.sh FOLDER v1|v2     FOLDER is build.sh's; the results are in FOLDER/v1 or v2 afterwards
set -euo pipefail

folder=$1 groups=$2
patience=2400 # seconds; emulated, since within a virtual machine /dev/kvm may be there and not work
begun=180     # seconds until it provisions itself
tries=3
hierarchy=$([ "$groups" = v1 ] && echo 0 || echo 1)
# An old processor is emulated a third faster than all that qemu knows, since libraries then do without wide vectors.
case $(uname -m) in
    x86_64) machine=(qemu-system-x86_64 -cpu Nehalem) console=ttyS0 ;;
    aarch64) machine=(qemu-system-aarch64 -machine virt -cpu cortex-a72) console=ttyAMA0 ;;
    *) echo "vm/boot.sh: no machine of this kind, $(uname -m), is known" >&2 && exit 1 ;;
esac

image=$folder/image-$groups log=$folder/console-$groups.log

# With this script ends the machine (PR_SET_PDEATHSIG(2const)), which would not hear of Ctrl-C.
start() {
    cp --sparse=always "$folder/image" "$image"
    setpriv --pdeathsig TERM timeout "$patience" "${machine[@]}" -accel tcg,thread=multi -smp 2 -m 2048 \
        -nic none -display none -monitor none -serial stdio -no-reboot \
        -drive "file=$image,format=raw,if=virtio,cache=unsafe" -kernel "$folder/vmlinuz" -initrd "$folder/initrd.img" \
        -append "root=/dev/vda rw console=$console mitigations=off systemd.unified_cgroup_hierarchy=$hierarchy" \
        </dev/null >"$log" 2>&1 &
    running=$!
}

# Whether the machine has come so far that its own script speaks.
has_begun() {
    grep -q 'test-vm: ' < <(timeout "$begun" tail --pid "$running" -n +1 -f "$log")
}

# An emulated kernel with two processors now and then hangs while it starts: seen just after "Switched to clocksource hpet".
for try in $(seq "$tries"); do
    start
    has_begun && break
    echo "vm/boot.sh: the machine with control groups $groups hung while it started (try $try of $tries)" >&2
    kill "$running" 2>/dev/null || true
    wait "$running" || true
done
wait "$running" || echo "vm/boot.sh: the machine with control groups $groups did not power off by itself" >&2
rm -rf "${folder:?}/$groups"
e2fsck -fp "$image" >/dev/null 2>&1 || true # writes the journal's last entries where the machine was ended
debugfs -R "rdump /var/lib/test-vm/$groups $folder" "$image" 2>/dev/null
rm "$image"
