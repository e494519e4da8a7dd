#!/bin/sh
# namespace.sh FOLDER IMAGES GROUP: run in an LXC host's new mount, network and cgroup namespaces, makes of them what its
# libvirtd needs. FOLDER and IMAGES are the host's own folders, which keep their paths; GROUP is its cgroup.
set -eu
folder=$1 images=$2 group=$3
stage=$folder/stage
# All with -n: util-linux keeps a table of its own in /run/mount, which is the machine's, and out of reach once /run is
# covered: the mount is made, and mount fails.
mkdir -p "$stage"

# private DIR: DIR becomes empty and the host's own. Where the machine has no such folder its parent is covered, with
# the host's folders bound through, since nothing may be made outside of the namespace.
private() {
  if [ -d "$1" ]; then
    mount -n -t tmpfs -o mode=0755 "$group" "$1"
    return
  fi
  parent=${1%/*}
  mount -n -t tmpfs -o mode=0755 "$group" "$stage"
  for kept in "$folder" "$images"; do
    case $kept in
    "$parent"/*)
      mkdir -p "$stage${kept#"$parent"}"
      mount -n --bind "$kept" "$stage${kept#"$parent"}"
      ;;
    esac
  done
  mount -n --move "$stage" "$parent"
  mkdir "$1"
}
private /run/libvirt
private /var/lib/libvirt
private /var/cache/libvirt
private /var/log/libvirt
[ -d /etc/libvirt ] || { echo "/etc/libvirt is missing (package libvirt-clients)" >&2; exit 1; }
private /etc/libvirt
install -D -m 0755 "${0%/*}/guest-hook" /etc/libvirt/hooks/lxc

# /sys must be the network namespace's own, or libvirt finds no bridge there. The cgroup trees come back with the host's
# own cgroup as their root, so all that libvirt makes lies below it. Of a hybrid tree only version 1 comes back: libvirt
# would try to make its groups in both.
mount -n --rbind /sys/fs/cgroup "$stage"
umount -n --lazy --recursive /sys
mount -n -t sysfs sysfs /sys
if [ -e "$stage/cgroup.procs" ]; then
  mount -n --bind "$stage/$group" /sys/fs/cgroup
else
  mount -n -t tmpfs -o mode=0755 "$group" /sys/fs/cgroup
  for tree in "$stage"/*; do
    name=${tree##*/}
    if [ -L "$tree" ]; then
      cp -P "$tree" "/sys/fs/cgroup/$name"
    elif [ -d "$tree/$group" ] && [ "$name" != unified ]; then
      mkdir "/sys/fs/cgroup/$name"
      mount -n --bind "$tree/$group" "/sys/fs/cgroup/$name"
    fi
  done
fi
umount -n --lazy --recursive "$stage"

# Guests and the machine are routed to each other; a packet for a guest that is gone goes nowhere else.
echo 1 >/proc/sys/net/ipv4/ip_forward
if [ -d /proc/sys/net/ipv6 ]; then
  echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
  echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
fi
