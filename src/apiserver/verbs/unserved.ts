// Subresources that kube-apiserver has and this server lacks, with an alternative for each.
// docs/embedded-api-server.md has the table.

import type { ResourcePath } from '../http/index.ts';
import { noSuchPath, StatusError } from '../status.ts';

/** By `plural/subresource` of the core group. The reader replaces POD and COMMAND. */
const instead: Readonly<Record<string, string>> = {
  'pods/exec': 'run `orbctl lab exec POD -- COMMAND`',
  'pods/attach': 'run `orbctl lab exec POD -- COMMAND`',
  'pods/portforward':
    "connect to the pod's address: `orbctl lab exec POD -- COMMAND` runs a client inside the lab",
  'pods/proxy': "connect to the pod's address: `orbctl lab exec POD -- COMMAND` runs a client inside the lab",
  'pods/log':
    'the lab does not store the output of pods: run the program with `orbctl lab exec POD -- COMMAND`',
  'pods/ephemeralcontainers':
    'the pods of the lab run processes of its machine: run `orbctl lab exec POD -- COMMAND`',
  'pods/resize': 'the pods of the lab have no resource limits: delete the pod and create it again',
  'services/proxy':
    "connect to the Service's address: `orbctl lab exec POD -- COMMAND` runs a client inside the lab",
  'nodes/proxy': 'the kubelets of the lab answer no requests: run `orbctl lab exec NODE -- COMMAND`',
};

/** All subresources that the server answers with 501. */
export const unservedParts = Object.keys(instead);

/** The refusal of a kind that is not served. For kubectl, the 404 means that the server does not know the type. */
export function unservedKind({ group, version, plural }: ResourcePath): StatusError {
  const what = `${plural} of ${group === '' ? version : `${group}/${version}`}`;
  const message = `the server could not find the requested resource: the embedded API server does not serve ${what} (docs/embedded-api-server.md)`;
  return new StatusError(404, 'NotFound', message, {});
}

/** The refusal of a subresource: 501 with an alternative, or 404 for one that Kubernetes does not have either. */
export function unserved({ group, plural, subresource }: ResourcePath): StatusError {
  const name = `${plural}/${subresource}`;
  const advice = group === '' ? instead[name] : undefined;
  if (advice === undefined) return noSuchPath();
  return new StatusError(501, 'NotImplemented', `this server does not serve ${name}: ${advice}`);
}
