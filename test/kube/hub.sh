#!/bin/bash
# Process 1 of a cluster: its control plane and the networks that its nodes hang on. cluster.ts starts it in namespaces of its
# own, so that its end is the end of everything: processes, links, rules, mounts. It prints "pid N", then "ready", and lives as
# long as its standard input is open: when the starter dies, however that happens, nothing is left.
#
#   nodes   172.30.0.0/24     the API server (.1) and the nodes' eth0 (.11, .12): their InternalIP
#   lan     192.168.50.0/24   the underlay: a router (.1) and the nodes' eth1 (.11, .12), the macvlan parent
#   lan2    192.168.60.0/24   another underlay: a router (.1), and the nodes' eth2 without an address
#   pods    10.244.0.0/16     Services 10.96.0.0/16
# and the same with fd00: in front in IPv6.
#
# KUBE_PROGRAMS  folder of `components`                     KUBE_IMAGES  archives of images, one a line
# KUBE_MULTUS    executable of Multus; empty: somebody will bring it
# KUBE_PROXY     kube-proxy's mode, iptables or nftables    KUBE_SHARED  folders, one a line, that nodes see besides the root
# KUBE_OVERLAY   routed: a veth and a /32 route for each pod, 10.244.N.0/24 on node N, routed between the nodes
#                none: somebody will make one, and the nodes are not Ready until then
set -euo pipefail
read -r pid _ </proc/self/stat # as the machine's own /proc counts it
echo "pid $pid"
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o mode=0755 orbweaver-kube /run
hostname hub

export KUBE_HOME=/run/kube KUBE_NODES=2
mkdir -p $KUBE_HOME/log $KUBE_HOME/bin
pki=$KUBE_HOME/pki
hub=172.30.0.1
for program in pki kubectl etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy; do
  ln -s "$KUBE_PROGRAMS/components" $KUBE_HOME/bin/$program
done
export PATH=$KUBE_HOME/bin:$PATH
start() { "$(dirname "$0")/keep.sh" "$KUBE_HOME" "$KUBE_HOME/log/$1.log" "$@" & }

ip link set lo up
start etcd --data-dir $KUBE_HOME/etcd --unsafe-no-fsync --logger zap --log-level warn
names=() identities=()
for ((i = 1; i <= KUBE_NODES; i++)); do
  names+=("node$i")
  identities+=("node$i=172.30.0.$((10 + i))")
done
pki $pki $hub,10.96.0.1 "${identities[@]}"

