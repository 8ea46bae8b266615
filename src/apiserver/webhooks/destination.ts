// Where the server calls a webhook: its URL, or an address behind its Service. This server has no Service proxy, so it picks
// an endpoint itself. The server's machine must be able to reach that address.

import { isIP } from 'node:net';
import { type Json, type JsonObject, listAt, numberAt, objectAt, stringAt, valueAt } from '../json.ts';
import type { Store } from '../store/index.ts';

/** The address to connect to, and the name that the certificate must have. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly serverName: string;
  /** For messages, in the form of kube-apiserver. */
  readonly url: string;
}

/** Throws a message when a Service has no usable endpoint. */
export function destinationOf(store: Store, clientConfig: JsonObject): Destination {
  const service = valueAt(clientConfig, 'service');
  if (service !== undefined) return behindService(store, service);
  const url = new URL(stringAt(clientConfig, 'url') ?? '');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const path = `${url.pathname}${url.search}`;
  return { host, port: Number(url.port || 443), path, serverName: host, url: url.toString() };
}

function behindService(store: Store, reference: Json): Destination {
  const [namespace = '', name = ''] = [stringAt(reference, 'namespace'), stringAt(reference, 'name')];
  const wanted = numberAt(reference, 'port') ?? 443;
  const path = stringAt(reference, 'path') ?? '/';
  const serverName = `${name}.${namespace}.svc`;
  const about = { path, serverName, url: `https://${serverName}:${wanted}${path}` };
  const service = store.get({ resource: 'services.', namespace, name })?.object;
  if (service === undefined) throw new Error(`service "${name}" not found in namespace "${namespace}"`);
  const external = stringAt(service, 'spec', 'externalName');
  if (external !== undefined && external !== '') return { ...about, host: external, port: wanted };
  const port = listAt(service, 'spec', 'ports').find((it) => numberAt(it, 'port') === wanted);
  if (port === undefined) throw new Error(`no service port ${wanted} found for service "${name}"`);
  const found = store
    .list('endpointslices.discovery.k8s.io')
    .filter(({ key, object }) => {
      const of = stringAt(object, 'metadata', 'labels', 'kubernetes.io/service-name');
      return key.namespace === namespace && of === name;
    })
    .flatMap(({ object }) => endpointsOf(object, stringAt(port, 'name') ?? ''));
  const [first] = found;
  if (first === undefined) throw new Error(`no endpoints available for service "${name}"`);
  return { ...about, ...first };
}

function endpointsOf(slice: JsonObject, portName: string): { host: string; port: number }[] {
  const port = listAt(slice, 'ports').find((it) => (stringAt(it, 'name') ?? '') === portName);
  const number = numberAt(port, 'port');
  if (number === undefined) return [];
  return listAt(slice, 'endpoints')
    .filter((it) => objectAt(it, 'conditions').ready !== false)
    .flatMap((it) => listAt(it, 'addresses'))
    .flatMap((host) => (typeof host === 'string' && isIP(host) !== 0 ? [{ host, port: number }] : []));
}
