// Addresses in quarantine, as each agent writes them on its Node, and what the controller says of them on pools and subnets.

import { z } from 'zod';
import { checkJson, type Node } from '#api';
import { isOrbError } from '#base';
import { type Address, type AddressSet, formatAddress, tryParseAddress } from '#ip';

/** The annotation of a Node. */
export const QUARANTINE_ANNOTATION = 'orbweaver.io/quarantine';

/** The type of the condition. `True`: other machines use addresses of the pool. */
export const QUARANTINED_CONDITION = 'Quarantined';

/** An annotation and a condition stay short. The newest of an agent count. */
const MOST_TOLD = 32;
const MOST_SHOWN = 5;

/** An address that another machine uses. */
export interface Quarantined {
  readonly address: Address;
  /** The MAC address of the other machine. */
  readonly mac: string;
  /** Milliseconds since 1970, by the clock of the node. */
  readonly untilMs: number;
}

/** One that an agent has told. */
export interface ToldQuarantine extends Quarantined {
  readonly node: string;
}

const schema = z.record(
  z.string(),
  z.object({ mac: z.string().regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/), until: z.iso.datetime() }),
);

/** The annotation. Undefined if nothing is in quarantine. */
export function quarantineText(entries: Iterable<Quarantined>): string | undefined {
  const newest = [...entries].toSorted((a, b) => b.untilMs - a.untilMs).slice(0, MOST_TOLD);
  if (newest.length === 0) return undefined;
  const told = newest.map(({ address, mac, untilMs }) => [
    formatAddress(address),
    { mac, until: new Date(untilMs).toISOString() },
  ]);
  return JSON.stringify(Object.fromEntries(told));
}

/** What the agents tell at this time. An annotation that makes no sense tells nothing: anybody may write on a Node. */
export function quarantinesOf(nodes: Iterable<Node>, nowMs: number): ToldQuarantine[] {
  return Array.from(nodes).flatMap(({ metadata: { name = '', annotations } }) => {
    const text = annotations?.[QUARANTINE_ANNOTATION];
    return text === undefined
      ? []
      : read(text).flatMap((one) => (one.untilMs > nowMs ? [{ ...one, node: name }] : []));
  });
}

function read(text: string): Quarantined[] {
  try {
    const told = checkJson(schema, text, { subject: `annotation ${QUARANTINE_ANNOTATION}` });
    return Object.entries(told)
      .slice(0, MOST_TOLD)
      .flatMap(([key, { mac, until }]) => {
        const address = tryParseAddress(key);
        return address === undefined ? [] : [{ address, mac, untilMs: Date.parse(until) }];
      });
  } catch (error) {
    if (isOrbError(error, 'INPUT_INVALID')) return [];
    throw error;
  }
}

/** A sentence if addresses of the set are in quarantine. */
export function quarantineNote(addresses: AddressSet, told: readonly ToldQuarantine[]): string | undefined {
  const own = told
    .filter(({ address }) => addresses.contains(address))
    .map(({ address, mac, node }) => `${formatAddress(address)} by ${mac} (seen from node ${node})`);
  const sorted = [...new Set(own)].toSorted();
  if (sorted.length === 0) return undefined;
  const more = sorted.length > MOST_SHOWN ? ` and ${sorted.length - MOST_SHOWN} more` : '';
  return `other machines use ${sorted.slice(0, MOST_SHOWN).join(', ')}${more}`;
}
