// For root tests: a node in its own network namespace, with one NIC with an address and two spare NICs. All have a
// carrier.

import { execFileSync } from 'node:child_process';
import { openNamespace } from '#kernel';
import type { NetworkNamespace } from '#net';
import { ip } from './lan-fixture.ts';

/** eth0 has an address, eth1 and eth2 have none. far1 and far2 are the other ends of the links. */
export class SpareNics implements Disposable {
  readonly name: string;

  /** The name contains the process id, so that parallel test runs do not collide. */
  constructor(name: string) {
    this.name = `ow${name}${process.pid}`;
    ip('netns', 'add', this.name);
    const lines = [0, 1, 2].flatMap((i) => [
      `link add eth${i} up type veth peer name far${i}`,
      `link set far${i} up`,
    ]);
    lines.push('address add 10.6.212.101/16 dev eth0');
    execFileSync('ip', ['-n', this.name, '-batch', '-'], { input: lines.join('\n') });
  }

  /** Runs `ip` on the node. */
  ip(...args: string[]): string {
    return ip('-n', this.name, ...args);
  }

  /** Runs a script on the node, with its own /sys. */
  shell(script: string): string {
    return ip('netns', 'exec', this.name, 'sh', '-c', script);
  }

  /** Runs `work` with the node's namespace opened. */
  with<T>(work: (node: NetworkNamespace) => T): T {
    const node = openNamespace(`/run/netns/${this.name}`);
    try {
      return work(node);
    } finally {
      node.close();
    }
  }

  [Symbol.dispose](): void {
    ip('netns', 'del', this.name);
  }
}
