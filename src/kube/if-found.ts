// A request whose object may be missing.

import { isOrbError } from '#base';

/** What the request resolves to; undefined if the server does not find the object or its kind (KUBE_NOT_FOUND). */
export async function ifFound<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isOrbError(error, 'KUBE_NOT_FOUND')) return undefined;
    throw error;
  }
}
