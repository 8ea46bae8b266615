// The networks of Services.

import { type Answer, fault, firstFound, readNetworks, union } from './answer.ts';
import { apiServerNetworks, k3sNetworks, kubeadmNetworks, managerNetworks } from './control-plane.ts';
import type { Sources } from './pod-networks.ts';
import type { SourceReader } from './sources.ts';

/**
 * ServiceCIDRs are the whole truth where the server has them. Other sources know only the networks that the cluster
 * started with, so they count only where the server has no ServiceCIDRs.
 */
export function serviceNetworks({ reader, readYaml }: Sources): Answer {
  const objects = serviceCIDRs(reader);
  if (objects.faults.some(({ reason }) => reason !== 'NotFound' && reason !== 'NotServed')) return objects;
  if (objects.faults.length === 0) return objects;
  const others = firstFound(
    [
      () => kubeadmNetworks(reader, readYaml, 'services'),
      () => managerNetworks(reader, 'services'),
      () => apiServerNetworks(reader),
      () => k3sNetworks(reader, 'services'),
    ],
    ['NotFound', 'Forbidden'],
  );
  return others.networks.length > 0 ? others : union([objects, others]);
}

/**
 * One that is being deleted counts: the server keeps it while Services have its addresses. All versions show the same
 * objects.
 */
function serviceCIDRs(reader: SourceReader): Answer {
  const newest = reader.items('serviceCIDRs');
  const isOlder = 'faults' in newest && newest.faults.some(({ reason }) => reason === 'NotServed');
  const items = isOlder ? reader.items('serviceCIDRsBeta') : newest;
  if ('faults' in items) return items;
  if (items.length === 0) return fault('NotFound', 'there is no ServiceCIDR');
  const answers = items.map(({ metadata, spec }) =>
    readNetworks(spec?.cidrs ?? [], `ServiceCIDR ${metadata.name}`),
  );
  return { ...union(answers), from: 'ServiceCIDRs' };
}
