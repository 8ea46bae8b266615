// The nftables rules that Neutron's agents make from what the API says: which packets a port of a VM may send, and how a
// router translates.

export interface FilteredPort {
  /** The link of the bridge that leads to the VM. */
  readonly link: string;
  readonly mac: string;
  readonly hasSecurity: boolean;
  readonly fixedIps: readonly string[];
  /** An address or a CIDR each. */
  readonly pairs: readonly { readonly ip_address: string; readonly mac_address: string }[];
}

export interface Translations {
  /** The link to the outside. */
  readonly link: string;
  /** The router's own address there. */
  readonly gateway: string;
  readonly floatingIps: readonly { readonly outer: string; readonly inner: string }[];
}

/** A table is replaced as a whole. */
const replaced = (family: string, name: string, chains: readonly string[]): string =>
  `table ${family} ${name}\ndelete table ${family} ${name}\ntable ${family} ${name} {\n${chains.join('\n')}\n}\n`;

/** A port with port security sends from its own addresses and its pairs, each with the MAC address of it. Others are dropped. */
export function spoofFilter(ports: readonly FilteredPort[]): string {
  const filtered = ports.filter(({ hasSecurity }) => hasSecurity);
  const rules = filtered.flatMap(({ link, mac, fixedIps, pairs }) => {
    const own = fixedIps.map((ip_address) => ({ ip_address, mac_address: mac }));
    const allowed = [...own, ...pairs].flatMap(({ ip_address: from, mac_address }) => [
      `iifname ${link} ether saddr ${mac_address} ip saddr ${from} accept`,
      `iifname ${link} ether saddr ${mac_address} arp saddr ip ${from} accept`,
    ]);
    return [...allowed, `iifname ${link} counter drop`];
  });
  const chain = `chain ports { type filter hook prerouting priority -300; policy accept;\n${rules.join('\n')}\n}`;
  return replaced('bridge', 'openstack', [chain]);
}

export function translation({ link, gateway, floatingIps }: Translations): string {
  const inwards = floatingIps.map(({ outer, inner }) => `ip daddr ${outer} dnat to ${inner}`);
  const outwards = floatingIps.map(
    ({ outer, inner }) => `oifname ${link} ip saddr ${inner} snat to ${outer}`,
  );
  return replaced('ip', 'openstack', [
    `chain inwards { type nat hook prerouting priority dstnat;\n${inwards.join('\n')}\n}`,
    `chain outwards { type nat hook postrouting priority srcnat;`,
    ...outwards,
    `oifname ${link} snat to ${gateway}\n}`,
  ]);
}