for network in nodes=172.30.0.1/24,fd00:172:30::1/64 lan=192.168.50.1/24,fd00:192:168:50::1/64 \
  lan2=192.168.60.1/24,fd00:192:168:60::1/64; do
  bridge=${network%%=*} addresses=${network#*=}
  ip link add "$bridge" type bridge
  ip addr add "${addresses%,*}" dev "$bridge"
  ip addr add "${addresses#*,}" dev "$bridge" nodad
  ip link set "$bridge" up
done
for setting in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 >/proc/sys/net/$setting; done # the router between the two

# What is asked with the rights of our programs, and how it was answered.
cat >$KUBE_HOME/audit.yaml <<END
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    users: ["system:serviceaccount:kube-system:orbweaver-agent", "system:serviceaccount:kube-system:orbweaver-controller"]
  - level: None
END
# Aggregator routing: no kube-proxy translates the addresses of webhooks' Services here.
start kube-apiserver --etcd-servers=http://127.0.0.1:2379 --advertise-address=$hub \
  --tls-cert-file=$pki/apiserver.crt --tls-private-key-file=$pki/apiserver.key --client-ca-file=$pki/ca.crt \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=$pki/sa.key \
  --service-account-signing-key-file=$pki/sa.key --service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112 \
  --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
  --kubelet-certificate-authority=$pki/ca.crt --kubelet-client-certificate=$pki/apiserver-kubelet-client.crt \
  --kubelet-client-key=$pki/apiserver-kubelet-client.key --kubelet-preferred-address-types=InternalIP \
  --allow-privileged --profiling=false --enable-aggregator-routing \
  --audit-policy-file=$KUBE_HOME/audit.yaml --audit-log-path=$KUBE_HOME/log/audit.log

group=orbweaver-kube-$pid # also the name that cluster.ts removes
# The network namespace, links and process 1 of a node. Its MAC addresses stay the same.
boot() {
  local i=$1 node=node$1
  ip netns add $node
  ip link add $node type veth peer name eth0 address 02:00:00:00:00:0$i netns $node
  ip link add lan-$i type veth peer name eth1 address 02:00:00:00:01:0$i netns $node
  ip link add lan2-$i type veth peer name eth2 address 02:00:00:00:02:0$i netns $node
  ip link set $node master nodes up
  ip link set lan-$i master lan up
  ip link set lan2-$i master lan2 up
  # Not `ip netns exec`: it mounts /sys anew and hides the control groups.
  KUBE_GROUP=$group/$node KUBE_NODE=$i nsenter --net=/run/netns/$node \
    unshare --mount --uts --ipc --pid --fork --kill-child \
    "$(dirname "$0")/node.sh" </dev/null >>$KUBE_HOME/log/$node.log 2>&1 &
}
# Ends all processes of a node at once. Its mounts and links go too; what node.sh has in `kept` stays.
halt() {
  shopt -s globstar nullglob
  local i=$1 node=node$1 first link tree folders at
  first=$(cat $KUBE_HOME/$node/pid)
  kill -KILL "$first"
  while [ -e "/proc/$first" ]; do sleep 0.05; done
  for link in $node lan-$i lan2-$i; do ip link del $link; done
  ip netns del $node
  # With control groups of containers that are gone, the kubelet starts half a minute later.
  for tree in /sys/fs/cgroup/*/ /sys/fs/cgroup/; do
    folders=("$tree$group/$node"/**/)
    for ((at = ${#folders[@]} - 1; at >= 0; at--)); do rmdir "${folders[at]}" || :; done
  done
}
for ((i = 1; i <= KUBE_NODES; i++)); do
  # The disk of an agent's state is a small one: the tests fill it.
  mkdir -p $KUBE_HOME/node$i/kept/var/lib/orbweaver
  mount -t tmpfs -o size=32m,mode=0755 node$i-state $KUBE_HOME/node$i/kept/var/lib/orbweaver
  boot $i
  if [ "$KUBE_OVERLAY" = routed ]; then
    ip route add 10.244.$i.0/24 via 172.30.0.$((10 + i))
    ip route add fd00:10:244:$i::/64 via fd00:172:30::$((10 + i))
  fi
done

until (exec 3<>/dev/tcp/127.0.0.1/6443) 2>/dev/null; do sleep 0.05; done
touch $KUBE_HOME/apiserver-listens
start kube-scheduler --kubeconfig=$pki/scheduler.kubeconfig --leader-elect=false --bind-address=127.0.0.1
# The rates: with the defaults it is 4 s until a namespace has its service account.
start kube-controller-manager --kubeconfig=$pki/controller-manager.kubeconfig --leader-elect=false \
  --bind-address=127.0.0.1 --kube-api-qps=500 --kube-api-burst=1000 --use-service-account-credentials \
  --root-ca-file=$pki/ca.crt --service-account-private-key-file=$pki/sa.key

export KUBECONFIG=$pki/admin.kubeconfig
until kubectl get --raw /readyz >/dev/null 2>&1; do sleep 0.1; done
until kubectl get node "${names[@]}" >/dev/null 2>&1; do sleep 0.1; done
[ "$KUBE_OVERLAY" = none ] || kubectl wait --for=condition=Ready --timeout=90s node "${names[@]}" >&2
until kubectl -n default get serviceaccount default >/dev/null 2>&1; do sleep 0.1; done
echo ready
while read -r command node; do # bash reaps what is left to process 1 meanwhile
  if [ "$command" = reboot ]; then halt "$node" && boot "$node"; fi
done
