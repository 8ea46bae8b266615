// The real Keystone, Neutron, Placement and Nova beside a cluster: its nodes are VMs there.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Cluster } from './cluster.ts';
import type { CloudOfNodes } from './openstack-process.ts';

export class OpenStackServers {
  readonly #process: ChildProcess;
  readonly scene: CloudOfNodes;

  private constructor(servers: ChildProcess, scene: CloudOfNodes) {
    this.#process = servers;
    this.scene = scene;
  }

  /** Starts them in the namespaces of the control plane, where nodes reach them. `root` has the unpacked packages. */
  static async start(cluster: Cluster, root: string): Promise<OpenStackServers> {
    const [enter, ...rest] = cluster.entering('hub');
    const argv = [...rest, process.execPath, join(import.meta.dirname, 'openstack-process.ts'), root];
    const servers = spawn(enter, argv, { stdio: ['pipe', 'pipe', 'pipe'] });
    const said: string[] = [];
    createInterface({ input: servers.stderr }).on('line', (line) => said.push(line));
    for await (const line of createInterface({ input: servers.stdout })) {
      if (line.startsWith('{')) return new OpenStackServers(servers, JSON.parse(line) as CloudOfNodes);
      console.log(`     ${line}`);
    }
    throw new Error(`the servers of OpenStack ended: ${said.slice(-20).join('\n')}`);
  }

  /** They end when their input does. */
  stop(): void {
    this.#process.stdin?.end();
  }
}
