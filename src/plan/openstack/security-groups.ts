// Which security groups a pod asks for.

import { OrbError } from '#base';

/** On a pod: ids of security groups for its own ports, with commas between them. */
export const SECURITY_GROUPS_ANNOTATION = 'openstack.orbweaver.io/security-groups';

/** In a fixed order; null if the pod asks for none. Throws INPUT_INVALID. */
export function askedGroups(annotations: Readonly<Record<string, string>>): readonly string[] | null {
  const text = annotations[SECURITY_GROUPS_ANNOTATION]?.trim();
  if (text === undefined || text === '') return null;
  const ids = text.split(',').map((id) => id.trim());
  const wrong = ids.find((id) => !/^[\w-]{1,64}$/.test(id));
  if (wrong === undefined) return [...new Set(ids)].toSorted();
  const message = `annotation ${SECURITY_GROUPS_ANNOTATION}: ${JSON.stringify(wrong)} is not the id of a security group`;
  throw new OrbError('INPUT_INVALID', { message, subject: SECURITY_GROUPS_ANNOTATION });
}
