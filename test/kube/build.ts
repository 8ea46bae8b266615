// What a cluster runs, made from Go modules: once for each state of its sources, kept outside of the tree.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from './command.ts';

const own = import.meta.dirname;

/** The version of Go, or undefined where there is none. */
export async function goVersion(): Promise<string | undefined> {
  return run(['go', 'env', 'GOVERSION']).then(
    (text) => text.trim(),
    () => undefined,
  );
}

/** The folder of the programs; the first build takes minutes, the later ones are looked up. */
export async function builtPrograms(go: string): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'orbweaver/kube');
  const folder = join(cache, keyOf(go));
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    console.log(
      'building Kubernetes, etcd, Multus, Calico and flannel from source (once: about 14 minutes and 6 GB of build cache)',
    );
    await build(unfinished);
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}

/** Programs by name: the module they are in, and what is built there. */
const programs = {
  components: { module: 'components', target: '.', stamped: true },
  // A module of its own: it does not compile with the libraries of Kubernetes 1.34.
  multus: {
    module: 'multus',
    target: 'gopkg.in/k8snetworkplumbingwg/multus-cni.v4/cmd/multus',
    stamped: false,
  },
  // The overlays, with the modules that their own releases were built from.
  calico: {
    module: 'calico',
    target: 'github.com/projectcalico/calico/cni-plugin/cmd/calico',
    stamped: false,
  },
  'calico-node': {
    module: 'calico',
    target: 'github.com/projectcalico/calico/node/cmd/calico-node',
    stamped: false,
  },
  flanneld: { module: 'flannel', target: '.', stamped: false },
  flannel: {
    module: 'flannel-cni',
    target: 'github.com/containernetworking/plugins/plugins/meta/flannel',
    stamped: false,
  },
} as const;

/** Without cgo Felix has stubs for libbpf, which it calls for its eBPF dataplane only. */
const environment = { CGO_ENABLED: '0' };
const buildFlags = ['-trimpath', '-ldflags'] as const;
const linkFlags = '-s -w';

function keyOf(go: string): string {
  const hash = createHash('sha256').update(
    JSON.stringify([go, programs, environment, buildFlags, linkFlags]),
  );
  for (const module of new Set(Object.values(programs).map((program) => program.module))) {
    for (const file of readdirSync(join(own, module)).toSorted()) {
      hash.update(`\0${module}/${file}\0`).update(readFileSync(join(own, module, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function build(folder: string): Promise<void> {
  for (const [name, { module, target, stamped }] of Object.entries(programs)) {
    const cwd = join(own, module);
    const link = stamped ? `${linkFlags} ${await versionStamp(cwd)}` : linkFlags;
    await run(['go', 'build', ...buildFlags, link, '-o', join(folder, name), target], {
      cwd,
      env: environment,
    });
  }
}

/** Without it they report v0.0.0-master, which misleads whatever reads a version: feature gates, clients, Node objects. */
async function versionStamp(cwd: string): Promise<string> {
  const said = await run(['go', 'list', '-m', '-f', '{{.Version}}', 'k8s.io/kubernetes'], { cwd });
  const version = said.trim();
  const [major = '', minor = ''] = version.slice(1).split('.');
  return Object.entries({ gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' })
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(' ');
}
