// The `ipam` object of type `neutron`. Its keys are those of the older plugin cni-ipam-neutron (yaoice/cni-ipam-neutron,
// yaoice/meliodas), which had the password in it.

import { z } from 'zod';
import { OrbError } from '#base';
import { check } from '../validation.ts';
import { goObject, unchecked } from './go-object.ts';
import type { NetConf } from './net-conf.ts';
import { addressIfAny, cidrText, INTERFACE_NAME } from './text-fields.ts';

/** `mix` is the older plugin's word for addresses on the port of the VM. */
const MODES = ['fixed-ips', 'mix'] as const;

const neutronSchema = goObject({
  type: z.literal('neutron'),
  /** Whose login it was. It is compared with that of the agent. */
  openstackConf: goObject({
    username: z.string().optional(),
    project: z.string().optional(),
    domain: z.string().optional(),
    authUrl: z.string().optional(),
    password: unchecked<unknown>(),
  }).prefault({}),
  neutronConf: goObject({
    mode: z.enum(MODES).default('fixed-ips'),
    /** Ids. The port must be in one of them. */
    networks: z.array(z.string()).default([]),
    /** The NIC of the node whose port gets the addresses. Undefined: that of the default route. */
    hostInterface: z.string().regex(INTERFACE_NAME, { error: 'must be the name of an interface' }).optional(),
  }).prefault({}),
  /** Undefined: a default route by the gateway of each subnet. A route without `gw` goes by that gateway. */
  routes: z.array(goObject({ dst: cidrText, gw: addressIfAny })).optional(),
});

export type NeutronIpam = z.infer<typeof neutronSchema>;

/** Reads the `ipam` object of a configuration that delegates IPAM to type `neutron`. No message has a secret. */
export function parseNeutronIpam(conf: NetConf): NeutronIpam {
  const subject = 'network configuration';
  const { ipam } = check(z.object({ ipam: neutronSchema }), { ipam: conf.ipam }, { subject });
  if (ipam.openstackConf.password === undefined) return ipam;
  const field = 'ipam.openstackConf.password';
  const message = `${subject}: ${field} must not be here. Everybody who may read the configuration would know the secret: put the login into clouds.yaml of the agent, and remove the field`;
  throw new OrbError('INPUT_INVALID', { message, subject: field });
}
