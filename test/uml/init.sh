#!/bin/sh
# The first process of the user-mode machine. Its root is this machine's, read-only; what it writes goes to memory, and results to the
# folder ORBWEAVER_SHARE names. Environment: that, ORBWEAVER_NODE (the program), ORBWEAVER_RUN (a script of ours, and its arguments'
# file in the folder), ORBWEAVER_UML_LACKS (see kernel-part.ts).
export PATH="${ORBWEAVER_NODE%/*}:/usr/sbin:/usr/bin:/sbin:/bin" HOME=/mnt/home TMPDIR=/mnt/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=0755 memory /mnt
mount -t tmpfs -o mode=0755 memory /run
mkdir -p /mnt/home /mnt/tmp /mnt/share /run/netns /dev/shm /dev/pts
mount -t tmpfs memory /dev/shm
mount -t devpts devpts /dev/pts
ln -s /proc/self/fd /dev/fd
mount -t hostfs -o "$ORBWEAVER_SHARE" share /mnt/share
# The kernel loads what it lacks when it is first asked for it.
printf '#!/bin/sh\nexec modprobe --config /dev/null --dirname /mnt/share/modules "$@"\n' >/mnt/modprobe
chmod +x /mnt/modprobe
echo /mnt/modprobe >/proc/sys/kernel/modprobe
/mnt/modprobe ipv6
ip link set lo up
stty -F /dev/console -opost
cd "${0%/test/uml/init.sh}" || exit 1
echo "user-mode Linux $(uname -r) is up"
"$ORBWEAVER_NODE" "$ORBWEAVER_RUN"
echo o >/proc/sysrq-trigger
sleep 60
