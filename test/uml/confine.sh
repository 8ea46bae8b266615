#!/bin/sh
# confine.sh FOLDER PROGRAM [ARG ...]: runs the program where of all file systems nothing but FOLDER can be written. Expects mount and
# process namespaces of its own.
set -eu
share=$1
shift
mount --bind "$share" "$share"
mkdir -p "$share/memory"
# The machine's memory: a file that is mapped, and removed at once.
mount -t tmpfs -o mode=0700 memory "$share/memory"
while read -r _ target _; do
  case $target in "$share" | "$share"/memory | /proc | /proc/* | /dev/pts) continue ;; esac
  mount -o remount,bind,ro "$target"
done </proc/self/mounts
export TMPDIR="$share/memory"
# Not exec: the first process of a namespace is spared the signal with which a kernel that panics ends itself.
"$@"
