// The columns of Services, and of the endpoints behind them.

import { type ApiObject, listAt, numberAt, objectAt, stringAt, textsAt } from '../json.ts';
import { ageColumn, type Column, column, field, nameColumn } from './column.ts';

const wide = { wide: true };

export const serviceColumns: readonly Column[] = [
  nameColumn,
  column('Type', field('ClusterIP', 'spec', 'type')),
  column('Cluster-IP', field('<none>', 'spec', 'clusterIP')),
  column('External-IP', externalIp),
  column('Port(s)', servicePorts),
  ageColumn,
  column(
    'Selector',
    (service) => {
      const labels = Object.entries(objectAt(service, 'spec', 'selector'));
      return labels.map(([key, value]) => `${key}=${String(value as string)}`).join(',') || '<none>';
    },
    wide,
  ),
];

function externalIp(service: ApiObject): string {
  const type = stringAt(service, 'spec', 'type');
  if (type === 'ExternalName') return stringAt(service, 'spec', 'externalName') ?? '<none>';
  const ingress = listAt(service, 'status', 'loadBalancer', 'ingress').map(
    (it) => stringAt(it, 'ip') ?? stringAt(it, 'hostname'),
  );
  const all = [...(type === 'LoadBalancer' ? ingress : []), ...textsAt(service, 'spec', 'externalIPs')];
  return all.join(',') || (type === 'LoadBalancer' ? '<pending>' : '<none>');
}

function servicePorts(service: ApiObject): string {
  const ports = listAt(service, 'spec', 'ports').map((port) => {
    const node = numberAt(port, 'nodePort') ?? 0;
    return `${numberAt(port, 'port') ?? 0}${node === 0 ? '' : `:${node}`}/${stringAt(port, 'protocol') ?? 'TCP'}`;
  });
  return ports.join(',') || '<none>';
}

export function addressesOfSlice(slice: ApiObject): string {
  const all = listAt(slice, 'endpoints').flatMap((endpoint) => textsAt(endpoint, 'addresses'));
  if (all.length === 0) return '<unset>';
  return all.length > 3 ? `${all.slice(0, 3).join(',')} + ${all.length - 3} more...` : all.join(',');
}

export function addressesOfEndpoints(object: ApiObject): string {
  const pairs = listAt(object, 'subsets').flatMap((subset) => {
    const ips = listAt(subset, 'addresses').map((it) => stringAt(it, 'ip') ?? '');
    const ports = listAt(subset, 'ports').map((it) => numberAt(it, 'port') ?? 0);
    return ips.flatMap((ip) =>
      ports.length === 0 ? [ip] : ports.map((port) => `${ip.includes(':') ? `[${ip}]` : ip}:${port}`),
    );
  });
  return pairs.join(',') || '<none>';
}
