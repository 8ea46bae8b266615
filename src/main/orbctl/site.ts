// Where orbctl looks: a running lab, or the node that it runs on. KUBECONFIG decides, as with kubectl.

import { existsSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { type Logger, OrbError, silentLogger } from '#base';
import { nodeSite, type Site } from '#cli';
import { connect, inClusterConfig, type KubeClient, type KubeConfig, kubeconfigFile } from '#kube';
import { labNamespaces, labOfKubeconfig, labTables, type RunningLab, runningLabs } from '#lab';

/** Only root can see into a lab's mounts. Other users would be told that no lab runs. */
export function needRoot(done: string): void {
  if (process.getuid?.() === 0) return;
  throw new OrbError('LAB_NOT_ROOT', { message: `the lab must be ${done} as root` });
}

/** As with kubectl, an empty KUBECONFIG counts as unset. */
function namedKubeconfig({ KUBECONFIG: path }: NodeJS.ProcessEnv): string | undefined {
  return path === '' ? undefined : path;
}

/**
 * The lab that KUBECONFIG names, or all labs if it names none: several may run, each with its own node1. Throws LAB_NOT_RUNNING if
 * KUBECONFIG belongs to a lab that has ended.
 */
export function labsInSight(environment: NodeJS.ProcessEnv): RunningLab[] {
  const path = namedKubeconfig(environment);
  const labs = runningLabs();
  const named = path === undefined ? undefined : labOfKubeconfig(labs, path);
  return named === undefined ? labs : [named];
}

/**
 * A lab, if KUBECONFIG names it, or if KUBECONFIG is unset and one lab runs. Otherwise the node that this runs on. Throws INPUT_INVALID if
 * KUBECONFIG is unset and several labs run.
 */
export async function siteOf(environment: NodeJS.ProcessEnv): Promise<Site> {
  const { NODE_NAME: node } = environment;
  const lab = chosenLab(environment);
  const client = clientOf(environment, { lab });
  if (lab !== undefined) return { client, places: labNamespaces(lab), ...labTables };
  return nodeSite(client, node ?? hostname());
}

/** The API server of the lab or cluster that {@link siteOf} takes. */
export function clientOf(
  environment: NodeJS.ProcessEnv,
  { lab = chosenLab(environment), log = silentLogger }: { lab?: RunningLab | undefined; log?: Logger } = {},
): KubeClient {
  const config = lab === undefined ? kubeConfigOf(environment) : kubeconfigFile(lab.kubeconfig);
  return connect(config, { log });
}

/** Undefined for a cluster. */
function chosenLab(environment: NodeJS.ProcessEnv): RunningLab | undefined {
  const path = namedKubeconfig(environment);
  const [lab, ...others] = labsInSight(environment);
  if (path === undefined && others.length > 0) {
    const message = `${others.length + 1} labs run: set KUBECONFIG to that of one lab; \`orbctl lab ls\` shows them`;
    throw new OrbError('INPUT_INVALID', { message });
  }
  return path === undefined || path === lab?.kubeconfig ? lab : undefined;
}

/** As kubectl does: KUBECONFIG, then ~/.kube/config, then the service account of a pod. Throws INPUT_INVALID if there is none. */
export function kubeConfigOf(environment: NodeJS.ProcessEnv): KubeConfig {
  const { HOME: home = homedir() } = environment;
  const path = namedKubeconfig(environment);
  if (path !== undefined) return kubeconfigFile(path);
  const own = join(home, '.kube/config');
  if (existsSync(own)) return kubeconfigFile(own);
  if (environment.KUBERNETES_SERVICE_HOST !== undefined) return inClusterConfig(environment);
  const message = `KUBECONFIG is not set, and there is no ${own}, no service account of a pod and no running lab`;
  throw new OrbError('INPUT_INVALID', { message });
}
