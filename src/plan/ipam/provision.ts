// Addresses that a provider of an IaaS has made ready. A pool that names a provider gives out no others.

import { z } from 'zod';
import { hardwareAddressIfAny, type SpiderIPPool } from '#api';
import { OrbError } from '#base';
import { type Address, AddressSet, type Family, formatAddress, tryParseAddress } from '#ip';
import type { Mac } from '#net';
import { unicastMac } from './requested-mac.ts';

/** On a SpiderIPPool: who makes its addresses ready. Any text but an empty one is a provider (Spiderpool's #5778). */
export const PROVIDER_ANNOTATION = 'ipam.spidernet.io/iaas-provider';

/** What the provider demands of the interface that has the address. */
export interface ProvidedLink {
  readonly mac?: Mac;
  /** 1 to 4094. */
  readonly vlan?: number;
}

const entrySchema = z.object({
  mac: hardwareAddressIfAny
    .transform((text, context) => {
      const mac = unicastMac(text);
      if (text !== undefined && mac === undefined) context.addIssue('must be a unicast MAC address');
      return mac;
    })
    .optional(),
  /** 0 is none. */
  vlan: z.number().int().min(0).max(4094).optional(),
});

interface Parsed {
  readonly ready: AddressSet;
  readonly links: ReadonlyMap<string, ProvidedLink>;
  readonly problem: string | undefined;
}

export class Provision {
  readonly provider: string;
  readonly text: string;
  readonly #family: Family;
  #parsed: Parsed | undefined;

  constructor(provider: string, text: string, family: Family) {
    this.provider = provider;
    this.text = text;
    this.#family = family;
  }

  /** Empty if the text cannot be read. */
  get ready(): AddressSet {
    return this.#read().ready;
  }

  /** Why addresses are missing. Undefined if all of the text could be read. */
  get problem(): string | undefined {
    return this.#read().problem;
  }

  linkOf(address: Address): ProvidedLink | undefined {
    return this.#read().links.get(formatAddress(address));
  }

  #read(): Parsed {
    this.#parsed ??= parse(this.text, this.#family);
    return this.#parsed;
  }
}

/** Undefined if the pool names no provider. `previous` is not parsed again if its text is the same. */
export function provisionOf(
  { metadata, status }: SpiderIPPool,
  family: Family,
  previous?: Provision,
): Provision | undefined {
  const provider = metadata.annotations?.[PROVIDER_ANNOTATION];
  if (provider === undefined || provider === '') return undefined;
  const text = status?.ipMetaData?.metadata ?? '';
  if (previous?.provider === provider && previous.text === text) return previous;
  return new Provision(provider, text, family);
}

/**
 * The form is a map by address. Newer providers have it in a field `ips`. Other keys, as `parentNic`, are no addresses.
 */
function parse(text: string, family: Family): Parsed {
  if (text === '') return { ready: AddressSet.empty(family), links: new Map(), problem: undefined };
  const entries = entriesOf(text);
  if (typeof entries === 'string')
    return { ready: AddressSet.empty(family), links: new Map(), problem: entries };
  const ready: Address[] = [];
  const links = new Map<string, ProvidedLink>();
  let problem: string | undefined;
  for (const [key, value] of Object.entries(entries)) {
    const address = tryParseAddress(key);
    if (address?.family !== family) continue;
    const entry = entrySchema.safeParse(value);
    if (!entry.success) {
      const issue = entry.error.issues[0];
      problem ??= `status.ipMetaData.metadata: ${key} ${issue?.path.join('.')}: ${issue?.message}`;
      continue;
    }
    ready.push(address);
    const { mac, vlan = 0 } = entry.data;
    const link = { ...(mac !== undefined && { mac }), ...(vlan > 0 && { vlan }) };
    if (Object.keys(link).length > 0) links.set(formatAddress(address), link);
  }
  return { ready: AddressSet.ofAddresses(family, ready), links, problem };
}

/** A text is the reason why there are none. */
function entriesOf(text: string): Readonly<Record<string, unknown>> | string {
  try {
    const all = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
    const inner = z.record(z.string(), z.unknown()).safeParse(all.ips);
    return inner.success ? inner.data : all;
  } catch {
    return 'status.ipMetaData.metadata is not a JSON object';
  }
}

/**
 * What providers demand of one interface: those of the pools of its addresses, and the one that was asked (`bound`). Throws
 * IPPOOL_STATUS_INVALID if two differ.
 */
export function providedLink(
  nic: string,
  addresses: readonly {
    readonly address: Address;
    readonly pool: { readonly name: string; readonly provision: Provision | undefined };
  }[],
  bound: ProvidedLink = {},
): ProvidedLink {
  let link = bound;
  for (const { address, pool } of addresses) {
    const next = pool.provision?.linkOf(address) ?? {};
    const differs = (field: keyof ProvidedLink) =>
      link[field] !== undefined && next[field] !== undefined && link[field] !== next[field];
    if (differs('mac') || differs('vlan')) {
      const message = `interface ${nic} would need two link addresses or VLANs: the provider of IPPool ${pool.name} demands ${JSON.stringify(next)} for ${formatAddress(address)}, and another address of the interface ${JSON.stringify(link)}`;
      throw new OrbError('IPPOOL_STATUS_INVALID', { message, subject: `SpiderIPPool ${pool.name}` });
    }
    link = { ...link, ...next };
  }
  return link;
}
