// Counts of addresses. A network of IPv6 has more of them than a number of JSON can tell.

/** For JSON: exact up to 2^53−1, which also stands for more, as in the status of pools. */
export function jsonCount(count: bigint): number {
  return count > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(count);
}

/** The part of the whole in percent, with one decimal. Undefined if the whole is nothing. */
export function percentOf(part: number, whole: bigint): number | undefined {
  return whole === 0n ? undefined : Math.round((part * 1000) / Number(whole)) / 10;
}

/** `3 addresses`, `1 address`. */
export function counted(count: number | bigint, one: string, many = `${one}s`): string {
  return `${count} ${BigInt(count) === 1n ? one : many}`;
}
