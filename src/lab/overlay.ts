// The lab's overlay network: a CNI plugin that works like Calico's, and the node's NAT for packets that leave the overlay.

import { bothFamilies, type LabNode, overlayCidr } from './addressing.ts';

/** The plugin's CNI type, and its file in /opt/cni/bin. */
export const OVERLAY_PLUGIN_TYPE = 'lab-overlay';

/** Name of the cluster's default network, and of its file in /etc/cni/net.d. */
export const OVERLAY_NETWORK_NAME = 'lab-overlay';

/**
 * The plugin makes a veth, a /32 and a /128. The IPv4 default route leads to 169.254.1.1, for which the node answers by proxy ARP. The IPv6
 * default route leads to the link-local address of the node's end. As with Calico, all node ends have the same MAC. Addresses come from
 * host-local. proxy_delay is 0; otherwise the first packet waits up to a second. nodad prevents that IPv6 waits for duplicate address
 * detection.
 */
export const OVERLAY_PLUGIN = `#!/bin/sh
set -eu
conf=$(cat)
bin=\${0%/*}
link=cali$(printf %s "\${CNI_CONTAINERID-}/\${CNI_IFNAME-}" | sha1sum | cut -c1-11)
case $CNI_COMMAND in
VERSION) echo '{"cniVersion": "1.0.0", "supportedVersions": ["0.3.1", "0.4.0", "1.0.0"]}' ;;
ADD)
  result=$(printf %s "$conf" | "$bin/host-local")
  addresses=$(printf %s "$result" | grep -oE '"address": *"[^"/]+' | sed 's/.*"//')
  ip link add "$link" address ee:ee:ee:ee:ee:ee type veth peer name "$CNI_IFNAME" netns "$CNI_NETNS"
  echo 1 >"/proc/sys/net/ipv4/conf/$link/proxy_arp"
  echo 0 >"/proc/sys/net/ipv4/neigh/$link/proxy_delay"
  echo 0 >"/proc/sys/net/ipv6/conf/$link/accept_dad"
  pod="link set lo up
link set $CNI_IFNAME up
route add 169.254.1.1 dev $CNI_IFNAME scope link
"
  node="link set $link up
"
  ips=
  for address in $addresses; do
    case $address in
    *:*)
      pod="\${pod}addr add $address/128 dev $CNI_IFNAME nodad
route add default via fe80::ecee:eeff:feee:eeee dev $CNI_IFNAME
"
      node="\${node}route add $address/128 dev $link
"
      ips="$ips, {\\"address\\": \\"$address/128\\", \\"interface\\": 1}"
      ;;
    *)
      pod="\${pod}addr add $address/32 dev $CNI_IFNAME
route add default via 169.254.1.1 dev $CNI_IFNAME src $address
"
      node="\${node}route add $address/32 dev $link scope link
"
      ips="$ips, {\\"address\\": \\"$address/32\\", \\"interface\\": 1}"
      ;;
    esac
  done
  printf %s "$node" | ip -batch -
  printf %s "$pod" | nsenter --net="$CNI_NETNS" -- ip -batch -
  mac=$(nsenter --net="$CNI_NETNS" -- ip -o link show dev "$CNI_IFNAME" | sed 's/.*link.ether \\([^ ]*\\).*/\\1/')
  echo '{"cniVersion": "1.0.0", "interfaces": [{"name": "'"$link"'", "mac": "ee:ee:ee:ee:ee:ee"},
    {"name": "'"$CNI_IFNAME"'", "mac": "'"$mac"'", "sandbox": "'"$CNI_NETNS"'"}], "ips": ['"\${ips#, }"'], "dns": {}}'
  ;;
DEL)
  printf %s "$conf" | "$bin/host-local"
  ip link del "$link" 2>/dev/null || :
  ;;
CHECK) ip link show "$link" >/dev/null ;;
esac
`;

/** The default network of a node's pods, as a file for /etc/cni/net.d. */
export function overlayNetwork(node: LabNode): string {
  const ipam = {
    type: 'host-local',
    ranges: bothFamilies.map((family) => [{ subnet: node.overlayCidr[family] }]),
  };
  const plugins = [{ type: OVERLAY_PLUGIN_TYPE, ipam }];
  return `${JSON.stringify({ cniVersion: '1.0.0', name: OVERLAY_NETWORK_NAME, plugins }, null, 2)}\n`;
}

/** Packets that leave the overlay get the node's address (Calico's natOutgoing), so that the LAN can answer them. */
export const NAT_OUTGOING = `
table inet lab-overlay
delete table inet lab-overlay
table inet lab-overlay {
  chain postrouting {
    type nat hook postrouting priority srcnat
    ip saddr ${overlayCidr[4]} ip daddr != ${overlayCidr[4]} masquerade
    ip6 saddr ${overlayCidr[6]} ip6 daddr != ${overlayCidr[6]} masquerade
  }
}
`;

/** Without natOutgoing, overlay pods keep their addresses. The router of the lab has routes to them. */
export const NO_NAT_OUTGOING = `
table inet lab-overlay
delete table inet lab-overlay
`;

const TUNNEL = 'vxlan.lab';

function tunnelMac({ number }: LabNode): string {
  return `66:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
}

/**
 * Shell lines that send a node's packets to other nodes' pods through VXLAN, as Calico does. Routes, neighbours and FDB are static; nothing
 * is learned.
 */
export function encapsulated(node: LabNode, nodes: readonly LabNode[]): string {
  const others = nodes.filter((other) => other !== node);
  return [
    `ip link add ${TUNNEL} address ${tunnelMac(node)} mtu 1450 type vxlan id 4096 local ${node.address[4]} dstport 4789 nolearning`,
    ...bothFamilies.map(
      (f) =>
        `ip addr add ${node.tunnelAddress[f]}/${f === 4 ? 32 : 128} dev ${TUNNEL} ${f === 6 ? 'nodad' : ''}`,
    ),
    `ip link set ${TUNNEL} up`,
    ...others.flatMap((other) => [
      `bridge fdb append ${tunnelMac(other)} dev ${TUNNEL} dst ${other.address[4]}`,
      ...bothFamilies.flatMap((f) => [
        `ip neigh replace ${other.tunnelAddress[f]} lladdr ${tunnelMac(other)} dev ${TUNNEL} nud permanent`,
        // `replace` does not work here: IPv6 refuses a gateway that is reached by another link.
        `ip -${f} route del ${other.overlayCidr[f]}`,
        `ip -${f} route add ${other.overlayCidr[f]} via ${other.tunnelAddress[f]} dev ${TUNNEL} onlink`,
      ]),
    ]),
  ].join('\n');
}

/** Shell lines for the same routes without VXLAN, through the nodes' addresses on the LAN. A lab starts with these routes. */
export function unencapsulated(node: LabNode, nodes: readonly LabNode[]): string {
  const others = nodes.filter((other) => other !== node);
  return [
    ...others.flatMap((other) =>
      bothFamilies.map((f) => `ip -${f} route replace ${other.overlayCidr[f]} via ${other.address[f]}`),
    ),
    `ip link del ${TUNNEL} 2>/dev/null || :`,
  ].join('\n');
}
