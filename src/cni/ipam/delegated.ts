// The plugin of the IPAM type that a configuration names, for a main plugin of ours: it is called in this process.

import { ipamType, type NetConf } from '#api';
import { OrbError } from '#base';
import type { AttachmentRecord } from '#node';
import { type IpamParts, IpamPlugin } from './ipam-plugin.ts';
import { sourceOf } from './ipam-record.ts';

/** Throws INPUT_INVALID if this agent does not serve the type. */
export function requireIpam({ ipam }: NetConf, parts: IpamParts): string {
  const type = ipamType(ipam);
  if (type !== undefined && parts.sources.has(type)) return type;
  const served = [...parts.sources.keys()].join(', ');
  throw new OrbError('INPUT_INVALID', {
    message: `network configuration: ipam.type: ${JSON.stringify(type) ?? 'nothing'} is not one of ${served}`,
    subject: 'ipam.type',
  });
}

/**
 * For DEL: by what is recorded, because the configuration may have changed since. Undefined if there is nothing that
 * this agent could release.
 */
export function releasingIpam(
  conf: NetConf,
  record: AttachmentRecord | undefined,
  parts: IpamParts,
): IpamPlugin | undefined {
  const type = (record && sourceOf(record)) ?? ipamType(conf.ipam);
  if (type === undefined || !(parts.sources.has(type) || record?.ipam !== undefined)) return undefined;
  return new IpamPlugin(type, parts);
}
