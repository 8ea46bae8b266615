// One trace from the words of the command line to its text or JSON.

import { OrbError } from '#base';
import { type Address, type Family, formatAddress, sameAddress, tryParseAddress } from '#ip';
import {
  type Place,
  type Protocol,
  serviceFronts,
  type Trace,
  trace,
  traceText,
  type Way,
  type World,
} from '#plan/trace';
import type { Paint } from '#program';
import { withAssumed } from './assumed.ts';
import {
  commonFamily,
  type Destination,
  isNamed,
  type Named,
  only,
  portFor,
  readDestination,
} from './destination.ts';
import { askCluster, type ClusterFacts, ofFamily, podAddresses, podName } from './facts.ts';
import { type OpenNamespace, seeWorld } from './gather.ts';
import type { Site } from './site.ts';

/** What `orbctl trace` was asked for. */
export interface TraceFlags {
  readonly protocol: Protocol;
  readonly port?: number;
  readonly family?: Family;
  /** An endpoint of a Service that has several. */
  readonly endpoint?: string;
  /** Where names of pods and Services without one are looked up; everywhere without it. */
  readonly namespace?: string;
  readonly json: boolean;
}

export interface TraceAnswer {
  readonly text: string;
  /** 0 it works, 1 it does not. */
  readonly exitCode: 0 | 1;
}

/** `from` is a pod, in a lab also a node, `router` or `client`. */
export async function runTrace(
  site: Site,
  open: OpenNamespace,
  asked: { readonly from: string; readonly to: string; readonly flags: TraceFlags; readonly paint: Paint },
): Promise<TraceAnswer> {
  const { from, to, flags, paint } = asked;
  const facts = await askCluster(site.client);
  const seen = seeWorld(site, facts, open);
  const start = startOf(from, seen, facts);
  const destination = readDestination(to, facts, seen.places);
  const world = completed(seen, site, facts, destination);
  const family = commonFamily(start, destination, flags.family);
  const address = ofFamily(destination.addresses, family);
  if (address === undefined) throw new OrbError('INTERNAL', { message: 'the common family has no address' });
  const port = portFor(flags.protocol, flags.port, destination);
  const found = trace(world, {
    ...{ from: start.name, destination: address, protocol: flags.protocol, port },
    ...(flags.endpoint !== undefined && {
      endpoints: [endpointOf(flags.endpoint, facts, { family, address, port })],
    }),
  });
  const head = {
    from: start.name,
    to: destination.text,
    address: formatAddress(address),
    protocol: flags.protocol,
    port,
  };
  const text = flags.json
    ? JSON.stringify(jsonOf(head, found), undefined, 2)
    : `${headText(head)}\n\n${traceText(found, (verdict) => paint(found.works ? 'good' : 'bad', verdict))}`;
  return { text, exitCode: found.works ? 0 : 1 };
}

/** Where only one node can be looked into, the rest is drawn as it usually is. */
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
}

function headText({ from, to, address, protocol, port }: Head): string {
  const target = to === address ? address : `${to} (${address})`;
  return `${from} → ${target}, ${protocol}${port === 0 ? '' : ` ${port}`}`;
}

/** The place where it begins, with its addresses. */
function startOf(input: string, { places }: World, facts: ClusterFacts): Named {
  const pods = facts.pods.filter((pod) => isNamed(pod, input));
  const known = places.filter(({ name, kind }) => kind !== 'pod' && name === input).map(placeNamed);
  const found = only(
    input,
    [...pods.map((pod) => ({ name: podName(pod), destination: noAddress })), ...known],
    'source',
  );
  const place = places.find(({ name }) => name === found.name);
  if (place === undefined) {
    const node = pods[0]?.spec?.nodeName;
    const where = node === undefined ? 'it has no node yet' : `it is on ${node}`;
    throw new OrbError('TRACE_OUT_OF_SIGHT', {
      message: `${found.name} cannot be looked into from here: ${where}`,
    });
  }
  return placeNamed(place);
}

const noAddress: Destination = { text: '', addresses: [] };

function placeNamed({ name, view }: Place): Named {
  const own = view.addresses.filter(({ scope }) => scope === 'global').map(({ address }) => address.address);
  return { name, destination: { text: name, addresses: own } };
}

/** An address, or the pod that has it; one that the Service does not lead to would be passed over without a word. */
export function endpointOf(
  input: string,
  facts: ClusterFacts,
  { family, address, port }: { readonly family: Family; readonly address: Address; readonly port: number },
): Address {
  const pod = facts.pods.find((each) => isNamed(each, input));
  const asked = pod === undefined ? tryParseAddress(input) : ofFamily(podAddresses(pod), family);
  const ends = serviceFronts(facts.services, facts.slices)
    .filter(
      (front) =>
        front.clusterIp.family === family &&
        (sameAddress(front.clusterIp, address) ? front.port === port : front.nodePort === port),
    )
    .flatMap((front) => front.endpoints.map((end) => end.address));
  const found = ends.find((end) => asked !== undefined && sameAddress(end, asked));
  if (found !== undefined) return found;
  const known = [...new Set(ends.map(formatAddress))].join(', ') || 'none, for no Service is asked';
  throw new OrbError('INPUT_INVALID', {
    message: `--endpoint ${JSON.stringify(input)}: allowed are ${known}`,
  });
}

function jsonOf(head: Head, { works, failure, seenSource, request, reply, next }: Trace): object {
  return {
    ...head,
    works,
    ...(failure !== undefined && { failure }),
    ...(seenSource !== undefined && { seenSource: formatAddress(seenSource) }),
    request: wayJson(request),
    ...(reply !== undefined && { reply: wayJson(reply) }),
    ...(next !== undefined && { next: wayJson(next) }),
  };
}

function wayJson({ outcome, hops, reason }: Way): object {
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
