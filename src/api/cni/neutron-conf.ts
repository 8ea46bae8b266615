// The `ipam` object of type `neutron`. Its keys are those of the older plugin cni-ipam-neutron (yaoice/cni-ipam-neutron,
// yaoice/meliodas), which had the password in it.

import { z } from 'zod';
import { OrbError } from '#base';
import { check } from '../validation.ts';
import { goObject, unchecked } from './go-object.ts';
import type { NetConf } from './net-conf.ts';
import { addressIfAny, cidrText, INTERFACE_NAME } from './text-fields.ts';

/** How addresses of pods come to be ours. */
export type NeutronMode = 'fixed-ips' | 'address-pairs' | 'port';

/** Ours, and those of the older plugin. Its `mix-route` differs from `mix` by what another program does with routes. */
const modeOfWord = {
  'fixed-ips': 'fixed-ips',
  'address-pairs': 'address-pairs',
  port: 'port',
  mix: 'fixed-ips',
  'mix-route': 'fixed-ips',
  separate: 'port',
} as const satisfies Record<string, NeutronMode>;
const WORDS = Object.keys(modeOfWord) as (keyof typeof modeOfWord)[];

/** Of type `host-device-plus` alone: the port of the NIC that a pod gets. `eni` is the older plugin's word. */
export const nicModes = ['nic', 'eni'] as const;

const neutronConf = {
  /** Ids. */
  networks: z.array(z.string()).default([]),
  /** A NIC of the node that is a port of the cloud. Undefined: that of the default route. */
  hostInterface: z.string().regex(INTERFACE_NAME, { error: 'must be the name of an interface' }).optional(),
};

const ipam = {
  type: z.literal('neutron'),
  /** Whose login it was. It is compared with that of the agent. */
  openstackConf: goObject({
    username: z.string().optional(),
    project: z.string().optional(),
    domain: z.string().optional(),
    authUrl: z.string().optional(),
    password: unchecked<unknown>(),
  }).prefault({}),
  /** Undefined: a default route by the gateway of each subnet. A route without `gw` goes by that gateway. */
  routes: z.array(goObject({ dst: cidrText, gw: addressIfAny })).optional(),
};

/** The port of `hostInterface` must be in one of the networks; ports of our own are made in the only one. */
const neutronSchema = goObject({
  ...ipam,
  neutronConf: goObject({
    ...neutronConf,
    mode: z
      .enum(WORDS)
      .default('fixed-ips')
      .transform((word): NeutronMode => modeOfWord[word]),
  }).prefault({}),
});

/** The port is made in the only network that is named, or in that of `hostInterface`. */
const neutronNicSchema = goObject({
  ...ipam,
  neutronConf: goObject({
    ...neutronConf,
    networks: neutronConf.networks.refine((ids) => ids.length <= 1, { error: 'must name one network' }),
    mode: z.enum(nicModes),
    /** Ids. Undefined: those that Neutron gives to a new port. */
    securityGroups: z.array(z.string()).optional(),
  }),
});

export type NeutronIpam = z.infer<typeof neutronSchema>;
export type NeutronNicIpam = z.infer<typeof neutronNicSchema>;

/** Reads the `ipam` object of a configuration that delegates IPAM to type `neutron`. No message has a secret. */
export function parseNeutronIpam(conf: NetConf): NeutronIpam {
  return withoutPassword(neutronSchema, conf);
}

/** Reads the `ipam` object of a configuration of type `host-device-plus` in one of {@link nicModes}. */
export function parseNeutronNicIpam(conf: NetConf): NeutronNicIpam {
  return withoutPassword(neutronNicSchema, conf);
}

function withoutPassword<T extends NeutronIpam | NeutronNicIpam>(schema: z.ZodType<T>, conf: NetConf): T {
  const subject = 'network configuration';
  const read = check(z.object({ ipam: schema }), { ipam: conf.ipam }, { subject }).ipam as T;
  if (read.openstackConf.password === undefined) return read;
  const field = 'ipam.openstackConf.password';
  const message = `${subject}: ${field} must not be here. Everybody who may read the configuration would know the secret: put the login into clouds.yaml of the agent, and remove the field`;
  throw new OrbError('INPUT_INVALID', { message, subject: field });
}
