#!/bin/bash
# Process 1 of a node: a copy-on-write root of its own, containerd, kubelet and kube-proxy. hub.sh starts it in the node's
# namespaces; the networks are told there.
set -euo pipefail
number=$KUBE_NODE
node=node$number
here=$KUBE_HOME/$node
pki=$KUBE_HOME/pki
shopt -s nullglob

# The root: the machine's, copy-on-write. An overlay cannot hold another one's upper layer, so that the runtimes' folders are
# tmpfs, and so is what must not show through from the machine. What a machine has on its disk is in `kept` of the hub's
# tmpfs: it outlives a reboot.
mkdir -p "$here/upper" "$here/work" "$here/root" "$here/sysctl"
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$here/upper,workdir=$here/work" "$here/root"
cd "$here/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
trees=(/sys/fs/cgroup/*/)
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then # version 2: one tree, controllers switched on from the top
  trees=(/sys/fs/cgroup/)
  mkdir -p "/sys/fs/cgroup/${KUBE_GROUP%/*}"
  for parent in /sys/fs/cgroup "/sys/fs/cgroup/${KUBE_GROUP%/*}"; do
    sed 's/[a-z]\+/+&/g' "$parent/cgroup.controllers" >"$parent/cgroup.subtree_control"
  done
fi
for tree in "${trees[@]}"; do mkdir -p "$tree$KUBE_GROUP"; done
mount --rbind /sys/fs/cgroup sys/fs/cgroup
for folder in run var/log; do
  mkdir -p "$folder"
  mount -t tmpfs "$node-${folder//\//-}" "$folder"
done
# BPF programs of socket calls are attached to a group of version 2. A machine has its root for this, and a node of the test
# has this one. All processes of the node are below it.
mount -t bpf bpf sys/fs/bpf
mkdir -p run/sockets/programs
for tree in "${trees[@]}"; do
  [ -e "${tree}cgroup.controllers" ] || continue
  mount --bind "$tree$KUBE_GROUP" run/sockets
  mkdir -p run/sockets/programs
  echo 0 >run/sockets/programs/cgroup.procs
done
for folder in var/lib/containerd var/lib/kubelet var/lib/cni var/lib/orbweaver etc/cni opt/cni; do
  mkdir -p "$folder" "$here/kept/$folder"
  mount --bind "$here/kept/$folder" "$folder"
done
while read -r folder; do
  mkdir -p ".$folder"
  mount --bind "$folder" ".$folder"
done <<<"$KUBE_SHARED
$KUBE_HOME"
# The kubelet sets these, and they are the whole machine's: it gets stand-ins.
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=$here/sysctl/$(basename "${setting%=*}")
  echo "${setting#*=}" >"$file"
  mount --bind "$file" "proc/sys/${setting%=*}"
done
read -r pid _ </proc/self/stat # as the hub's /proc counts it
echo "$pid" >"$here/pid"
mkdir -p old
pivot_root . old
umount -l /old
mount --make-rshared /
hostname $node

ip link set lo up
for link in eth0=172.30.0,fd00:172:30 eth1=192.168.50,fd00:192:168:50; do
  nic=${link%%=*} prefixes=${link#*=}
  ip addr add "${prefixes%,*}.$((10 + number))/24" dev "$nic"
  ip addr add "${prefixes#*,}::$((10 + number))/64" dev "$nic" nodad
  ip link set "$nic" up
done
ip link set eth2 up
for setting in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 >/proc/sys/net/$setting; done
ip route add default via 172.30.0.1
ip route add default via fd00:172:30::1

mkdir -p /etc/cni/net.d /opt/cni/bin /etc/containerd /etc/kubernetes
cp -u /usr/lib/cni/* /opt/cni/bin/ # a container that has this folder alone finds no target of a link
[ -z "$KUBE_MULTUS" ] || ln -sf "$KUBE_MULTUS" /opt/cni/bin/multus
if [ "$KUBE_OVERLAY" = routed ]; then
  for ((other = 1; other <= KUBE_NODES; other++)); do
    [ $other != "$number" ] || continue
    ip route add 10.244.$other.0/24 via 172.30.0.$((10 + other))
    ip route add fd00:10:244:$other::/64 via fd00:172:30::$((10 + other))
  done
  # Pods of the overlay leave it with their node's address, as with Calico's natOutgoing.
  nft -f - <<END
table inet overlay {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 masquerade
    ip6 saddr fd00:10:244::/48 ip6 daddr != fd00:10:244::/48 masquerade
  }
}
END
  # No ipMasq: it would hide the pods' addresses from other nodes.
  default='{"cniVersion": "1.0.0", "name": "default", "plugins": [
   {"type": "ptp", "ipam": {"type": "host-local",
     "ranges": [[{"subnet": "10.244.'$number'.0/24"}], [{"subnet": "fd00:10:244:'$number'::/64"}]],
     "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}},
   {"type": "portmap", "capabilities": {"portMappings": true}}]}'
  if [ -z "$KUBE_MULTUS" ]; then
    echo "$default" >/etc/cni/net.d/10-default.conflist
  else
    # The default network goes inline: Multus 4.2.3 gives the DEL of one named as a file (clusterNetwork) a configuration
    # without the address ranges, and the pod ends never.
    cat >/etc/cni/net.d/00-multus.conf <<END
{"cniVersion": "1.0.0", "name": "multus", "type": "multus", "kubeconfig": "$pki/multus.kubeconfig",
 "retryDeleteOnError": true, "logFile": "/var/log/multus.log", "logLevel": "verbose",
 "capabilities": {"portMappings": true}, "delegates": [$default]}
END
  fi
fi
# restrict_oom_score_adj: root in a container may not lower it, and runc then fails to start anything.
cat >/etc/containerd/config.toml <<END
version = 2
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.native",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/orbweaver/probe:1"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/opt/cni/bin"
  conf_dir = "/etc/cni/net.d"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
END
cat >/etc/kubernetes/kubelet.yaml <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $pki/$node.crt
tlsPrivateKeyFile: $pki/$node.key
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$KUBE_GROUP
failSwapOn: false
maxPods: 300
oomScoreAdj: 0
localStorageCapacityIsolation: false
evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%"}
imageGCHighThresholdPercent: 100
resolvConf: ""
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
END
cat >/etc/kubernetes/proxy.yaml <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $pki/proxy.kubeconfig}
hostnameOverride: $node
mode: $KUBE_PROXY
clusterCIDR: 10.244.0.0/16,fd00:10:244::/48
conntrack: {maxPerCore: 0, min: 0}
oomScoreAdj: 0
END
start() { "$(dirname "$0")/keep.sh" "$here" "$KUBE_HOME/log/$node-$1.log" "$@" & }
start containerd
until [ -S /run/containerd/containerd.sock ]; do sleep 0.05; done
while read -r archive; do
  until ctr -n k8s.io images import "$archive" >/dev/null; do sleep 0.1; done
done <<<"$KUBE_IMAGES"
until [ -e "$KUBE_HOME/apiserver-listens" ]; do sleep 0.05; done
start kubelet --config=/etc/kubernetes/kubelet.yaml --kubeconfig=$pki/$node.kubeconfig --hostname-override=$node \
  --node-ip=172.30.0.$((10 + number)),fd00:172:30::$((10 + number)) --v=1
[ "$KUBE_PROXY" = none ] || start kube-proxy --config=/etc/kubernetes/proxy.yaml
while :; do wait || :; sleep 1; done # as process 1: reaps, never ends by itself
