export type { CloudNic, CloudNics, NicRequest } from './cloud-nics.ts';
export { type HostDeviceParts, HostDevicePlugin } from './host-device-plugin.ts';
export { hostDevicePart } from './host-device-record.ts';
