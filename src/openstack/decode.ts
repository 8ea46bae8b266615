// Reads answers by their schemas. A field that is missing or of another type is an error, not a guess.

import { z } from 'zod';
import { malformed } from './exchange.ts';

/** Throws OPENSTACK_MALFORMED, which names the field. */
export function decoded<T>(schema: z.ZodType<T>, value: unknown, service: string, action: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw malformed(service, action, `has another form: ${z.prettifyError(parsed.error)}`);
}
