// Rules of the node's nftables table. They replace the source of what pods send to Services, for pods with `ipMasq`.

import { type Cidr, formatCidr } from '#ip';
import type { DesiredTableRule } from '../state/index.ts';
import { ipWords, tableRule } from './table-rule.ts';

const CHAIN = 'service-masquerade';

/** Before kube-proxy, whose own masquerading then finds a connection that has its source already. */
const HOOK = 'type nat hook postrouting priority srcnat - 10; policy accept;';

/**
 * An endpoint on another node answers the pod directly over the LAN. The pod does not know that sender: it asked a
 * Service. With the node's address as the source, the answer comes back to the node. kube-proxy does the same for
 * sources outside of its `--cluster-cidr`. `dnat` leaves alone what goes to no Service (docs/adr/0044).
 * @param networks The networks of the pods' addresses.
 */
export function serviceMasqueradeRules(networks: readonly Cidr[]): DesiredTableRule[] {
  return [...new Set(networks.map(formatCidr))].map((network) => {
    const ip = ipWords[network.includes(':') ? 6 : 4];
    // The node's ends of the pods' links have such names, and its NICs have not.
    const rule = `iifname "veth*" ct status dnat ${ip} saddr ${network} masquerade`;
    return tableRule(CHAIN, HOOK, rule);
  });
}
