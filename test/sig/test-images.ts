// The images that Kubernetes' tests and the cluster's DNS ask for. Nothing can be pulled: they are the same files under many
// names, with programs of Debian in place of those of the originals.

import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../kube/command.ts';
import { archiveOf, type ImageStart, type NamedImages } from '../kube/image.ts';

/** Each image by its name without registry and tag, and what it starts. */
const standIns: Readonly<Record<string, ImageStart>> = {
  agnhost: { entrypoint: ['/agnhost'], command: ['pause'] },
  busybox: { command: ['sh'] },
  'jessie-dnsutils': { command: ['sh'] },
  // The tests of the network want these two only to run.
  nginx: { entrypoint: ['/agnhost', 'test-webserver'] },
  httpd: { entrypoint: ['/agnhost', 'test-webserver'] },
  'regression-issue-74839': { entrypoint: ['/regression-issue-74839'] },
  'distroless-iptables': { command: ['sh'] },
  pause: { entrypoint: ['/agnhost', 'pause'] },
};

/** The name that `dns.yaml` has. */
const dns: NamedImages = { 'registry.k8s.io/coredns/coredns:v1.12.1': { entrypoint: ['/coredns'] } };

/** `nc` and `sh` are not those of busybox: its shell takes its own nc and wget before those of PATH. */
const debian: Readonly<Record<string, string>> = {
  bash: '/bin/bash',
  conntrack: '/usr/sbin/conntrack',
  curl: '/usr/bin/curl',
  dash: '/bin/dash',
  dig: '/usr/bin/dig',
  getent: '/usr/bin/getent',
  ip: '/bin/ip',
  nc: '/bin/nc.openbsd',
  ss: '/bin/ss',
  wget: '/usr/bin/wget',
};

const files: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000:user:/:/bin/sh\n',
  'etc/group': 'root:x:0:\nuser:x:1000:\n',
  'etc/nsswitch.conf': 'hosts: files dns\n',
  // As busybox has it: a test that expects no answer would wait for twenty.
  'etc/wgetrc': 'tries = 1\n',
};

/** Writes an archive below `folder`. `programs` is the folder of what was built, `module` that of its Go module. */
export async function writeTestImages(folder: string, programs: string, module: string): Promise<string> {
  const root = join(folder, 'tests');
  for (const name of ['usr/bin', 'usr/lib', 'usr/lib64', 'etc', 'tmp', 'root', 'uploads', 'var/run']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  chmodSync(join(root, 'tmp'), 0o1777);
  for (const [link, target] of Object.entries({ bin: 'usr/bin', lib: 'usr/lib', lib64: 'usr/lib64' })) {
    symlinkSync(target, join(root, link));
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  await copyDebian(root);
  for (const name of ['agnhost', 'coredns', 'regression-issue-74839']) {
    copyFileSync(join(programs, name), join(root, name));
  }
  symlinkSync('agnhost', join(root, 'agnhost-2'));
  symlinkSync('../../agnhost', join(root, 'bin/agnhost'));
  await copyCertificate(root, module);
  return archiveOf(root, { ...(await namedImages(join(programs, 'e2e.test'))), ...dns });
}

/** Debian's programs with their libraries, and busybox for all other names. */
async function copyDebian(root: string): Promise<void> {
  const bin = join(root, 'bin');
  copyFileSync('/bin/busybox', join(bin, 'busybox'));
  const applets = (await run(['busybox', '--list'])).split('\n').filter(Boolean);
  const others = applets.filter((name) => name !== 'busybox' && name !== 'sh' && !(name in debian));
  for (const name of others) symlinkSync('busybox', join(bin, name));
  symlinkSync('dash', join(bin, 'sh'));
  for (const [name, file] of Object.entries(debian)) {
    copyFileSync(file, join(bin, name));
    for (const [library] of (await run(['ldd', file])).matchAll(/\/\S+/g)) {
      mkdirSync(dirname(join(root, library)), { recursive: true });
      copyFileSync(library, join(root, library));
    }
  }
}

/** Agnhost's `porter` serves TLS with these two, which lie beside its source. */
async function copyCertificate(root: string, cwd: string): Promise<void> {
  const kubernetes = await run(['go', 'list', '-m', '-f', '{{.Dir}}', 'k8s.io/kubernetes'], { cwd });
  for (const name of ['localhost.crt', 'localhost.key']) {
    copyFileSync(join(kubernetes.trim(), 'test/images/agnhost/porter', name), join(root, name));
    chmodSync(join(root, name), 0o644);
  }
}

/** The names that these tests ask for, with the tags of their version. */
async function namedImages(tests: string): Promise<NamedImages> {
  const listed = (await run([tests, '--list-images'])).split('\n').filter(Boolean);
  const known = listed.flatMap((tag) => {
    const [, name = ''] = /^registry\.k8s\.io\/(?:[^:]+\/)?([^:]+):/.exec(tag) ?? [];
    const standIn = standIns[name];
    return standIn === undefined ? [] : [[tag, standIn] as const];
  });
  return Object.fromEntries(known);
}
