// Our chart on a cluster, by Helm.

import { join } from 'node:path';
import description from '../../package.json' with { type: 'json' };
import { run } from './command.ts';
import type { ScenarioParts } from './scenario.ts';

/** The images that the nodes have. Sysctls belong to the whole machine, and not to a node of the test. */
const settings = [
  ...['agent', 'controller', 'uninstall'].flatMap((part) => [
    `${part}.image.registry=localhost`,
    `${part}.image.tag=${description.version}`,
  ]),
  'agent.tuneSysctlConfig=false',
  'agent.askRuntime=true',
];

/** As in values.yaml of the chart. */
export const multusImage = 'ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0-thick';

const waiting = ['--wait', '--timeout', '120s'];

/** The release `orbweaver`. Each deed resolves when all its pods are Ready, or gone. */
export class ChartRelease {
  readonly #parts: ScenarioParts;

  constructor(parts: ScenarioParts) {
    this.#parts = parts;
  }

  /** `values` are as for --set. */
  install(values: readonly string[] = []): Promise<string> {
    return this.#helm('install', 'orbweaver', ...this.#chart(values));
  }

  upgrade(values: readonly string[]): Promise<string> {
    return this.#helm('upgrade', 'orbweaver', ...this.#chart(values));
  }

  rollback(revision: number): Promise<string> {
    return this.#helm('rollback', 'orbweaver', String(revision), ...waiting);
  }

  uninstall(): Promise<string> {
    return this.#helm('uninstall', 'orbweaver', ...waiting);
  }

  /** The manifests of one of its templates. */
  template(name: string, values: readonly string[] = []): Promise<string> {
    const shown = ['--kube-version', '1.30', '--show-only', `templates/${name}.yaml`];
    const set = values.flatMap((value) => ['--set', value]);
    return this.#helm('template', 'orbweaver', join(this.#parts.root, 'deploy/chart'), ...shown, ...set);
  }

  #chart(values: readonly string[]): string[] {
    return [join(this.#parts.root, 'deploy/chart'), ...waiting, '--set', [...settings, ...values].join()];
  }

  #helm(...args: string[]): Promise<string> {
    const { cluster, helm } = this.#parts;
    const [enter, ...entering] = cluster.entering('hub');
    return run([enter, ...entering, helm, '--namespace', 'kube-system', ...args], {
      env: cluster.environment,
    });
  }
}
