// The pod of an attachment, as the runtime names it in CNI_ARGS.

import { type AttachmentEnvironment, type KubernetesArgs, parseKubernetesArgs } from '#api';
import { isOrbError, OrbError } from '#base';

/** Namespace and name of the pod, and its UID if the runtime passes it. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string | undefined;
}

/** For ADD and CHECK. Throws CNI_POD_UNKNOWN, which names what is missing. */
export function requirePod({ args }: AttachmentEnvironment): PodIdentity {
  const { podNamespace, podName, podUid } = parseKubernetesArgs(args);
  if (podNamespace === undefined || podName === undefined) {
    const missing = [
      ...(podNamespace === undefined ? ['K8S_POD_NAMESPACE'] : []),
      ...(podName === undefined ? ['K8S_POD_NAME'] : []),
    ];
    throw new OrbError('CNI_POD_UNKNOWN', {
      message: `CNI_ARGS lacks ${missing.join(' and ')}`,
      subject: 'CNI_ARGS',
    });
  }
  return { namespace: podNamespace, name: podName, uid: podUid };
}

/**
 * For DEL, which must not fail for missing data that it does not need. Fields are undefined if CNI_ARGS is absent or
 * malformed.
 */
export function podIfKnown({ args }: AttachmentEnvironment): Partial<KubernetesArgs> {
  try {
    return parseKubernetesArgs(args);
  } catch (error) {
    if (isOrbError(error, 'CNI_ENVIRONMENT_INVALID')) return {};
    throw error;
  }
}
