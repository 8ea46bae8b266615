// The names of automatic pools.

import type { Family } from '#ip';
import type { Application } from './application.ts';

/** The longest name of an object (RFC 1123 subdomain). */
const LONGEST = 253;

/** The longest value of a label. */
const LONGEST_LABEL = 63;

/**
 * `auto-test-app-v4-eth0-b1a361c7e9df`: the application, the family, the NIC and the end of the application's UID. It
 * follows from them alone, so that all who make the pool at one time choose one name. If the name is taken by a pool
 * for something else, as by the pool of another subnet that pods still use, the next one ends in `-2`.
 */
export function poolName(
  { name, uid }: Pick<Application, 'name' | 'uid'>,
  nic: string,
  family: Family,
  taken: (name: string) => boolean,
): string {
  const end = `-v${family}-${inLabel(nic)}-${inLabel(uid.split('-').at(-1) ?? '')}`;
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? end : `${end}-${number}`;
    const start = `auto-${name}`.slice(0, LONGEST - suffix.length).replace(/[.-]+$/, '');
    if (!taken(start + suffix)) return start + suffix;
  }
}

/** Names of NICs may have characters that names of objects must not have. */
function inLabel(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-');
}

/**
 * The name as the value of a label. A name that is no such value is changed, with a number of the whole name behind it.
 * Names of workloads may be four times as long as labels, and those of NICs have more characters.
 */
export function labelValue(name: string): string {
  if (name.length <= LONGEST_LABEL && /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(name)) return name;
  const hash = fnv1a(name).toString(16).padStart(16, '0');
  const start = name.replaceAll(/[^-A-Za-z0-9_.]/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return `${start.slice(0, LONGEST_LABEL - hash.length - 1)}-${hash}`.replace(/^-/, '');
}

/** FNV-1a with 64 bits. It tells long names apart. Nobody's safety rests on it. */
function fnv1a(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash;
}
