// The configuration of the `coordinator` plugin. Values of a NetworkAttachmentDefinition override those of the
// SpiderCoordinator.

import { z } from 'zod';
import { tryParseAddress } from '#ip';
import { shortList } from '../open-object.ts';
import { check } from '../validation.ts';
import { goObject } from './go-object.ts';
import type { NetConf } from './net-conf.ts';
import { addressText, INTERFACE_NAME, networkText } from './text-fields.ts';

/** An empty list does not override the SpiderCoordinator's list, as in Spiderpool. */
export const networks = shortList(networkText).optional();

/** Text of one form. Empty text means absent. */
function textOf(isWellFormed: (text: string) => boolean, error: string) {
  return z
    .string()
    .refine((text) => text === '' || isWellFormed(text), { error })
    .optional();
}

export const interfaceName = textOf(
  (text) => INTERFACE_NAME.test(text),
  'must be the name of an interface: 1 to 15 characters without "/", ":" or blanks, and not "." or ".."',
);

/** The lowest bit of the first byte is clear, because a pod's address is not a multicast address (IEEE 802). */
export const macPrefix = textOf(
  (text) => /^[0-9a-f][02468ace]:[0-9a-f]{2}$/i.test(text),
  'must be the first two bytes of a unicast MAC address, for example 0a:1b',
);

export const ipv4Address = textOf((text) => tryParseAddress(text)?.family === 4, 'must be an IPv4 address');

export const policyRouteSchema = goObject({ dst: networkText, gw: addressText }).refine(sameFamily, {
  error: 'dst and gw must use the same IP family',
});

function sameFamily({ dst, gw }: { readonly dst: string; readonly gw: string }): boolean {
  const [network, gateway] = [dst.split('/')[0] ?? '', gw].map(tryParseAddress);
  // The check of each field has already reported invalid addresses.
  return network === undefined || gateway === undefined || network.family === gateway.family;
}

/** Spiderpool's levels. Empty text means absent here, while Spiderpool refuses it. */
const logLevels = ['debug', 'info', 'warn', 'error', 'fatal', 'panic'];

/** Only the form is checked. The agent has one log, and its own configuration decides. */
const logOptionsSchema = goObject({
  logLevel: z
    .string()
    .refine((level) => level === '' || logLevels.includes(level.toLowerCase()), {
      error: `is an unsupported log level; allowed: ${logLevels.join(', ')}`,
    })
    .optional(),
  logFile: z.string().optional(),
  logMaxSize: z.int().optional(),
  logMaxAge: z.int().optional(),
  logMaxCount: z.int().optional(),
});

/** A Go duration (`300ms`, `1.5s`) in milliseconds. */
const durationMs = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s)$/, { error: 'must be a duration in ms or s, for example 300ms' })
  .transform((text) => Number.parseFloat(text) * (text.endsWith('ms') ? 1 : 1000))
  .refine((ms) => ms >= 50 && ms <= 10_000, { error: 'must be 50ms to 10s' });

const detectOptionsSchema = goObject({
  /** Three probes are always sent (RFC 5227), spread over the timeout. So nothing reads these two fields. */
  retries: z.int().optional(),
  interval: z.string().optional(),
  /** The deadline of detection. */
  timeout: durationMs.optional(),
});

/** For absent fields, the pod's annotation or the SpiderCoordinator decides. */
export const coordinatorConfSchema = goObject({
  type: z.literal('coordinator'),
  /** `disabled`, which the SpiderCoordinator uses, means `disable`. */
  mode: z
    .enum(['auto', 'underlay', 'overlay', 'disable', 'disabled'])
    .transform((mode) => (mode === 'disabled' ? 'disable' : mode))
    .optional(),
  podDefaultCniNic: interfaceName,
  podDefaultRouteNic: interfaceName,
  tunePodRoutes: z.boolean().optional(),
  overlayPodCIDR: networks,
  serviceCIDR: networks,
  hijackCIDR: networks,
  policyRoutes: shortList(policyRouteSchema).optional(),
  podMACPrefix: macPrefix,
  /** Whether ADD fails if the gateway does not answer. If absent, the agent's configuration decides. */
  detectGateway: z.boolean().optional(),
  /**
   * Whether ADD fails if another machine answers for the pod's address. If absent, the agent's configuration decides.
   */
  detectIPConflict: z.boolean().optional(),
  detectOptions: detectOptionsSchema.optional(),
  /** 0 takes the SpiderCoordinator's number, or else 500. */
  hostRuleTable: z.int().min(0).max(0xffff_ffff).optional(),
  /** net.ipv4.conf.all.rp_filter of the pod. -1 does not change it. */
  podRPFilter: z.literal([-1, 0, 1, 2]).optional(),
  /** Nothing reads it, here and in Spiderpool. */
  hostRPFilter: z.int().optional(),
  /** 0 does not change it. */
  txQueueLen: z.int().min(0).optional(),
  vethLinkAddress: ipv4Address,
  /** Bytes, within the kernel's limits for veth (ETH_MIN_MTU, ETH_MAX_MTU in if_ether.h). */
  vethMTU: z.int().min(68).max(65_535).optional(),
  /** Whether the node replaces the source of what the pod sends to Services. Spiderpool does not have it. */
  ipMasq: z.boolean().optional(),
  /** Nothing reads it, here and in Spiderpool. */
  multusNicPrefix: z.string().optional(),
  logOptions: logOptionsSchema.optional(),
});

export type CoordinatorConf = z.infer<typeof coordinatorConfSchema>;

/** Reads the coordinator's own fields of a configuration. */
export function parseCoordinatorConf(conf: NetConf): CoordinatorConf {
  return check(coordinatorConfSchema, conf, { subject: 'coordinator configuration' });
}
