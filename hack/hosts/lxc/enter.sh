#!/bin/sh
# enter.sh GROUP HOLDER COMMAND...: execs a command as a process of an LXC host, in the same process: in the host's
# cgroup, with the limits that a hundred domains need, and in the namespaces of its holder (HOLDER "new": in new ones,
# the holder's own; those begin in the cgroup that is the root of all that the host sees).
set -eu
group=$1 holder=$2
shift 2
# A soft limit of 1024 files, as most machines have it, is too low; the hard one may not be raised everywhere.
most=$(ulimit -H -n)
case $most in unlimited | [1-9][0-9][0-9][0-9][0-9][0-9]*) most=65536 ;; esac
ulimit -S -n "$most"
place=$group/daemon
[ "$holder" = new ] && place=$group
for procs in /sys/fs/cgroup/"$place"/cgroup.procs /sys/fs/cgroup/*/"$place"/cgroup.procs; do
  if [ -e "$procs" ]; then echo $$ >"$procs"; fi
done
if [ "$holder" = new ]; then
  exec unshare --net --mount --cgroup --propagation private -- "$@"
fi
exec nsenter --target="$holder" --net --mount --cgroup -- "$@"
