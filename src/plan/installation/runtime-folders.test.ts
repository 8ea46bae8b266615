// What container runtimes say about their folders, and what the agent makes of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderDifferences, foldersOfCrio, foldersOfStatus } from './runtime-folders.ts';

/** Of containerd 1.6.20. */
const cniconfig =
  '{"PluginDirs":["/opt/cni/bin"],"PluginConfDir":"/etc/cni/net.d","PluginMaxConfNum":1,"Prefix":"eth"}';
const folders = { binFolders: ['/opt/cni/bin'], confFolder: '/etc/cni/net.d' };

test('containerd tells its folders in cniconfig, and also in config', () => {
  assert.deepEqual(foldersOfStatus(new Map([['cniconfig', cniconfig]])), folders);
  const config = (cni: object) => foldersOfStatus(new Map([['config', JSON.stringify({ cni })]]));
  const confDir = '/etc/cni/net.d';
  assert.deepEqual(config({ binDir: '/opt/cni/bin', confDir }), folders);
  // containerd 2.1 and newer.
  assert.deepEqual(config({ binDir: '', binDirs: ['/a', '/b'], confDir }), {
    binFolders: ['/a', '/b'],
    confFolder: confDir,
  });
});

test('a status that names no folders is no answer', () => {
  // That of CRI-O.
  assert.equal(foldersOfStatus(new Map([['config', '{"sandboxImage":"pause"}']])), undefined);
  for (const text of ['', 'null', '{', '{"cni":{"confDir":"/x"}}', '{"cni":7}', '[]']) {
    assert.equal(
      foldersOfStatus(
        new Map([
          ['config', text],
          ['cniconfig', text],
        ]),
      ),
      undefined,
      text,
    );
  }
});

test('CRI-O tells its folders in its configuration', () => {
  const toml = `[crio]
  # plugin_dirs = ["/commented"]
  [crio.network]
    cni_default_network = ""
    network_dir = "/etc/kubernetes/cni/net.d/"
    plugin_dirs = ["/var/lib/cni/bin",
      "/usr/libexec/cni"]
`;
  assert.deepEqual(foldersOfCrio(toml), {
    binFolders: ['/var/lib/cni/bin', '/usr/libexec/cni'],
    confFolder: '/etc/kubernetes/cni/net.d/',
  });
  assert.equal(foldersOfCrio(''), undefined);
  assert.equal(foldersOfCrio('network_dir = "/a"\nplugin_dirs = []\n'), undefined);
});

test('a sentence for each folder that differs, and none for a slash', () => {
  const told = { binFolders: ['/a/bin/', '/opt//cni/bin'], confFolder: '/etc/cni/net.d/' };
  const set = { binFolder: '/opt/cni/bin', confFolder: '/etc/cni/net.d' };
  assert.deepEqual(folderDifferences(told, set), []);
  assert.deepEqual(folderDifferences(told, { ...set, binFolder: undefined }), []);
  assert.deepEqual(folderDifferences(told, { binFolder: '/usr/lib/cni', confFolder: '/elsewhere' }), [
    'the container runtime looks for CNI executables in /a/bin, /opt/cni/bin, but the agent installs them in /usr/lib/cni',
    'the container runtime looks for CNI configurations in /etc/cni/net.d, but orbweaver.cniConfDirectory is /elsewhere',
  ]);
});
