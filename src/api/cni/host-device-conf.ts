// The configuration of `host-device-plus`: which NIC of the node a pod gets. The keys that name one are those of the
// reference plugin `host-device` (containernetworking/plugins, plugins/main/host-device).

import { z } from 'zod';
import { OrbError } from '#base';
import { check } from '../validation.ts';
import { goObject, unchecked } from './go-object.ts';
import { ipamType } from './ipam-conf.ts';
import type { NetConf } from './net-conf.ts';
import { type NeutronNicIpam, nicModes, parseNeutronNicIpam } from './neutron-conf.ts';
import { hardwareAddressIfAny, INTERFACE_NAME } from './text-fields.ts';

/** Empty text names nothing, as in Go. */
const nothing = z.literal('').transform(() => undefined);

const nicKeys = {
  /** The name of the NIC. */
  device: nothing
    .or(z.string().regex(INTERFACE_NAME, { error: 'must be the name of an interface' }))
    .optional(),
  /** Its MAC address. */
  hwaddr: hardwareAddressIfAny.transform((mac) => mac?.toLowerCase().replaceAll('-', ':')),
  /** The folder of its device in sysfs. */
  kernelpath: nothing
    .or(
      z.string().regex(/^\/sys\/devices(?!.*\/\.\.?(\/|$))\/.+$/, {
        error: 'must be the path of a device below /sys/devices',
      }),
    )
    .optional(),
  /** Its address on the PCI bus. */
  pciBusID: nothing
    .or(
      z.string().regex(/^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i, {
        error: 'must be the address of a PCI device, for example 0000:3b:02.1',
      }),
    )
    .optional(),
};

const confSchema = goObject({
  ...nicKeys,
  /** Bytes. 0 and undefined leave it as it is. */
  mtu: z
    .int()
    .refine((mtu) => mtu === 0 || (mtu >= 68 && mtu <= 65_536), { error: 'must be 68 to 65536' })
    .transform((mtu) => (mtu === 0 ? undefined : mtu))
    .optional(),
  /** Multus adds `deviceID`: the PCI device that a device plugin has given to the pod. */
  runtimeConfig: unchecked<unknown>(),
});

/** What names a NIC of the node. */
export interface NicName {
  readonly key: keyof typeof nicKeys;
  readonly value: string;
}

export interface HostDeviceConf {
  readonly mtuBytes: number | undefined;
  /** A NIC of the node that is named, or a port that is made for the pod. */
  readonly from:
    | { readonly is: 'node'; readonly nic: NicName; readonly addressesOf: string | undefined }
    | { readonly is: 'cloud'; readonly ipam: NeutronNicIpam };
}

const SUBJECT = 'host-device-plus configuration';

/** Throws INPUT_INVALID with the field that is wrong, missing or too much. */
export function parseHostDeviceConf(conf: NetConf): HostDeviceConf {
  const { mtu: mtuBytes, runtimeConfig, ...fields } = check(confSchema, conf, { subject: SUBJECT });
  const named = Object.keys(nicKeys).flatMap((key): NicName[] => {
    const name = key as keyof typeof nicKeys;
    const value = fields[name];
    return value === undefined ? [] : [{ key: name, value }];
  });
  const isOfCloud = asksForNic(conf.ipam);
  const chosen = deviceOf(runtimeConfig) ?? named;
  const choosers = [...chosen.map(({ key }) => key), ...(isOfCloud ? ['ipam.neutronConf.mode'] : [])];
  if (choosers.length > 1) {
    const message = `${choosers.join(' and ')} choose a NIC: give one of them`;
    throw invalid(message, choosers[1] ?? '');
  }
  if (isOfCloud) return { mtuBytes, from: { is: 'cloud', ipam: parseNeutronNicIpam(conf) } };
  const [nic] = chosen;
  if (nic !== undefined) return { mtuBytes, from: { is: 'node', nic, addressesOf: ipamType(conf.ipam) } };
  const keys = Object.keys(nicKeys).join(', ');
  throw invalid(
    `no NIC is named: give one of ${keys}, or ipam.type neutron with neutronConf.mode ${nicModes[0]}`,
    'device',
  );
}

/** A device plugin has chosen for the pod: that comes before the configuration, as in the reference plugin. */
function deviceOf(runtimeConfig: unknown): [NicName] | undefined {
  const { deviceID } = Object(runtimeConfig) as { readonly deviceID?: unknown };
  if (deviceID === undefined || deviceID === '') return undefined;
  const { pciBusID } = check(
    goObject({ pciBusID: nicKeys.pciBusID }),
    { pciBusID: deviceID },
    { subject: SUBJECT },
  );
  return [{ key: 'pciBusID', value: pciBusID ?? '' }];
}

function asksForNic(ipam: unknown): boolean {
  const { neutronConf } = Object(ipam) as { readonly neutronConf?: unknown };
  const { mode } = Object(neutronConf) as { readonly mode?: unknown };
  return ipamType(ipam) === 'neutron' && nicModes.some((one) => one === mode);
}

function invalid(message: string, subject: string): OrbError {
  return new OrbError('INPUT_INVALID', { message: `${SUBJECT}: ${message}`, subject });
}
