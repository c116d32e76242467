#!/bin/sh
# Runs in the test machine, as root, whenever it starts: provisions it; then an ordinary user asks the doctor and solves every
# lesson, by Docker with v1 and by box with v2, and root those that hold steps for root only. What came of it is left in
# /var/lib/test-vm/v1 or v2, by the control groups it was started with; how each step came out goes to the console, too.
set -u

groups=$([ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] && echo v2 || echo v1)
results=/var/lib/test-vm/$groups
export PIP_NO_INDEX=1 PIP_FIND_LINKS=/opt/wheels

# Solve lessons as a user, learner or root; all lessons unless some are named.
solve() {
    user=$1
    shift
    {
        runuser --login "$user" --command "LC_ALL=C.UTF-8 workshop solve --lang en --engine $engine --json $*" \
            2>"$results/solve-$user.err"
        echo $? >"$results/solve-$user.status"
    } | tee "$results/solve-$user.jsonl"
}

# The lessons that hold steps for root only.
for_root() {
    grep -l root_learner /vagrant/lessons/*/lesson.toml | sed 's,.*/[0-9]*_\(.*\)/.*,\1,'
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
runuser --login learner --command "LC_ALL=C.UTF-8 workshop doctor --json" >"$results/doctor.json" 2>"$results/doctor.err"
# The article's own commands on the article's control groups; today's control groups without any other engine.
engine=$([ "$groups" = v1 ] && echo docker || echo box)
tell "solving with $engine as an ordinary user"
solve learner
tell "solving with $engine as root"
# shellcheck disable=SC2046  # a word a lesson
solve root $(for_root)
tell "done"
sync
