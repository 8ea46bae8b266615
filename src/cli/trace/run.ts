// One trace: from the words of the command line to its output as text or JSON.

import { OrbError } from '#base';
import { type Address, type Family, formatAddress, sameAddress, tryParseAddress } from '#ip';
import { type Place, placeText } from '#plan/service';
import {
  type Protocol,
  serviceFronts,
  type Trace,
  trace,
  traceText,
  type Walk,
  type World,
} from '#plan/trace';
import type { Paint } from '#program';
import { withAssumed } from './assumed.ts';
import { commonFamily, type Destination, podsNamed, portFor, readDestination } from './destination.ts';
import { askCluster, type ClusterFacts, ofFamily } from './facts.ts';
import { type OpenNamespace, seeWorld } from './gather.ts';
import { namesOf } from './names.ts';
import type { Site } from './site.ts';
import { backendsOfCall } from './socket-call.ts';
import { readSource } from './source.ts';

/** The options of `orbctl trace`. */
export interface TraceFlags {
  readonly protocol: Protocol;
  readonly port?: number;
  readonly family?: Family;
  /** The endpoint to use, for a Service that has several. */
  readonly endpoint?: string;
  /** The namespace in which names of pods and Services are looked up if they have none. Absent means all namespaces. */
  readonly namespace?: string;
  readonly json: boolean;
}

export interface TraceAnswer {
  readonly text: string;
  /** 0 if the connection works, 1 if it does not, 3 if the packet arrives but nobody listens. */
  readonly exitCode: 0 | 1 | 3;
}

/** The namespaces of a site as they are now. */
export async function lookAround(site: Site, open: OpenNamespace): Promise<World> {
  return seeWorld(site, await askCluster(site.client), open);
}

/** `from` is a pod or one of its addresses. In a lab it is also a node, `router`, `client` or `branch`, or an address of one of these. */
export async function runTrace(
  site: Site,
  open: OpenNamespace,
  asked: { readonly from: string; readonly to: string; readonly flags: TraceFlags; readonly paint: Paint },
): Promise<TraceAnswer> {
  const { from, to, flags, paint } = asked;
  const facts = await askCluster(site.client);
  const seen = seeWorld(site, facts, open);
  const start = readSource(from, seen, facts, flags.namespace);
  const destination = readDestination(to, facts, seen.places, flags.namespace);
  const family = commonFamily(start, destination, flags.family);
  const address = ofFamily(destination.addresses, family);
  if (address === undefined) throw new OrbError('INTERNAL', { message: 'the common family has no address' });
  const port = portFor(flags.protocol, flags.port, destination);
  const endpoint =
    flags.endpoint === undefined
      ? undefined
      : endpointOf(flags.endpoint, facts, { family, address, port }, flags.namespace);
  const call = { from: start.name, address, port, protocol: flags.protocol };
  const backends = await backendsOfCall(site.askServices, facts, call);
  const head: Head = {
    from: start.bound === undefined ? start.name : `${start.name} (${formatAddress(start.bound)})`,
    to: destination.text,
    address: formatAddress(address),
    protocol: flags.protocol,
    port,
    ...(backends !== undefined && { backends: backends.map(placeText) }),
  };
  if (backends?.length === 0) return refusal(head, flags.json);
  const backend = backends && backendOf(backends, endpoint);
  const addresses = [...destination.addresses, ...(backend === undefined ? [] : [backend.address])];
  const found = trace(completed(seen, site, facts, { ...destination, addresses }), {
    ...{ from: start.name, protocol: flags.protocol },
    ...{ destination: backend?.address ?? address, port: backend?.port ?? port },
    ...(endpoint !== undefined && backend === undefined && { endpoints: [endpoint] }),
    ...(start.bound !== undefined && { source: start.bound }),
  });
  const text = flags.json
    ? JSON.stringify(jsonOf(head, found), undefined, 2)
    : `${headText(head)}\n\n${traceText(found, (verdict) => paint(found.works ? 'good' : 'bad', verdict))}`;
  return { text, exitCode: exitCodeOf(found) };
}

