#!/bin/sh
# enter-root.sh ROOT COMMAND ...: makes ROOT the root of this mount namespace and runs the command there. It runs as the
# first process of mount and pid namespaces of its own, which tools/bare-root.ts makes.
set -eu
root=$1
shift
# pivot_root wants a mount point.
mount --bind "$root" "$root"
cd "$root"
mount --rbind /sys sys
mount --rbind /dev dev
mount -t proc proc proc
mount -t tmpfs -o mode=0755 run run
mkdir -p .machine
pivot_root . .machine
cd /root
umount -l /.machine
rmdir /.machine
# Not exec: this shell stays the first process, because it takes the exit codes of orphans.
code=0
"$@" || code=$?
exit $code
