// The `ipam` object of a configuration: its type, and the options of type `spiderpool`.

import { z } from 'zod';
import { shortList } from '../open-object.ts';
import { check } from '../validation.ts';
import { goObject, unchecked } from './go-object.ts';
import type { NetConf } from './net-conf.ts';

/** A whole number. Spiderpool's documents write the log limits as text, and its code reads numbers. We accept both. */
const count = z
  .union([z.number(), z.string()])
  .refine((value) => /^\d+$/.test(String(value)), { error: 'must be a whole number' })
  .transform(Number)
  .optional();

const poolNames = shortList(z.string().min(1)).optional();

export const spiderpoolIpamSchema = goObject({
  type: z.literal('spiderpool'),
  default_ipv4_ippool: poolNames,
  default_ipv6_ippool: poolNames,
  /** If true, this interface gets no default route. */
  clean_gateway: z.boolean().default(false),
  /** If true, only pools with the subnet of the parent interface are used. */
  match_master_subnet: z.boolean().default(false),
  /** The socket of Spiderpool's agent. The shim finds our agent without it. */
  ipam_unix_socket_path: z.string().optional(),
  log_level: z.string().optional(),
  log_file_path: z.string().optional(),
  log_file_max_size: count,
  log_file_max_age: count,
  log_file_max_count: count,
});

export type SpiderpoolIpam = z.infer<typeof spiderpoolIpamSchema>;

const typedSchema = goObject({ type: unchecked<unknown>() }).catch({});

/** The CNI type that gives the addresses; undefined if the configuration names none. */
export function ipamType(ipam: unknown): string | undefined {
  const { type } = typedSchema.parse(ipam);
  return typeof type === 'string' ? type : undefined;
}

const delegatingSchema = z.object({ ipam: spiderpoolIpamSchema });

/** Reads the `ipam` object of a configuration that delegates IPAM to us. */
export function parseSpiderpoolIpam({ ipam }: NetConf): SpiderpoolIpam {
  return check(delegatingSchema, { ipam }, { subject: 'network configuration' }).ipam;
}
