// CNI_ARGS: `K=V;K=V`. The runtime names the pod of the call in it.

import { OrbError } from '#base';

/** The pod of a CNI call. The kubelet's runtime sets all four. */
export interface KubernetesArgs {
  readonly podNamespace: string | undefined;
  readonly podName: string | undefined;
  readonly podUid: string | undefined;
  readonly infraContainerId: string | undefined;
  /** Addresses that the pod asks for, as Multus passes them on: one, or several separated by commas. */
  readonly requestedAddresses: string | undefined;
  /** The link address that the pod asks for, as Multus passes it on. */
  readonly requestedMac: string | undefined;
}

const known = [
  'K8S_POD_NAMESPACE',
  'K8S_POD_NAME',
  'K8S_POD_UID',
  'K8S_POD_INFRA_CONTAINER_ID',
  'IP',
  'MAC',
  'IgnoreUnknown',
];

/** Reads CNI_ARGS. An unknown key is an error, unless the text contains IgnoreUnknown=1 (CNI conventions). */
export function parseKubernetesArgs(text: string): KubernetesArgs {
  const { pairs, malformed } = splitPairs(text);
  if (malformed !== undefined) {
    throw invalid(`invalid pair ${JSON.stringify(malformed)}: the form is KEY=VALUE;KEY=VALUE`);
  }
  const tolerant = ignoresUnknown(pairs.get('IgnoreUnknown'));
  const unknown = [...pairs.keys()].filter((key) => !known.includes(key));
  if (unknown.length > 0 && !tolerant) {
    const allowed = known.join(', ');
    throw invalid(
      `unknown args ${JSON.stringify(unknown)}: allowed are ${allowed}, and any other with IgnoreUnknown=1`,
    );
  }
  return {
    podNamespace: pairs.get('K8S_POD_NAMESPACE') || undefined,
    podName: pairs.get('K8S_POD_NAME') || undefined,
    podUid: pairs.get('K8S_POD_UID') || undefined,
    infraContainerId: pairs.get('K8S_POD_INFRA_CONTAINER_ID') || undefined,
    requestedAddresses: pairs.get('IP') || undefined,
    requestedMac: pairs.get('MAC') || undefined,
  };
}

/** The pod that CNI_ARGS names, also if another part of the text is malformed. Undefined if it does not name one. */
export function podNamedIn(text: string): { readonly namespace: string; readonly name: string } | undefined {
  const { pairs } = splitPairs(text);
  const namespace = pairs.get('K8S_POD_NAMESPACE');
  const name = pairs.get('K8S_POD_NAME');
  return namespace && name ? { namespace, name } : undefined;
}

/** The pairs of the text, and the first part that is not a pair. */
function splitPairs(text: string): { pairs: ReadonlyMap<string, string>; malformed: string | undefined } {
  const pairs = new Map<string, string>();
  let malformed: string | undefined;
  for (const pair of text.split(';').filter((part) => part !== '')) {
    const [key, value, ...more] = pair.split('=');
    if (key && value !== undefined && more.length === 0) pairs.set(key, value);
    else malformed ??= pair;
  }
  return { pairs, malformed };
}

function ignoresUnknown(value = '0'): boolean {
  if (/^(1|true)$/i.test(value)) return true;
  if (/^(0|false)$/i.test(value)) return false;
  throw invalid(`IgnoreUnknown ${JSON.stringify(value)} is not one of 1, 0, true, false`);
}

function invalid(problem: string): OrbError {
  return new OrbError('CNI_ENVIRONMENT_INVALID', { message: `CNI_ARGS: ${problem}`, subject: 'CNI_ARGS' });
}
