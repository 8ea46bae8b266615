// Our chart on a cluster, by Helm.

import { join } from 'node:path';
import description from '../../package.json' with { type: 'json' };
import { run } from './command.ts';
import type { ScenarioParts } from './scenario.ts';

/** A chart, and the version of its images. */
export interface ChartSource {
  /** The folder of the chart. */
  readonly chart: string;
  readonly version: string;
}

/** The images that the nodes have. Sysctls belong to the whole machine, and not to a node of the test. */
const settingsOf = (version: string) => [
  ...['agent', 'controller', 'uninstall'].flatMap((part) => [
    `${part}.image.registry=localhost`,
    `${part}.image.tag=${version}`,
  ]),
  'agent.tuneSysctlConfig=false',
  'agent.askRuntime=true',
];

/** As in values.yaml of the chart. */
export const multusImage = 'ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0-thick';

const waiting = ['--wait', '--timeout', '120s'];

/** The release `orbweaver`. Each deed resolves when all its pods are Ready, or gone. */
export class ChartRelease {
  readonly #parts: Pick<ScenarioParts, 'cluster' | 'helm'>;
  readonly #source: ChartSource;

  /** Of the checkout, unless another source is given. */
  constructor(parts: ScenarioParts, source?: ChartSource) {
    this.#parts = parts;
    this.#source = source ?? { chart: join(parts.root, 'deploy/chart'), version: description.version };
  }

  get version(): string {
    return this.#source.version;
  }

  /** `values` are as for --set. Those of `json` are set as they are, by their paths. */
  install(values: readonly string[] = [], json: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const set = Object.entries(json).flatMap(([path, value]) => [
      '--set-json',
      `${path}=${JSON.stringify(value)}`,
    ]);
    return this.#helm('install', 'orbweaver', ...this.#chart(values), ...set);
  }

  upgrade(values: readonly string[] = []): Promise<string> {
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
    const kinds = 'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy';
    const cluster = ['--kube-version', '1.30', '--api-versions', kinds];
    const shown = [...cluster, '--show-only', `templates/${name}.yaml`];
    const set = values.flatMap((value) => ['--set', value]);
    return this.#helm('template', 'orbweaver', this.#source.chart, ...shown, ...set);
  }

  #chart(values: readonly string[]): string[] {
    const { chart, version } = this.#source;
    return [chart, ...waiting, '--set', [...settingsOf(version), ...values].join()];
  }

  #helm(...args: string[]): Promise<string> {
    const { cluster, helm } = this.#parts;
    const [enter, ...entering] = cluster.entering('hub');
    return run([enter, ...entering, helm, '--namespace', 'kube-system', ...args], {
      env: cluster.environment,
    });
  }
}
