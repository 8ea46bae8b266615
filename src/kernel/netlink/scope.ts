// Scopes of addresses and routes: `rt_scope_t` (rtnetlink.h).

import type { Scope } from '#net';

const numbers: Readonly<Record<Scope, number>> = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 };
const names = new Map(Object.entries(numbers).map(([name, number]) => [number, name as Scope]));

export function scopeNumber(scope: Scope): number {
  return numbers[scope];
}

/** Numbers between the named ones are for users. They are not used in practice, and are read as global. */
export function scopeName(number: number): Scope {
  return names.get(number) ?? 'global';
}
