// Reads the destination of a trace: an address, the name of a pod, Service, node or machine, or a port of a node.

import type { Pod, Service } from '#api';
import { didYouMeanName, OrbError } from '#base';
import { type Address, type Family, formatAddress, parseAddress, tryParseAddress } from '#ip';
import type { Place, Protocol } from '#plan/trace';
import { type ClusterFacts, nodeAddresses, ofFamily, podAddresses, podName } from './facts.ts';
import { isNamed, namesOf, readings } from './names.ts';

/** The destination, with the port that the user named. */
export interface Destination {
  /** The text for the first line of the output. */
  readonly text: string;
  readonly addresses: readonly Address[];
  readonly port?: number;
}

/** The name of the place, and its other spellings. */
export interface Named {
  readonly name: string;
  readonly destination: Destination;
}

const NODE_PORT = /^nodeport:(.+):(\d+)$/;
/** IPv6 in brackets, as in URLs (RFC 3986). */
const ADDRESS_AND_PORT = /^(?:\[(.+)\]|([^:]+)):(\d+)$/;

/** Throws TRACE_UNKNOWN for a name that matches nothing or several things. */
export function readDestination(
  input: string,
  facts: ClusterFacts,
  machines: readonly Place[],
  namespace?: string,
): Destination {
  const address = tryParseAddress(input);
  if (address !== undefined) return { text: formatAddress(address), addresses: [address] };
  const [, bracketed, plain = bracketed ?? '', given] = ADDRESS_AND_PORT.exec(input) ?? [];
  const withPort = tryParseAddress(plain);
  if (withPort !== undefined) {
    return { text: formatAddress(withPort), addresses: [withPort], ...port(Number(given)) };
  }
  const nodePort = NODE_PORT.exec(input);
  if (nodePort !== null) return nodePortOf(nodePort[1] ?? '', Number(nodePort[2]), facts);
  const found = [
    ...namesOf('pod', input).flatMap((name) => podsNamed(name, facts, namespace)),
    ...namesOf('service', input).flatMap((name) => servicesNamed(name, facts, namespace)),
    ...namesOf('node', input).flatMap((name) => nodesNamed(name, facts)),
    ...machinesNamed(input, machines),
  ];
  return only(input, found, 'destination', knownNames(facts, machines)).destination;
}

function knownNames({ pods, services, nodes }: ClusterFacts, machines: readonly Place[]): string[] {
  const objects = [...pods, ...services].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  return [
    ...objects,
    ...nodes.map(({ metadata }) => metadata.name ?? ''),
    ...machines.map(({ name }) => name),
  ];
}

/**
 * The one that has the name. If none has it, the error suggests similar names from `known`: all names, those of pods with their namespaces.
 */
export function only<T extends Named>(
  input: string,
  found: readonly T[],
  what: 'source' | 'destination',
  known: readonly string[],
): T {
  const [one, ...others] = new Map(found.map((each) => [each.name, each])).values();
  if (one !== undefined && others.length === 0) return one;
  const meant = readings(input).map(({ name }) => meantBy(name, known));
  const kinds = what === 'source' ? 'pod, node or machine' : 'pod, Service, node or machine';
  const message =
    one === undefined
      ? `${what} ${JSON.stringify(input)}: no ${kinds} has that name${meant.find((each) => each !== '') ?? ''}`
      : `${what} ${JSON.stringify(input)} is ambiguous: ${found.map(({ name }) => name).join(', ')}`;
  throw new OrbError('TRACE_UNKNOWN', { message });
}

/** The hint for a name that was not found: how to give the port (`--port`) where `name:port` is not accepted, otherwise a similar name. */
function meantBy(name: string, known: readonly string[]): string {
  const [, before, given] = /^(.+):(\d+)$/.exec(name) ?? [];
  if (known.some((each) => each === before || each.endsWith(`/${before}`)))
    return `; write ${before} --port ${given}`;
  return didYouMeanName(name, known);
}

/** The pods with a name (`name` or `namespace/name`). */
export function podsNamed(input: string, { pods }: ClusterFacts, namespace?: string): Named[] {
  return pods
    .filter((pod) => isNamed(pod, input, namespace))
    .map((pod) => ({
      name: `pod:${podName(pod)}`,
      destination: { text: podName(pod), addresses: podAddresses(pod), ...port(firstPort(pod)) },
    }));
}

