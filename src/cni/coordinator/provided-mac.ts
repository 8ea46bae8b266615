// The MAC address that a network provider has chosen for a NIC. The network drops what comes from another one, so the
// coordinator does not change it.

import { OrbError } from '#base';
import { type AttachmentRecord, partOf } from '#node';
import type { MergedOptions } from '#plan/network';
import { eniVlanPart } from '../eni-vlan/index.ts';
import type { PluginCall } from '../plugin.ts';

/**
 * The options without the `podMACPrefix` of the cluster, where a provider has chosen. `ofNetwork` is that of the network
 * itself. Throws INPUT_INVALID if there is one: its author can leave it out.
 */
export function keepProvidedMac(
  options: MergedOptions,
  record: AttachmentRecord,
  ofNetwork: string | undefined,
  { log }: Pick<PluginCall, 'log'>,
): MergedOptions {
  const { podMACPrefix } = options;
  const mac = partOf(record, eniVlanPart)?.link?.mac;
  if (mac === undefined || podMACPrefix === '') return options;
  const { interfaceName } = record;
  const keeps = `the network provider chose MAC address ${mac} for ${interfaceName}`;
  if (!ofNetwork) {
    log.info({ nic: interfaceName, mac, podMACPrefix }, `podMACPrefix is left out: ${keeps}`);
    return { ...options, podMACPrefix: '' };
  }
  throw new OrbError('INPUT_INVALID', {
    message: `podMACPrefix ${podMACPrefix} cannot be used on ${interfaceName}: ${keeps}; leave podMACPrefix empty for it`,
    subject: `interface ${interfaceName}`,
  });
}