/** Throws INPUT_INVALID for an endpoint that new sockets do not get. */
function backendOf(backends: readonly Place[], endpoint: Address | undefined): Place | undefined {
  const found =
    endpoint === undefined ? backends[0] : backends.find((each) => sameAddress(each.address, endpoint));
  if (found !== undefined || endpoint === undefined) return found;
  const message = `--endpoint ${formatAddress(endpoint)}: socket calls give new sockets only ${backends.map(placeText).join(', ')}`;
  throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}

function exitCodeOf({ works, nobodyListens }: Trace): TraceAnswer['exitCode'] {
  if (works) return 0;
  return nobodyListens === true ? 3 : 1;
}

/** If only one node is visible, the other places are added in their usual form. */
function completed(
  seen: World,
  { node }: Site,
  facts: ClusterFacts,
  { addresses, port }: Destination,
): World {
  if (node === undefined) return seen;
  const fronts = serviceFronts(facts.services, facts.slices).filter(
    ({ clusterIp, nodePort }) =>
      nodePort === port || addresses.some((address) => sameAddress(address, clusterIp)),
  );
  const endpoints = fronts.flatMap((front) => front.endpoints.map(({ address }) => address));
  return withAssumed(seen, node, facts, [...addresses, ...endpoints]);
}

interface Head {
  readonly from: string;
  readonly to: string;
  readonly address: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** Where socket calls resolve the Service: the places of which a socket gets one. */
  readonly backends?: readonly string[];
}

function headText({ from, to, address, protocol, port, backends }: Head): string {
  const target = to === address ? address : `${to} (${address})`;
  const line = `${from} → ${target}, ${protocol}${port === 0 ? '' : ` ${port}`}`;
  if (backends === undefined || backends.length === 0) return line;
  const one = backends.length === 1 ? 'the one backend' : `one of ${backends.length} backends`;
  return `${line}\nresolved in the socket call: packets go to ${one}, ${backends.join(', ')}`;
}

/** A Service without a backend. No packet is sent. */
function refusal(head: Head, isJson: boolean): TraceAnswer {
  const failure = 'refused in the socket call, because no endpoint of the Service is ready';
  const text = isJson
    ? JSON.stringify({ ...head, works: false, failure }, undefined, 2)
    : `${headText(head)}\n\n${failure}`;
  return { text, exitCode: 1 };
}

/** An address, or the pod that has it. An endpoint that the Service does not have would be ignored silently, so it is an error. */
export function endpointOf(
  input: string,
  facts: ClusterFacts,
  { family, address, port }: { readonly family: Family; readonly address: Address; readonly port: number },
  namespace?: string,
): Address {
  const [pod] = namesOf('pod', input).flatMap((name) => podsNamed(name, facts, namespace));
  const asked = pod === undefined ? tryParseAddress(input) : ofFamily(pod.destination.addresses, family);
  const ends = serviceFronts(facts.services, facts.slices)
    .filter(
      (front) =>
        front.clusterIp.family === family &&
        (sameAddress(front.clusterIp, address) ? front.port === port : front.nodePort === port),
    )
    .flatMap((front) => front.endpoints.map((end) => end.address));
  const found = ends.find((end) => asked !== undefined && sameAddress(end, asked));
  if (found !== undefined) return found;
  const known =
    [...new Set(ends.map(formatAddress))].join(', ') || 'none, because the destination is not a Service';
  throw new OrbError('INPUT_INVALID', {
    message: `--endpoint ${JSON.stringify(input)}: allowed are ${known}`,
  });
}

function jsonOf(
  head: Head,
  { works, nobodyListens, failure, seenSource, request, reply, next }: Trace,
): object {
  return {
    ...head,
    works,
    ...(nobodyListens !== undefined && { nobodyListens }),
    ...(failure !== undefined && { failure }),
    ...(seenSource !== undefined && { seenSource: formatAddress(seenSource) }),
    request: walkJson(request),
    ...(reply !== undefined && { reply: walkJson(reply) }),
    ...(next !== undefined && { next: walkJson(next) }),
  };
}

function walkJson({ outcome, hops, reason }: Walk): object {
  return {
    outcome,
    ...(reason !== undefined && { reason }),
    hops: hops.map(({ place, inputDev, outputDev, steps }) => ({
      place: place.name,
      kind: place.kind,
      node: place.node,
      assumed: place.assumed,
      in: inputDev,
      out: outputDev,
      steps,
    })),
  };
}
