// CNI_ARGS: `K=V;K=V`, by which the runtime says which pod it is about.

import { OrbError } from '#base';

/** The pod of a CNI call; the kubelet's runtime sets all four. */
export interface KubernetesArgs {
  readonly podNamespace: string | undefined;
  readonly podName: string | undefined;
  readonly podUid: string | undefined;
  readonly infraContainerId: string | undefined;
}

const fields = {
  K8S_POD_NAMESPACE: 'podNamespace',
  K8S_POD_NAME: 'podName',
  K8S_POD_UID: 'podUid',
  K8S_POD_INFRA_CONTAINER_ID: 'infraContainerId',
} as const;

/** Reads CNI_ARGS; a key we do not know is an error unless the text says IgnoreUnknown=1 (CNI conventions). */
export function parseKubernetesArgs(text: string): KubernetesArgs {
  const pairs = splitPairs(text);
  const args = {
    podNamespace: undefined,
    podName: undefined,
    podUid: undefined,
    infraContainerId: undefined,
  };
  const known = Object.entries(fields).map(([key, field]) => [field, pairs.get(key) || undefined] as const);
  const unknown = [...pairs.keys()].filter((key) => !(key in fields) && key !== 'IgnoreUnknown');
  if (unknown.length > 0 && !ignoresUnknown(pairs.get('IgnoreUnknown'))) {
    throw invalid(
      `unknown args ${JSON.stringify(unknown)}: allowed are ${Object.keys(fields).join(', ')}, ` +
        'and any other with IgnoreUnknown=1',
    );
  }
  return { ...args, ...Object.fromEntries(known) };
}

function splitPairs(text: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of text.split(';').filter((part) => part !== '')) {
    const [key, value, ...more] = pair.split('=');
    if (!key || value === undefined || more.length > 0) {
      throw invalid(`invalid pair ${JSON.stringify(pair)}: the form is KEY=VALUE;KEY=VALUE`);
    }
    pairs.set(key, value);
  }
  return pairs;
}

function ignoresUnknown(value = '0'): boolean {
  if (/^(1|true)$/i.test(value)) return true;
  if (/^(0|false)$/i.test(value)) return false;
  throw invalid(`IgnoreUnknown ${JSON.stringify(value)} is not one of 1, 0, true, false`);
}

function invalid(problem: string): OrbError {
  return new OrbError('CNI_ENVIRONMENT_INVALID', { message: `CNI_ARGS: ${problem}`, subject: 'CNI_ARGS' });
}