/** `name` or `name:port`, each with or without a namespace. */
function servicesNamed(input: string, { services }: ClusterFacts, namespace?: string): Named[] {
  const [, name = input, wanted] = /^(.+):(\d+)$/.exec(input) ?? [];
  return services
    .filter((service) => isNamed(service, name, namespace))
    .map((service) => {
      const text = `Service ${service.metadata.namespace}/${service.metadata.name}`;
      requirePort(service, wanted, input);
      const clusterIps = (service.spec?.clusterIPs ?? []).filter((each) => each !== 'None' && each !== '');
      const first = wanted === undefined ? service.spec?.ports?.[0]?.port : Number(wanted);
      return {
        name: `service:${service.metadata.namespace}/${service.metadata.name}`,
        destination: { text, addresses: clusterIps.map(parseAddress), ...port(first) },
      };
    });
}

function requirePort({ spec }: Service, wanted: string | undefined, input: string): void {
  const ports = (spec?.ports ?? []).map((each) => each.port);
  if (wanted === undefined || ports.includes(Number(wanted))) return;
  throw new OrbError('TRACE_UNKNOWN', {
    message: `destination ${input}: the Service has no port ${wanted}, it has ${ports.join(', ') || 'none'}`,
  });
}

function nodesNamed(input: string, { nodes }: ClusterFacts): Named[] {
  return nodes
    .filter(({ metadata }) => metadata.name === input)
    .map((node) => ({
      name: `node:${input}`,
      destination: { text: `node ${input}`, addresses: nodeAddresses(node) },
    }));
}

function machinesNamed(input: string, machines: readonly Place[]): Named[] {
  return machines
    .filter(({ name, kind }) => kind === 'machine' && name === input)
    .map(({ name, view }) => ({
      name,
      destination: {
        text: name,
        addresses: view.addresses
          .filter(({ scope }) => scope === 'global')
          .map(({ address }) => address.address),
      },
    }));
}

function nodePortOf(at: string, nodePort: number, facts: ClusterFacts): Destination {
  const address = tryParseAddress(at);
  const addresses =
    address === undefined
      ? nodesNamed(at, facts).flatMap(({ destination }) => destination.addresses)
      : [address];
  if (addresses.length === 0) {
    throw new OrbError('TRACE_UNKNOWN', {
      message: `nodeport:${at}:${nodePort}: there is no node ${JSON.stringify(at)}`,
    });
  }
  const service = facts.services.find(({ spec }) => spec?.ports?.some((each) => each.nodePort === nodePort));
  if (service === undefined) {
    throw new OrbError('TRACE_UNKNOWN', {
      message: `nodeport:${at}:${nodePort}: no Service has the node port ${nodePort}`,
    });
  }
  const text = `NodePort ${nodePort} of Service ${service.metadata.namespace}/${service.metadata.name} at ${at}`;
  return { text, addresses, port: nodePort };
}

function firstPort({ spec }: Pod): number | undefined {
  return spec?.containers?.flatMap(({ ports = [] }) => ports)[0]?.containerPort;
}

function port(number: number | undefined): { port?: number } {
  return number === undefined ? {} : { port: number };
}

/** The family that both ends have, IPv4 first, or the family that the user asked for. */
export function commonFamily(
  source: Named,
  { text, addresses }: Destination,
  wanted: Family | undefined,
): Family {
  const families = wanted === undefined ? ([4, 6] as const) : [wanted];
  const has = (own: readonly Address[], family: Family) => ofFamily(own, family) !== undefined;
  const common = families.find(
    (family) => has(source.destination.addresses, family) && has(addresses, family),
  );
  if (common !== undefined) return common;
  const asked = wanted === undefined ? 'address family' : `IPv${wanted}`;
  throw new OrbError('TRACE_NO_FAMILY', {
    message: `${source.name} (${familiesOf(source.destination.addresses)}) and ${text} (${familiesOf(addresses)}) have no ${asked} in common`,
  });
}

function familiesOf(addresses: readonly Address[]): string {
  const families = [...new Set(addresses.map(({ family }) => `IPv${family}`))].sort();
  return families.length === 0 ? 'no address' : families.join(' and ');
}

/** TCP and UDP need a port; ICMP has none. */
export function portFor(
  protocol: Protocol,
  flag: number | undefined,
  { text, port: own }: Destination,
): number {
  if (protocol === 'icmp') return 0;
  const found = flag ?? own;
  if (found !== undefined) return found;
  throw new OrbError('INPUT_INVALID', {
    message: `--port (1 to 65535) or --protocol icmp is required: ${text} has no port`,
  });
}
