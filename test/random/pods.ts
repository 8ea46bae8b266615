// The pods of a cluster under random operations. The name tells the kind: of a StatefulSet (db), a Deployment whose
// addresses come from subnets (web), a virtual machine (launcher), or of nobody.

import { type Pod, resources } from '#api';
import { type NodeName, namespace } from './objects.ts';
import type { Nic, Sandbox } from './sandbox.ts';
import type { Web } from './web.ts';

const NETWORKS = { 'k8s.v1.cni.cncf.io/networks': 'san' };
const MIGRATION = { 'kubevirt.io/migrationJobName': 'job' };
const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'uid-db', controller: true };
const instance = {
  ...{ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name: 'vm', uid: 'uid-vm' },
  controller: true,
};

export const isOrdinal = ({ name }: Pick<Sandbox, 'name'>) => name.startsWith('db-');
export const isWeb = ({ name }: Pick<Sandbox, 'name'>) => name.startsWith('web-');
export const isLauncher = ({ name }: Pick<Sandbox, 'name'>) => name.startsWith('launcher-');

/** `count` tells it from all others. `migrates`: whether a virtual machine moves to it. */
export function newPod(
  name: string,
  count: number,
  node: NodeName,
  web: Web,
  migrates: boolean,
): { readonly object: Pod; readonly sandbox: Sandbox } {
  const uid = `${name}-uid-${count}`;
  const named = { name };
  const hasTwoNics = isOrdinal(named) || isWeb(named) || count % 2 === 0;
  const nics: Nic[] = hasTwoNics && !isLauncher(named) ? ['eth0', 'net1'] : ['eth0'];
  const owner = isWeb(named) ? web.owner : isOrdinal(named) ? set : isLauncher(named) ? instance : undefined;
  const metadata = {
    ...{ name, namespace, uid },
    ...(isLauncher(named) && { labels: { 'kubevirt.io': 'virt-launcher' } }),
    annotations: {
      ...(nics.length > 1 && NETWORKS),
      ...(migrates && MIGRATION),
      ...(isWeb(named) && web.annotations),
    },
    ...(owner !== undefined && { ownerReferences: [owner] }),
  };
  const spec = { nodeName: node, containers: [{ name: 'c' }] };
  const fixedTo = isOrdinal(named) ? name : isLauncher(named) ? 'vm' : undefined;
  return {
    object: resources.pods.schema.parse({ metadata, spec, status: { phase: 'Pending' } }),
    sandbox: {
      ...{ name, uid, node, nics, fixedTo, held: new Map(), living: new Map() },
      ...{ owesDelete: false, isBusy: true, isThere: true },
    },
  };
}
