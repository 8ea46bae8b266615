// `status.allocatedIPs` of a pool: JSON text that maps each address to its holder.

import { checkJson, type PoolAllocation, poolAllocationsSchema } from '#api';
import { OrbError } from '#base';
import { type Family, formatAddress, tryParseAddress } from '#ip';

/** The records by canonical address. An unreadable record is an error, because a pod may use its address. */
export function parseRecords(pool: string, family: Family, text: string): Map<string, PoolAllocation> {
  const subject = `SpiderIPPool ${pool} status.allocatedIPs`;
  const records = new Map<string, PoolAllocation>();
  if (text === '') return records;
  const refuse = (message: string): never => {
    throw new OrbError('IPPOOL_STATUS_INVALID', { message: `${subject}: ${message}`, subject });
  };
  const parsed = checkJson(poolAllocationsSchema, text, { subject, code: 'IPPOOL_STATUS_INVALID' });
  for (const [key, record] of Object.entries(parsed)) {
    const address = tryParseAddress(key);
    if (address?.family !== family)
      return refuse(`'${key}' is not an IPv${family} address, but the pool has IPv${family} addresses`);
    const canonical = formatAddress(address);
    if (records.has(canonical)) refuse(`'${canonical}' is recorded twice`);
    records.set(canonical, record);
  }
  return records;
}

/** The length of `"key":{…},` in the text. */
export function recordBytes(key: string, record: PoolAllocation): number {
  return key.length + JSON.stringify(record).length + 4;
}
