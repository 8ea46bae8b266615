// Lists of Neutron, page by page.

import { z } from 'zod';
import { decoded } from './decode.ts';
import { malformed } from './exchange.ts';
import type { CloudService } from './service.ts';

const PAGE_SIZE = 100;

/**
 * All objects of a list. The next page is asked by the last object's id, not by the link in the answer, whose host may
 * be one that only the cloud can reach.
 */
export async function listed<T extends { readonly id: string }>(
  service: CloudService,
  plural: 'ports' | 'subnets' | 'floatingips' | 'security-group-rules',
  query: URLSearchParams,
  schema: z.ZodType<T>,
  signal: AbortSignal | undefined,
): Promise<T[]> {
  const action = `list ${plural}`;
  // The field of the answer has no hyphen.
  const field = plural.replaceAll('-', '_');
  const links = z.array(z.object({ rel: z.string() })).optional();
  const page = z.object({ [field]: z.array(schema), [`${field}_links`]: links });
  const asked = new URLSearchParams(query);
  asked.set('limit', String(PAGE_SIZE));
  const found = new Map<string, T>();
  for (;;) {
    const answer = await service.call({ method: 'GET', path: `/${plural}?${asked}`, action, signal });
    const read = decoded(page, answer, service.name, action);
    const items = read[field] as T[];
    for (const item of items) found.set(item.id, item);
    const goesOn = (read[`${field}_links`] as { rel: string }[] | undefined)?.some(
      ({ rel }) => rel === 'next',
    );
    const last = items.at(-1)?.id;
    if (goesOn !== true || last === undefined) return [...found.values()];
    if (last === asked.get('marker'))
      throw malformed(service.name, action, 'goes on with the same page for ever');
    asked.set('marker', last);
  }
}
