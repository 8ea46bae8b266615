// Where a trace begins: a pod, or in a lab also a node or machine, given by its name or one of its addresses.

import { OrbError } from '#base';
import { type Address, formatAddress, sameAddress, tryParseAddress } from '#ip';
import type { Place, World } from '#plan/trace';
import { type Destination, type Named, only } from './destination.ts';
import { type ClusterFacts, podAddresses, podName } from './facts.ts';
import { isNamed, namesOf, readings } from './names.ts';

/** The place, with its addresses. */
export interface Source extends Named {
  /** The address that the sender's socket is bound to, if one was named. */
  readonly bound?: Address;
}

/** Throws TRACE_UNKNOWN if nothing or several things match, TRACE_OUT_OF_SIGHT if the source cannot be entered from here. */
export function readSource(input: string, world: World, facts: ClusterFacts, namespace?: string): Source {
  const address = tryParseAddress(input);
  return address === undefined
    ? namedSource(input, world, facts, namespace)
    : boundSource(address, world, facts);
}

function namedSource(input: string, { places }: World, facts: ClusterFacts, namespace?: string): Source {
  const pods = facts.pods.filter((pod) =>
    namesOf('pod', input).some((name) => isNamed(pod, name, namespace)),
  );
  const isKnown = ({ kind, name }: Place) =>
    readings(input).some(
      (reading) =>
        reading.name === name && (kind === 'node' ? reading.kind !== 'pod' : reading.kind === undefined),
    );
  const others = places.filter((place) => place.kind !== 'pod' && isKnown(place));
  const all = [...facts.pods.map(podName), ...places.map(({ name }) => name)];
  const found = only(
    input,
    [...pods.map((pod) => named(podName(pod))), ...others.map(placeNamed)],
    'source',
    all,
  );
  return placeNamed(inSight(found.name, places, facts));
}

function boundSource(address: Address, { places }: World, facts: ClusterFacts): Source {
  const place = places.find(({ view }) =>
    view.addresses.some((own) => sameAddress(own.address.address, address)),
  );
  const text = formatAddress(address);
  if (place !== undefined) {
    return { name: place.name, destination: { text: place.name, addresses: [address] }, bound: address };
  }
  const pod = facts.pods.find((each) => podAddresses(each).some((own) => sameAddress(own, address)));
  if (pod !== undefined) inSight(podName(pod), places, facts);
  const message = `source ${text}: no pod, node or machine that this command can enter has this address`;
  throw new OrbError('TRACE_UNKNOWN', { message });
}

function inSight(name: string, places: readonly Place[], facts: ClusterFacts): Place {
  const place = places.find((each) => each.name === name);
  if (place !== undefined) return place;
  const node = facts.pods.find((pod) => podName(pod) === name)?.spec?.nodeName;
  const where = node === undefined ? 'it has no node yet' : `it is on ${node}`;
  throw new OrbError('TRACE_OUT_OF_SIGHT', { message: `${name} cannot be entered from here: ${where}` });
}

const noAddress: Destination = { text: '', addresses: [] };

function named(name: string): Named {
  return { name, destination: noAddress };
}

function placeNamed({ name, view }: Place): Named {
  const own = view.addresses.filter(({ scope }) => scope === 'global').map(({ address }) => address.address);
  return { name, destination: { text: name, addresses: own } };
}
