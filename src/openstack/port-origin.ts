// What a port of our own says of who has made it. An operator reads it, and `orbctl openstack sweep`.

import { originTexts, type PortOrigin } from '#plan/openstack';
import type { Neutron, PortOrder } from './neutron.ts';

const TAGS_EXTENSION = 'tag-ports-during-bulk-creation';

/** Each cloud keeps the description; some can tag a port as they make it. */
export async function originFields(
  origin: PortOrigin,
  ledger: string,
  neutron: Pick<Neutron, 'extensions'>,
): Promise<Pick<PortOrder, 'description' | 'tags'>> {
  const { description, tags } = originTexts(origin, ledger);
  const extensions = await neutron.extensions();
  return { description, ...(extensions.has(TAGS_EXTENSION) && { tags }) };
}
