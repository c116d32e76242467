#!/bin/sh
# Runs in the test machine, as root, whenever it starts: provisions it, then an ordinary user looks at it and solves every
# lesson, by Docker with v1 and by box with v2. What came of it is left in /var/lib/test-vm/v1 or v2, by the control groups
# it was started with; how each step came out goes to the console, too.
set -u

groups=$([ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] && echo v2 || echo v1)
results=/var/lib/test-vm/$groups
export PIP_NO_INDEX=1 PIP_FIND_LINKS=/opt/wheels

as_learner() {
    runuser --login learner --command "LC_ALL=C.UTF-8 $*"
}

# Shows on the console how far it is, and after how many seconds.
tell() {
    echo "test-vm: $(cut -d . -f 1 /proc/uptime) s: $1"
}

mkdir -p "$results"
tell "control groups $groups; links: $(ls -m /sys/class/net); provisioning"
/vagrant/provision.sh /vagrant >"$results/provision.log" 2>&1
echo $? >"$results/provision.status"
tell "asking the doctor"
as_learner workshop doctor --json >"$results/doctor.json" 2>"$results/doctor.err"
# The article's own commands on the article's control groups; today's control groups without any other engine.
engine=$([ "$groups" = v1 ] && echo docker || echo box)
tell "solving with $engine"
{
    as_learner workshop solve --lang en --engine "$engine" --json 2>"$results/solve-$engine.err"
    echo $? >"$results/solve.status"
} | tee "$results/solve-$engine.jsonl"
tell "done"
sync
