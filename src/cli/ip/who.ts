// The work of `orbctl ip who`: what the pools record of an address, and what the pod of the record says.

import { resources } from '#api';
import { type Clock, isOrbError, OrbError, timeText } from '#base';
import { type Address, formatAddress, tryParseAddress } from '#ip';
import {
  quarantinesOf,
  type ToldQuarantine,
  type UnreadablePool,
  type UnreadableReserved,
  type Whereabouts,
  whereaboutsOf,
} from '#plan/ipam';
import { refOfPod } from '#reclaim';
import type { WhoFlags } from '../ip.ts';
import { linesText, oneLine } from '../one-line.ts';
import type { PartialReader } from '../partial-reader.ts';
import { readableReserved } from '../reserved.ts';

/** What is there under the name of the holder. `otherUid`: a newer pod of the same name. `unread`: the user may not see it. */
type PodState = 'present' | 'otherUid' | 'gone' | 'unread';

interface Place extends Whereabouts {
  readonly podState: PodState | undefined;
  readonly node: string | undefined;
}

/** What all pools say of one address. */
export interface Places {
  readonly places: readonly Place[];
  /** Other machines that use the address, as agents saw them. */
  readonly rivals: readonly ToldQuarantine[];
  readonly unreadable: readonly UnreadablePool[];
  readonly unreadableReserved: readonly UnreadableReserved[];
}

/** Throws INPUT_INVALID if the text is no address, and what the API server answers if pools cannot be read. */
export async function runWho(
  reader: PartialReader,
  clock: Clock,
  text: string,
  { output }: WhoFlags,
): Promise<string> {
  const address = addressOf(text);
  const found = await placesOf(reader, clock, address);
  const canonical = formatAddress(address);
  const { missing } = reader;
  if (output === 'json') {
    const { places, rivals, ...unreadable } = found;
    const told = { pools: places.map(placeJson), rivals: rivals.map(rivalJson) };
    const answer = { address: canonical, ...told, ...unreadable, incomplete: missing };
    return JSON.stringify(answer, undefined, 2);
  }
  const notes = missing.map((sentence) => oneLine(`not complete: ${sentence}`));
  return [placeText(canonical, found), ...notes].join('\n');
}

/** Throws INPUT_INVALID. */
export function addressOf(text: string): Address {
  const parsed = tryParseAddress(text);
  if (parsed !== undefined) return parsed;
  const message = `ADDRESS ${JSON.stringify(text)}: allowed is an IPv4 or IPv6 address without prefix length and zone`;
  throw new OrbError('INPUT_INVALID', { message });
}

export async function placesOf(reader: PartialReader, clock: Clock, address: Address): Promise<Places> {
  const { items } = await reader.client.list(resources.spiderIPPools, {});
  const { reserved, unreadable: unreadableReserved } = await readableReserved(reader);
  const so = 'an address in quarantine may count as free, because Nodes cannot be read';
  const quarantines = quarantinesOf((await reader.list(resources.nodes, so)) ?? [], clock.now());
  const canonical = formatAddress(address);
  const rivals = quarantines.filter((one) => formatAddress(one.address) === canonical);
  const { found, unreadable } = whereaboutsOf(address, items, reserved, rivals.length > 0);
  const places = await Promise.all(found.map((one) => withPod(reader, one)));
  return { places, rivals, unreadable, unreadableReserved };
}

export function rivalJson({ mac, node, untilMs }: ToldQuarantine) {
  return { mac, node, until: timeText(untilMs) };
}

export function placeJson({ pool, subnet, state, holder, podState, node, closed }: Place) {
  return {
    ...{ pool, subnet, state, closed: closed ?? null, pod: holder?.pod ?? null },
    ...{ podUid: holder?.podUid ?? null, nic: holder?.nic ?? null },
    ...{ podState: podState ?? null, node: node ?? null },
  };
}

/** A line for each pool, and for each other machine. */
export function placeText(
  address: string,
  { places, rivals, unreadable, unreadableReserved }: Places,
): string {
  return linesText([
    ...(places.length === 0 ? [`${address} is in the subnet of no pool that can be read`] : []),
    ...places.map((place) => `${address} ${sentence(place)}`),
    ...rivals.map(
      ({ mac, node, untilMs }) =>
        `${mac} uses ${address}, seen from node ${node}; in quarantine until ${timeText(untilMs)}`,
    ),
    ...unreadable.map(({ pool, error }) => `pool ${pool} cannot be read: ${error}`),
    ...unreadableReserved.map(({ name, error }) => `SpiderReservedIP ${name} cannot be read: ${error}`),
  ]);
}

async function withPod(reader: PartialReader, one: Whereabouts): Promise<Place> {
  if (one.holder === undefined) return { ...one, podState: undefined, node: undefined };
  const { pod, podUid } = one.holder;
  try {
    const { metadata, spec } = await reader.client.get(resources.pods, refOfPod(pod));
    const podState = metadata.uid === podUid ? 'present' : 'otherUid';
    return { ...one, podState, node: podState === 'present' ? spec?.nodeName : undefined };
  } catch (error) {
    if (isOrbError(error, 'KUBE_NOT_FOUND')) return { ...one, podState: 'gone', node: undefined };
    if (!isOrbError(error, 'KUBE_FORBIDDEN')) throw error;
    reader.note(`pod ${pod} cannot be read: ${error.message}`);
    return { ...one, podState: 'unread', node: undefined };
  }
}

const states: Readonly<Record<Whereabouts['state'], string>> = {
  held: 'is held',
  free: 'is free',
  quarantined: 'is given to no pod, because another machine uses it',
  reserved: 'is reserved by a SpiderReservedIP',
  unready: 'is given to no pod, because the provider of the pool has not made it ready',
  excluded: 'is excluded by spec.excludeIPs',
  unusable: 'can be used by no machine, as the network or broadcast address',
  outside: 'is not in spec.ips',
};

function sentence({ pool, subnet, state, holder, podState, node, closed }: Place): string {
  const place = `pool ${pool} (${subnet})`;
  const note = closed === undefined ? '' : `; ${closed}`;
  if (holder === undefined) return `${states[state]}: ${place}${note}`;
  const where = {
    present: node === undefined ? 'the pod has no node' : `the pod is on node ${node}`,
    otherUid: 'a newer pod has this name now',
    gone: 'the pod is gone',
    unread: 'whether the pod is there is not known',
  };
  const nic = holder.nic === undefined ? '' : `, NIC ${holder.nic}`;
  const pod = `pod ${holder.pod}, UID ${holder.podUid}${nic}`;
  return `is held by ${pod}: ${place}; ${where[podState ?? 'gone']}${note}`;
}
