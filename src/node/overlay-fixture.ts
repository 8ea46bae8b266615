// For root tests, beside a LAN: a second node, and an overlay pod on each node. The nodes drop packets that conntrack
// calls INVALID, as kube-proxy does.

import { execFileSync } from 'node:child_process';
import { ip, type Lan } from './lan-fixture.ts';

/** The rule of kube-proxy's chain KUBE-FORWARD (pkg/proxy/iptables), for either family. */
const INVALID_DROP =
  'table inet proxy { chain forward { type filter hook forward priority filter; ct state invalid counter drop; }; }\n';

/** An overlay pod and the addresses at which it is asked. */
export interface OverlayPod {
  readonly namespace: string;
  readonly 4: string;
  readonly 6: string;
}

/** The overlay 10.233.64.0/18, fd00:10:233:100::/64. The nodes route between each other and never masquerade. */
export class Overlay implements Disposable {
  readonly far: string;
  readonly nearPod: OverlayPod;
  readonly farPod: OverlayPod;

  constructor({ lan, node }: Lan) {
    this.far = `${node}2`;
    this.nearPod = { namespace: `${node}-c`, 4: '10.233.65.2', 6: 'fd00:10:233:100::12' };
    this.farPod = { namespace: `${node}-c2`, 4: '10.233.66.2', 6: 'fd00:10:233:100::22' };
    for (const namespace of [this.far, this.nearPod.namespace, this.farPod.namespace]) {
      ip('netns', 'add', namespace);
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
    }
    const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', this.far];
    ip('-n', lan, 'link', 'add', 'port2', 'master', 'br0', 'up', ...peer);
    ip('-n', this.far, 'address', 'add', '10.6.212.102/16', 'dev', 'eth0');
    ip('-n', this.far, 'address', 'add', 'fd00:10:6::102/64', 'dev', 'eth0', 'nodad');
    ip('-n', this.far, 'link', 'set', 'eth0', 'up');
    for (const namespace of [node, this.far]) {
      run(namespace, [
        'sh',
        '-c',
        'echo 1 | tee /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding',
      ]);
      run(namespace, ['nft', '-f', '-'], INVALID_DROP);
    }
    attach(node, this.nearPod);
    attach(this.far, this.farPod);
    route(node, this.farPod, '10.6.212.102', 'fd00:10:6::102');
    route(this.far, this.nearPod, '10.6.212.101', 'fd00:10:6::101');
  }

  [Symbol.dispose](): void {
    for (const namespace of [this.farPod.namespace, this.nearPod.namespace, this.far])
      ip('netns', 'del', namespace);
  }
}

export function run(namespace: string, argv: readonly string[], input = ''): string {
  return execFileSync('ip', ['netns', 'exec', namespace, ...argv], { encoding: 'utf8', input });
}

/** As the plugin ptp does it: a veth with a host route. */
function attach(node: string, pod: OverlayPod): void {
  ip(
    '-n',
    node,
    'link',
    'add',
    'calipod',
    'up',
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    pod.namespace,
  );
  ip('-n', node, 'address', 'add', '169.254.1.1/32', 'dev', 'calipod');
  ip('-n', node, 'address', 'add', 'fe80::1/64', 'dev', 'calipod', 'nodad');
  ip('-n', node, 'route', 'add', pod[4], 'dev', 'calipod');
  ip('-n', node, 'route', 'add', pod[6], 'dev', 'calipod');
  ip('-n', pod.namespace, 'link', 'set', 'eth0', 'up');
  ip('-n', pod.namespace, 'address', 'add', `${pod[4]}/32`, 'dev', 'eth0');
  ip('-n', pod.namespace, 'address', 'add', `${pod[6]}/128`, 'dev', 'eth0', 'nodad');
  ip('-n', pod.namespace, 'route', 'add', '169.254.1.1', 'dev', 'eth0');
  ip('-n', pod.namespace, 'route', 'add', 'default', 'via', '169.254.1.1');
  ip('-n', pod.namespace, 'route', 'add', 'default', 'via', 'fe80::1', 'dev', 'eth0');
}

function route(node: string, pod: OverlayPod, via4: string, via6: string): void {
  ip('-n', node, 'route', 'add', pod[4], 'via', via4);
  ip('-n', node, 'route', 'add', pod[6], 'via', via6);
}
