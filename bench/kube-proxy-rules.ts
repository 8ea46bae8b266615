// The rules of kube-proxy for a Service, after those of others, as its two modes write them.

/** kube-proxy's chains of other Services, which the first packet of a connection passes. */
const OTHERS = 100;

/** A Service and its only endpoint, which listen on the same port, by TCP and UDP. */
export interface ProxiedService {
  readonly service: string;
  readonly endpoint: string;
  readonly port: number;
}

/** Address and name of each Service; the given one is the last. */
function servicesWith(service: string): (readonly [string, string])[] {
  const others = Array.from(
    { length: OTHERS },
    (_, index) => [`10.96.1.${index + 1}`, `OTHER${index}`] as const,
  );
  return [...others, [service, 'OURS']];
}

export const NO_RULES = '*nat\nCOMMIT\n*filter\nCOMMIT\n';
export const NO_TABLE = 'table ip kube-proxy\ndelete table ip kube-proxy\n';

/** As kube-proxy lays its table out in mode nftables: a map from address, protocol and port to the chain of a Service. */
export function kubeProxyTable({ service, endpoint, port }: ProxiedService): string {
  const services = servicesWith(service);
  const protocols = ['tcp', 'udp'] as const;
  const chains = services.flatMap(([address, name]) =>
    protocols.map(
      (protocol) => `
  chain endpoint-${name}-${protocol} { meta l4proto ${protocol} dnat to ${endpoint}:${port}; }
  chain service-${name}-${protocol} {
    ip daddr ${address} ip saddr != 10.244.0.0/16 jump mark-for-masquerade
    numgen random mod 1 vmap { 0 : goto endpoint-${name}-${protocol} }
  }`,
    ),
  );
  const elements = services.flatMap(([address, name]) =>
    protocols.map((protocol) => `${address} . ${protocol} . ${port} : goto service-${name}-${protocol}`),
  );
  return `${NO_TABLE}table ip kube-proxy {
  chain mark-for-masquerade { meta mark set meta mark | 0x4000; }${chains.join('')}
  map service-ips {
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = { ${elements.join(', ')} }
  }
  chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }
  chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
  chain nat-postrouting {
    type nat hook postrouting priority srcnat
    meta mark & 0x4000 == 0 return
    meta mark set meta mark ^ 0x4000
    masquerade fully-random
  }
  chain filter-forward { type filter hook forward priority -110; ct state invalid drop; }
}
`;
}

/** As kube-proxy writes them in mode iptables. */
export function kubeProxyRules({ service, endpoint, port }: ProxiedService): string {
  const services = servicesWith(service);
  return [
    '*nat',
    ...[':KUBE-SERVICES - [0:0]', ':KUBE-POSTROUTING - [0:0]', ':KUBE-MARK-MASQ - [0:0]'],
    ...services.flatMap(([, name]) => [`:KUBE-SVC-${name} - [0:0]`, `:KUBE-SEP-${name} - [0:0]`]),
    '-A PREROUTING -j KUBE-SERVICES',
    '-A POSTROUTING -j KUBE-POSTROUTING',
    '-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000',
    '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
    '-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000',
    '-A KUBE-POSTROUTING -j MASQUERADE --random-fully',
    ...services.flatMap(([address, name]) =>
      ['tcp', 'udp'].flatMap((protocol) => [
        `-A KUBE-SERVICES -d ${address}/32 -p ${protocol} -m ${protocol} --dport ${port} -j KUBE-SVC-${name}`,
        `-A KUBE-SEP-${name} -p ${protocol} -m ${protocol} -j DNAT --to-destination ${endpoint}:${port}`,
      ]),
    ),
    ...services.flatMap(([, name]) => [
      `-A KUBE-SVC-${name} -j KUBE-MARK-MASQ`,
      `-A KUBE-SVC-${name} -j KUBE-SEP-${name}`,
    ]),
    'COMMIT',
    '*filter',
    ':KUBE-FORWARD - [0:0]',
    '-A FORWARD -j KUBE-FORWARD',
    '-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP',
    '-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT',
    'COMMIT',
    '',
  ].join('\n');
}
