// What must be true of the files and the description of each image.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { UnpackedImage } from './unpacked.ts';

interface Sbom {
  readonly spdxVersion: string;
  readonly packages: readonly {
    readonly name: string;
    readonly versionInfo: string;
    readonly externalRefs?: readonly { readonly referenceLocator: string }[];
  }[];
}

const labels = ['title', 'description', 'version', 'revision', 'created', 'licenses'];

/** Throws an error that names everything that is missing or too much. */
export function expectContents(image: UnpackedImage, program: string, architecture: string): void {
  const { root, name, config } = image;
  const wrong: string[] = [];
  const expect = (what: string, right: boolean) => {
    if (!right) wrong.push(what);
  };
  expect(`name ${name}`, /^localhost\/orbweaver\/[a-z]+:\d+\.\d+\.\d+$/.test(name));
  expect(`architecture ${config.architecture}`, config.architecture === architecture);
  const { Labels, User, Entrypoint } = config.config;
  for (const label of labels)
    expect(`label ${label}`, (Labels[`org.opencontainers.image.${label}`] ?? '') !== '');
  expect(`user ${User}`, User === (program === 'controller' ? '65532:65532' : '0:0'));
  for (const file of Entrypoint.filter((word) => word.startsWith('/')))
    expect(`file ${file}`, existsSync(join(root, file)));
  for (const file of ['usr/bin/sh', 'usr/bin/apt', 'usr/bin/perl', 'usr/bin/npm'])
    expect(`no ${file}`, !existsSync(join(root, file)));
  expect('ow-cni', (program === 'agent') === existsSync(join(root, 'opt/orbweaver/ow-cni')));
  const open = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
    isOpen(join(root, path)),
  );
  expect(`files that others may write: ${open.join(', ')}`, open.length === 0);
  wrong.push(...missingInSbom(root, architecture, program));
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
}

/** Only /tmp and its like, where the sticky bit protects what others wrote. */
function isOpen(path: string): boolean {
  const { mode } = statSync(path, { throwIfNoEntry: false }) ?? { mode: 0 };
  return (mode & 0o1002) === 0o0002;
}

/** Every Debian package of the image must be listed with its version, and the packages that make each program. */
function missingInSbom(root: string, architecture: string, program: string): string[] {
  const file = join(root, 'usr/share/doc/orbweaver/sbom.spdx.json');
  const { spdxVersion, packages } = JSON.parse(readFileSync(file, 'utf8')) as Sbom;
  const purls = new Set(
    packages.flatMap(({ externalRefs = [] }) => externalRefs.map((each) => each.referenceLocator)),
  );
  const status = join(root, 'var/lib/dpkg/status.d');
  const debian = readdirSync(status).map((name) => {
    const version = /^Version: (.*)$/m.exec(readFileSync(join(status, name), 'utf8'))?.[1] ?? '';
    return [name, version] as const;
  });
  const unlisted = debian.filter(
    ([name, version]) => !packages.some((each) => each.name === name && each.versionInfo === version),
  );
  const node = architecture === 'amd64' ? 'x64' : architecture;
  const npm = [`node-linux-${node}`, 'zod', 'pino', ...(program === 'controller' ? [] : ['koffi'])];
  const has = (name: string) => [...purls].some((purl) => purl.startsWith(`pkg:npm/${name}@`));
  return [
    ...(spdxVersion === 'SPDX-2.3' ? [] : [`version of SPDX ${spdxVersion}`]),
    ...(debian.length >= 5 ? [] : [`only ${debian.length} Debian packages`]),
    ...unlisted.map(([name]) => `${name} is not in the list of contents`),
    ...npm.filter((name) => !has(name)).map((name) => `${name} is not in the list of contents`),
  ];
}
