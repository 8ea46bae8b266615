// The NICs of a device, as sysfs shows them (Documentation/ABI/testing/sysfs-class-net).

import { readdirSync } from 'node:fs';

/**
 * The NICs of the device whose folder in sysfs is `path`, in the namespace in which /sys is mounted. Empty if there is no
 * such device, or if it has no NIC.
 */
export function deviceNics(path: string): string[] {
  try {
    return readdirSync(`${path}/net`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
