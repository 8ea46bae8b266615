// Which of Kubernetes' tests are chosen, and how they run: from the place of the control plane, as a client outside.

import { join } from 'node:path';
import { type Cluster, home } from '../kube/cluster.ts';
import { readReport, type TestResult } from './report.ts';

/** Regular expressions for names of tests. */
export interface Suite {
  readonly focus: string;
  readonly skip?: string;
  /** How many tests it has, or a few fewer. */
  readonly least: number;
}

/** What the tests of a pattern need that is not here. */
interface Exclusion {
  /** A regular expression for names of tests. */
  readonly pattern: string;
  readonly need: string;
}

export const exclusions: readonly Exclusion[] = [
  { pattern: 'LoadBalancer|Provider:GCE|\\[Feature:NEG', need: 'a load balancer, or an API of a cloud' },
  { pattern: 'Internet connection', need: 'the internet' },
  { pattern: 'SCTP|KubeProxyNFAcct', need: 'kernel modules that many machines lack' },
  { pattern: '\\[Disruptive\\]', need: 'a shell on the nodes by SSH' },
  { pattern: 'OffByDefault', need: 'features that Kubernetes has off' },
  { pattern: 'evicted pods', need: 'a kubelet that evicts pods for what they store' },
  { pattern: 'DNS configMap|PerformanceDNS', need: 'a DNS that other tests do not need at that time' },
  { pattern: 'IPerf2', need: 'iperf2; the test measures and finds no fault' },
];

const excluded = exclusions.map(({ pattern }) => pattern).join('|');

export const suites = {
  conformance: { focus: '\\[sig-network\\].*\\[Conformance\\]', least: 45 },
  wider: {
    focus: '\\[sig-network\\]',
    skip: `\\[Conformance\\]|${excluded}|Netpol|NetworkPolicy`,
    least: 90,
  },
  policy: {
    focus: '\\[sig-network\\].*(Netpol|NetworkPolicy)',
    skip: excluded,
    least: 40,
  },
} as const satisfies Record<string, Suite>;

export type SuiteName = keyof typeof suites;

const folder = `${home}/e2e`;

/** Runs them six at a time, and returns what each has found. `programs` is the folder with e2e.test and ginkgo. */
export async function runSuite(
  cluster: Cluster,
  programs: string,
  { focus, skip }: Pick<Suite, 'focus' | 'skip'>,
): Promise<TestResult[]> {
  const argv = [
    ...[join(programs, 'ginkgo'), '--procs=6', '--timeout=60m', '--no-color'],
    ...[`--focus=${focus}`, ...(skip === undefined ? [] : [`--skip=${skip}`])],
    ...[`--output-dir=${folder}`, '--json-report=report.json'],
    ...[join(programs, 'e2e.test'), '--', '--provider=skeleton'],
    ...[`--kubeconfig=${home}/pki/admin.kubeconfig`, `--kubectl-path=${home}/bin/kubectl`],
    ...['--num-nodes=2', '--allowed-not-ready-nodes=0', '--dump-logs-on-failure=false', '--disable-log-dump'],
  ];
  const script = `mkdir -p ${folder}; rm -f ${folder}/*; "$@" >${home}/log/e2e.log 2>&1 || echo "ended with $?"`;
  const said = await cluster.hub(['sh', '-c', script, 'sh', ...argv]);
  const text = await cluster.hub(['cat', `${folder}/report.json`]).catch(() => '[]');
  const results = readReport(text);
  if (results.length > 0) return results;
  const log = await cluster.hub(['tail', '-n', '20', `${home}/log/e2e.log`]);
  throw new Error(`the tests have no results: ${said}${log}`);
}
