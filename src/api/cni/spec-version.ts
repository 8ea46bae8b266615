// Versions of the CNI specification.

import { OrbError } from '#base';

/** All published versions. */
export const specVersions = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;

export type SpecVersion = (typeof specVersions)[number];

/** The versions that our plugins support: those with chaining. */
export const supportedVersions = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;

export type SupportedVersion = (typeof supportedVersions)[number];

/** The version of a configuration without cniVersion (libcni, pkg/version). */
export const OLDEST_VERSION: SpecVersion = '0.1.0';

/** Whether `version` is `least` or newer. */
export function isAtLeast(version: SpecVersion, least: SpecVersion): boolean {
  return specVersions.indexOf(version) >= specVersions.indexOf(least);
}

/**
 * Returns `version` if we support it. If a verb needs `least`, the version must be that or newer. Otherwise throws the
 * error that the specification requires.
 */
export function requireVersion(version: string, least: SupportedVersion = '0.3.0'): SupportedVersion {
  const spoken = supportedVersions.filter((candidate) => isAtLeast(candidate, least));
  const found = spoken.find((candidate) => candidate === version);
  if (found !== undefined) return found;
  throw new OrbError('CNI_VERSION_UNSUPPORTED', {
    message: `incompatible CNI versions: cniVersion ${JSON.stringify(version)} is not one of ${spoken.join(', ')}`,
    subject: 'cniVersion',
  });
}
