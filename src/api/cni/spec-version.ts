// Versions of the CNI specification, and what each of them brought.

import { OrbError } from '#base';

/** All that were ever published. */
export const specVersions = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;

export type SpecVersion = (typeof specVersions)[number];

/** Those our plugins speak: the ones with chaining. */
export const supportedVersions = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;

export type SupportedVersion = (typeof supportedVersions)[number];

/** What a configuration without cniVersion means (libcni, pkg/version). */
export const OLDEST_VERSION: SpecVersion = '0.1.0';

/** Whether `version` is `least` or newer. */
export function isAtLeast(version: SpecVersion, least: SpecVersion): boolean {
  return specVersions.indexOf(version) >= specVersions.indexOf(least);
}

/** `version` if we speak it, and are at `least` where a verb needs that; else the error that the specification asks for. */
export function requireVersion(version: string, least: SupportedVersion = '0.3.0'): SupportedVersion {
  const spoken = supportedVersions.filter((candidate) => isAtLeast(candidate, least));
  const found = spoken.find((candidate) => candidate === version);
  if (found !== undefined) return found;
  throw new OrbError('CNI_VERSION_UNSUPPORTED', {
    message: `incompatible CNI versions: cniVersion ${JSON.stringify(version)} is not one of ${spoken.join(', ')}`,
    subject: 'cniVersion',
  });
}
