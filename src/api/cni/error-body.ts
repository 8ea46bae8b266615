// The error a plugin prints on standard output (CNI specification 1.1, section "Error").

import { z } from 'zod';
import { errorTable, errorText, isOrbError } from '#base';

export const cniErrorBodySchema = z.looseObject({
  /** Of the configuration; we always write it, libcni's skeleton leaves it out. */
  cniVersion: z.string().optional(),
  code: z.int().min(0),
  msg: z.string(),
  details: z.string().optional(),
});

/** What goes to standard output when a verb fails. */
export interface CniErrorBody {
  readonly cniVersion: string;
  readonly code: number;
  readonly msg: string;
  readonly details: string;
}

/** The body for whatever was thrown: the table's CNI code for an OrbError, 999 for a fault of ours. */
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
