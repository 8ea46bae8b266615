// The physical function of a virtual function (SR-IOV), as sysfs shows it (Documentation/ABI/testing/sysfs-bus-pci).

import { deviceNics } from './device-nics.ts';

/**
 * The NICs of the physical function, in the namespace in which /sys is mounted. Empty if the PCI device is no virtual
 * function. `sys` is another root for tests.
 */
export function physicalFunctionNics(device: string, sys = '/sys'): string[] {
  return deviceNics(`${sys}/bus/pci/devices/${device}/physfn`);
}
