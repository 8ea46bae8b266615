// The list of what is in an image: SPDX 2.3 as JSON, which scanners of vulnerabilities and licences read.

import { createHash } from 'node:crypto';
import type { DebianPackage } from './debian.ts';
import type { NpmPackage } from './npm.ts';

/** What a list is about. */
export interface Subject {
  /** The name of the image. */
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** ISO 8601. */
  readonly created: string;
}

export interface Contents {
  readonly debian: readonly DebianPackage[];
  readonly npm: readonly NpmPackage[];
  /** The C library in the CNI executable; undefined where there is none. */
  readonly staticLibrary?: { readonly name: string; readonly version: string };
}

interface SpdxPackage {
  readonly SPDXID: string;
  readonly name: string;
  readonly versionInfo: string;
  readonly [field: string]: unknown;
}

/** A JSON document. It has the same bits for the same contents. */
export function sbom(subject: Subject, { debian, npm, staticLibrary }: Contents): string {
  const { name, version, architecture, created } = subject;
  const own: SpdxPackage = {
    SPDXID: 'SPDXRef-image',
    name,
    versionInfo: version,
    licenseDeclared: 'Apache-2.0',
    primaryPackagePurpose: 'CONTAINER',
    ...unknown,
  };
  const packages = [
    own,
    ...debian.map((each) => ofDebian(each, architecture)),
    ...(staticLibrary === undefined ? [] : [ofStaticLibrary(staticLibrary)]),
    ...npm.map(ofNpm),
  ];
  const relationships = packages.map(({ SPDXID }) =>
    SPDXID === own.SPDXID
      ? { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: SPDXID }
      : { spdxElementId: own.SPDXID, relationshipType: 'CONTAINS', relatedSpdxElement: SPDXID },
  );
  const hash = createHash('sha256').update(JSON.stringify(packages)).digest('hex');
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${name}-${version}-${architecture}`,
    documentNamespace: `https://spdx.org/spdxdocs/${name}-${version}-${architecture}-${hash}`,
    creationInfo: { created, creators: ['Tool: orbweaver-image'] },
    ...{ packages, relationships },
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

/** SPDX wants each of these, and has a word for what nobody looked up. */
const unknown = { downloadLocation: 'NOASSERTION', filesAnalyzed: false, copyrightText: 'NOASSERTION' };

function ofDebian(
  { name, version, sha256, maintainer, ...of }: DebianPackage,
  platform: string,
): SpdxPackage {
  const arch = of.architecture === 'all' ? 'all' : platform;
  const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${arch}&distro=debian-12`;
  return {
    SPDXID: idOf('deb', name),
    name,
    versionInfo: version,
    supplier: `Organization: ${maintainer}`,
    checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }],
    ...reference(purl),
    ...unknown,
  };
}

function ofStaticLibrary({ name, version }: { name: string; version: string }): SpdxPackage {
  const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?distro=debian-12`;
  const comment = 'linked into /opt/orbweaver/ow-cni';
  return {
    SPDXID: idOf('static', name),
    name,
    versionInfo: version,
    comment,
    ...reference(purl),
    ...unknown,
  };
}

function ofNpm({ name, version, license, integrity }: NpmPackage): SpdxPackage {
  const checksumValue = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
  return {
    SPDXID: idOf('npm', name),
    name,
    versionInfo: version,
    licenseDeclared: license,
    checksums: [{ algorithm: 'SHA512', checksumValue }],
    ...reference(`pkg:npm/${name.replace('@', '%40')}@${version}`),
    ...unknown,
  };
}

function reference(locator: string): object {
  const each = { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: locator };
  return { externalRefs: [each] };
}

/** An SPDX identifier has letters, digits, points and hyphens only. */
function idOf(kind: string, name: string): string {
  return `SPDXRef-${kind}-${name.replaceAll(/[^A-Za-z0-9.-]/g, '-')}`;
}
