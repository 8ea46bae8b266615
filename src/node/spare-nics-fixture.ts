// For root tests: a node as a network namespace of its own, with an addressed NIC and two spare ones, all with a link.

import { execFileSync } from 'node:child_process';
import { openNamespace } from '#kernel';
import type { NetworkNamespace } from '#net';
import { ip } from './lan-fixture.ts';

/** eth0 has an address; eth1 and eth2 have none, and far1 and far2 are the other ends of their cables. */
export class SpareNics implements Disposable {
  readonly name: string;

  /** Named after the process, so that runs side by side do not meet. */
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

  /** Works with the node's namespace opened. */
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
