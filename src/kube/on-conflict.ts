// Work that reads an object and writes it, while others may write it too.

import { isOrbError } from '#base';

/**
 * Does the work again, with its own read, after each of so many conflicts.
 * @throws KUBE_CONFLICT if other writers always were faster
 */
export async function againOnConflict<T>(conflicts: number, work: () => Promise<T>): Promise<T> {
  for (let left = conflicts; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (!isOrbError(error, 'KUBE_CONFLICT') || left === 0) throw error;
    }
  }
}
