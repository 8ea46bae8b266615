// A pod as Spiderpool 1.2 leaves it: macvlan NICs, and what its coordinator makes in underlay mode, by the same commands of iproute2
// and iptables. Its address is in the record of a pool, without a NIC, and in a SpiderEndpoint with Spiderpool's finalizer.

import { type Pod, resources, type SpiderIPPool } from '#api';
import {
  gateway,
  nodeAddress,
  nodeName,
  nodeNic,
  type OneNode,
  overlayCidrs,
  serviceCidrs,
} from './one-node.ts';
import { runProgram } from './program.ts';
import { Sandbox } from './runtime.ts';

/** Spiderpool's default of `hostRuleTable`, and the priority of its rule. */
const HOST_TABLE = '500';
const HOST_PRIORITY = '1000';

export interface SpiderpoolPod {
  readonly sandbox: Sandbox;
  readonly uid: string;
  /** The link on the node: `veth` and eleven characters of the container's id. */
  readonly hostLink: string;
}

/** What Spiderpool's coordinator makes once for each node: a rule without a protocol number. */
export function makeSpiderpoolRule(): void {
  runProgram('ip', ['rule', 'add', 'priority', HOST_PRIORITY, 'lookup', HOST_TABLE]);
}

/** A pod with these IPv4 addresses: eth0, net1, … */
export async function makeSpiderpoolPod(
  node: OneNode,
  name: string,
  pool: string,
  addresses: readonly string[],
): Promise<SpiderpoolPod> {
  const created = await node.createPod(name);
  const uid = created.metadata.uid ?? '';
  const podIPs = addresses.slice(0, 1).map((ip) => ({ ip }));
  await node.client.updateStatus(resources.pods, {
    ...created,
    status: { phase: 'Running', podIPs },
  } as Pod);
  await record(node, { name, uid, pool, addresses });
  const sandbox = new Sandbox({ name, uid });
  const hostLink = `veth${sandbox.id.slice(0, 11)}`;
  const namespace = sandbox.netns.split('/').at(-1) ?? '';
  const ipInPod = (...args: string[]) => runProgram('ip', ['-n', namespace, ...args]);
  ipInPod('link', 'set', 'lo', 'up');
  for (const [index, address] of addresses.entries()) {
    const nic = index === 0 ? 'eth0' : `net${index}`;
    runProgram('ip', [
      'link',
      'add',
      'link',
      nodeNic,
      'name',
      `mv${index}`,
      'type',
      'macvlan',
      'mode',
      'bridge',
    ]);
    runProgram('ip', ['link', 'set', `mv${index}`, 'netns', namespace, 'name', nic]);
    ipInPod('addr', 'add', `${address}/16`, 'dev', nic);
    ipInPod('link', 'set', nic, 'up');
    if (index === 0) ipInPod('route', 'add', 'default', 'via', gateway[4], 'dev', nic);
  }
  coordinate(sandbox, namespace, hostLink, addresses);
  return { sandbox, uid, hostLink };
}

/** Steps 2.5 to 2.13 of its coordinator, with the numbers of its golden tables of underlay mode. */
function coordinate(
  sandbox: Sandbox,
  namespace: string,
  hostLink: string,
  [first = '', ...others]: readonly string[],
): void {
  const ipInPod = (...args: string[]) => runProgram('ip', ['-n', namespace, ...args]);
  const macs = { pod: '0a:00:00:00:00:01', node: '0a:00:00:00:00:02' };
  const ends = ['address', macs.pod, 'type', 'veth', 'peer', 'name', hostLink, 'address', macs.node];
  runProgram('ip', ['link', 'add', 'veth0', 'netns', namespace, ...ends]);
  runProgram('ip', ['link', 'set', hostLink, 'up']);
  ipInPod('link', 'set', 'veth0', 'up');
  for (const address of [first, ...others]) {
    runProgram('ip', ['route', 'add', address, 'dev', hostLink, 'scope', 'link', 'table', HOST_TABLE]);
    runProgram('ip', ['neigh', 'add', address, 'lladdr', macs.pod, 'dev', hostLink, 'nud', 'permanent']);
  }
  ipInPod('neigh', 'add', nodeAddress[4], 'lladdr', macs.node, 'dev', 'veth0', 'nud', 'permanent');
  const toNode = [nodeAddress[4], 'dev', 'veth0', 'scope', 'link', 'src', first];
  ipInPod('route', 'add', ...toNode);
  ipInPod('route', 'add', ...toNode, 'table', '101');
  for (const cidr of [overlayCidrs[0], serviceCidrs[0]])
    ipInPod('route', 'add', cidr, 'via', nodeAddress[4], 'dev', 'veth0', 'src', first);
  const mangle = (...args: string[]) => sandbox.run('iptables', '-w', '5', '-t', 'mangle', ...args);
  const mark = ['-j', 'MARK', '--set-xmark', '0x1'];
  mangle('-A', 'PREROUTING', '-i', 'veth0', '-m', 'conntrack', '--ctstate', 'NEW', ...mark);
  mangle('-A', 'PREROUTING', '-m', 'mark', '--mark', '0x1', '-j', 'CONNMARK', '--save-mark');
  mangle('-A', 'OUTPUT', '-j', 'CONNMARK', '--restore-mark');
  ipInPod('rule', 'add', 'priority', '1000', 'fwmark', '0x1', 'lookup', '100');
  ipInPod('route', 'add', 'default', 'via', nodeAddress[4], 'dev', 'veth0', 'src', first, 'table', '100');
  for (const [index, address] of others.entries()) {
    const nic = `net${index + 1}`;
    const table = String(101 + index);
    // The kernel chooses 999, because the lowest rule that somebody made is 1000.
    ipInPod('rule', 'add', 'priority', String(999 - index), 'from', address, 'lookup', table);
    ipInPod('route', 'add', 'default', 'via', gateway[4], 'dev', nic, 'table', table);
    ipInPod('route', 'add', '10.6.0.0/16', 'dev', nic, 'scope', 'link', 'src', address, 'table', table);
  }
}

async function record(
  { client }: OneNode,
  of: {
    readonly name: string;
    readonly uid: string;
    readonly pool: string;
    readonly addresses: readonly string[];
  },
): Promise<void> {
  const pool: SpiderIPPool = await client.get(resources.spiderIPPools, { name: of.pool });
  const held = JSON.parse(pool.status?.allocatedIPs ?? '{}') as Record<string, object>;
  for (const address of of.addresses) held[address] = { pod: `default/${of.name}`, podUid: of.uid };
  await client.updateStatus(resources.spiderIPPools, {
    ...pool,
    status: {
      ...pool.status,
      allocatedIPs: JSON.stringify(held),
      allocatedIPCount: Object.keys(held).length,
    },
  });
  await client.create(resources.spiderEndpoints, {
    metadata: { name: of.name, namespace: 'default', finalizers: ['spiderpool.spidernet.io'] },
    status: {
      current: {
        uid: of.uid,
        node: nodeName,
        ips: of.addresses.map((address, index) => ({
          interface: index === 0 ? 'eth0' : `net${index}`,
          ipv4: `${address}/16`,
          ipv4Pool: of.pool,
          vlan: 0,
          ipv4Gateway: gateway[4],
        })),
      },
      ownerControllerType: 'Pod',
      ownerControllerName: of.name,
    },
  });
}
