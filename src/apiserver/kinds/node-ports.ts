// Node ports of Services: handed out from a range, one for each port of a Service that is reached by way of nodes.

import { type ApiObject, ensureObject, isObject, type Json, listAt, numberAt, stringAt } from '../json.ts';
import { invalid, type StatusError } from '../status.ts';

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Gives node ports to a Service that has none, and keeps those it had; 422 for one that is taken or out of `range`. */
export function assignNodePorts(
  service: ApiObject,
  old: ApiObject | undefined,
  others: readonly ApiObject[],
  range: PortRange,
): void {
  const spec = ensureObject(service, 'spec');
  const ports = listAt(spec, 'ports').filter(isObject);
  if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') {
    if (old !== undefined && stringAt(old, 'spec', 'type') !== spec.type)
      for (const port of ports) delete port.nodePort;
    return;
  }
  const identity = (port: Json) => `${numberAt(port, 'port') ?? 0}/${stringAt(port, 'protocol') ?? 'TCP'}`;
  const before = new Map(
    listAt(old, 'spec', 'ports').map((port) => [identity(port), numberAt(port, 'nodePort')]),
  );
  const used = usedPorts(others);
  const { first, last } = range;
  for (const port of ports) {
    const protocol = stringAt(port, 'protocol') ?? 'TCP';
    const wanted = numberAt(port, 'nodePort') || before.get(identity(port));
    const given = wanted ?? freePort(used, protocol, first, last);
    if (given === undefined)
      throw refused(service, 'spec.ports[0].nodePort', 'Internal error: range is full');
    if (given < first || given > last) {
      throw refused(
        service,
        'spec.ports[0].nodePort',
        `Invalid value: ${given}: provided port is not in the valid range. The range of valid ports is ${first}-${last}`,
      );
    }
    if (used.has(`${given}/${protocol}`)) {
      throw refused(
        service,
        'spec.ports[0].nodePort',
        `Invalid value: ${given}: provided port is already allocated`,
      );
    }
    used.add(`${given}/${protocol}`);
    port.nodePort = given;
  }
}

function usedPorts(others: readonly ApiObject[]): Set<string> {
  const ports = others.flatMap((service) => listAt(service, 'spec', 'ports'));
  return new Set(
    ports.map((port) => `${numberAt(port, 'nodePort') ?? 0}/${stringAt(port, 'protocol') ?? 'TCP'}`),
  );
}

function freePort(
  used: ReadonlySet<string>,
  protocol: string,
  first: number,
  last: number,
): number | undefined {
  for (let port = first; port <= last; port++) if (!used.has(`${port}/${protocol}`)) return port;
  return undefined;
}

/** The 422 of a Service whose address or port cannot be given. */
export function refused(service: ApiObject, field: string, message: string): StatusError {
  return invalid({ group: '', kind: 'Service', name: service.metadata.name }, [
    { reason: 'FieldValueInvalid', message, field },
  ]);
}
