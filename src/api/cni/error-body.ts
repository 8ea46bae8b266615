// The error that a plugin prints to standard output (CNI specification 1.1, section "Error").

import { z } from 'zod';
import { errorTable, errorText, isOrbError } from '#base';

export const cniErrorBodySchema = z.looseObject({
  /** The version of the configuration. We always write it, but libcni's skeleton leaves it out. */
  cniVersion: z.string().optional(),
  code: z.int().min(0),
  msg: z.string(),
  details: z.string().optional(),
});

/** The content of standard output when a verb fails. */
export interface CniErrorBody {
  readonly cniVersion: string;
  readonly code: number;
  readonly msg: string;
  readonly details: string;
}

/** The body for any thrown value: the table's CNI code for an OrbError, and 999 for a bug of ours. */
export function cniErrorBody(error: unknown, cniVersion: string): CniErrorBody {
  if (isOrbError(error)) {
    return { cniVersion, code: errorTable[error.code].cni, msg: errorText(error), details: error.advice };
  }
  return {
    cniVersion,
    code: errorTable.INTERNAL.cni,
    msg: errorText(error),
    details: errorTable.INTERNAL.advice,
  };
}
