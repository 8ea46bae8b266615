// The rights of our programs on a cluster: what their tokens must not do is refused, and nothing that they need.

import { join } from 'node:path';
import { type Cluster, home, type NodeName } from './cluster.ts';
import type { RawAnswer, RawRequest } from './requests.ts';
import { writeKubeconfig } from './service-account.ts';

const read = (path: string): RawRequest => ({ method: 'GET', path });
const make = (path: string, body: object): RawRequest => ({ method: 'POST', path, body });
const patch = (path: string, body: object): RawRequest => ({ method: 'PATCH', path, body });
const remove = (path: string): RawRequest => ({ method: 'DELETE', path });

const system = '/api/v1/namespaces/kube-system';
const ours = '/apis/spiderpool.spidernet.io/v2beta1';
const config = `${ours}/namespaces/kube-system/spidermultusconfigs/macvlan-underlay`;
const definitions = '/apis/k8s.cni.cncf.io/v1/namespaces/kube-system/network-attachment-definitions';
const webhooks = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
const kinds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const roleBindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';

const pod = {
  metadata: { name: 'intruder' },
  spec: { containers: [{ name: 'c', image: 'localhost/orbweaver/probe:1' }] },
};
const pool = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name: 'intruder' },
  spec: { subnet: '192.168.80.0/24' },
};
const annotated = (key: string) => ({ metadata: { annotations: { [key]: '{"name":"x","types":[]}' } } });
const boundTo = (name: string) => ({ apiVersion: 'v1', kind: 'Node', name });
const binding = {
  metadata: { name: 'intruder' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'intruder' }],
};

/** Neither program may do these. */
const forBoth: readonly RawRequest[] = [
  read('/api/v1/secrets'),
  read(`${system}/secrets`),
  read(`${system}/secrets/other`),
  make(`${system}/pods`, pod),
  remove(`${system}/pods/intruder`),
  remove('/api/v1/nodes/node2'),
  patch('/api/v1/nodes/node1/status', { status: { phase: 'Running' } }),
  make(`${system}/serviceaccounts/orbweaver-controller/token`, { spec: {} }),
  make(roleBindings, binding),
  patch(config, { spec: { disableIPAM: true } }),
  patch(`${ours}/spidercoordinators/default`, { spec: { mode: 'overlay' } }),
  remove(`${ours}/spidersubnets/none`),
];

interface Holder {
  readonly account: string;
  readonly node?: NodeName;
  readonly forbidden: readonly RawRequest[];
}

const holders: readonly Holder[] = [
  {
    account: 'orbweaver-agent',
    node: 'node1',
    forbidden: [
      ...forBoth,
      // The policies of deploy/agent-admission.yaml refuse these; RBAC cannot.
      patch('/api/v1/nodes/node2', annotated('orbweaver.io/cluster-cni')),
      patch('/api/v1/nodes/node1', annotated('example.com/note')),
      patch('/api/v1/nodes/node1', { metadata: { annotations: { 'node.alpha.kubernetes.io/ttl': null } } }),
      patch('/api/v1/nodes/node1', { metadata: { labels: { 'example.com/own': 'yes' } } }),
      patch('/api/v1/nodes/node1', { spec: { unschedulable: true } }),
      { method: 'PUT', path: `${ours}/spiderippools/lan-v4`, body: { spec: { disable: true } } },
      make(`${ours}/spiderippools`, pool),
      make(`${system}/serviceaccounts/orbweaver-agent/token`, { spec: { boundObjectRef: boundTo('node2') } }),
      read(`${system}/configmaps`),
      read(definitions),
      read(`${system}/secrets/orbweaver-webhook-certificates`),
    ],
  },
  {
    account: 'orbweaver-controller',
    forbidden: [
      ...forBoth,
      patch('/api/v1/nodes/node1', annotated('orbweaver.io/cluster-cni')),
      make(`${system}/serviceaccounts/orbweaver-agent/token`, { spec: {} }),
      remove(`${system}/secrets/orbweaver-webhook-certificates`),
      read('/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/other'),
      remove(`${definitions}/macvlan-underlay`),
      remove(`${webhooks}/orbweaver`),
      read(`${webhooks}/other`),
      patch(`${system}/configmaps/kube-root-ca.crt`, { data: { 'ca.crt': '' } }),
      remove(`${kinds}/spiderippools.spiderpool.spidernet.io`),
      patch(`${kinds}/others.example.com`, { metadata: { labels: { intruder: 'yes' } } }),
    ],
  },
];

/** Tries each with a token of its own. Throws if one is not refused. */
export async function expectRefusals(cluster: Cluster): Promise<void> {
  const faults = await Promise.all(
    holders.map(async ({ forbidden, ...holder }) => {
      const requests = await Promise.all(forbidden.map((each) => completed(cluster, each)));
      const answers = await askWith(cluster, await writeKubeconfig(cluster, holder), requests);
      return forbidden.flatMap(({ method, path, body = {} }, i) => {
        const { code, body: said } = answers[i] ?? { code: 0, body: 'no answer' };
        if (isRefusal({ code, body: said })) return [];
        const what = `${holder.account}: ${method} ${path} ${JSON.stringify(body)}`;
        return [`${what} was not refused: ${code} ${said.slice(0, 300)}`];
      });
    }),
  );
  if (faults.flat().length > 0) throw new Error(faults.flat().join('\n'));
}

/** The body of a PUT is the stored object with a change: without its version it would be refused for that. */
async function completed(cluster: Cluster, request: RawRequest): Promise<RawRequest> {
  if (request.method !== 'PUT') return request;
  const object = JSON.parse(await cluster.kubectl(['get', '--raw', request.path])) as { spec: object };
  const change = request.body as { readonly spec: object };
  return { ...request, body: { ...object, spec: { ...object.spec, ...change.spec } } };
}

/** RBAC answers 403. A policy answers 422 and names itself. */
function isRefusal({ code, body }: RawAnswer): boolean {
  return (
    code === 403 ||
    (code === 422 && /ValidatingAdmissionPolicy 'orbweaver-agent(-pools|-tokens)?'/.test(body))
  );
}

async function askWith(
  cluster: Cluster,
  kubeconfig: string,
  requests: readonly RawRequest[],
): Promise<RawAnswer[]> {
  const program = [process.execPath, join(import.meta.dirname, 'requests.ts'), kubeconfig];
  return JSON.parse(await cluster.hub(program, { input: JSON.stringify(requests) })) as RawAnswer[];
}

/** The cluster's log of requests (audit.k8s.io/v1). */
interface AuditEvent {
  readonly user: { readonly username: string };
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
  readonly responseStatus?: { readonly code?: number };
}

/** The API server notes how each request of our programs was answered. Those of this test have another user agent. */
export async function expectNoRefusal(cluster: Cluster): Promise<void> {
  const events = (await cluster.hub(['cat', `${home}/log/audit.log`]))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ userAgent }) => userAgent === 'orbweaver');
  for (const { account } of holders) {
    const own = events.filter(({ user }) => user.username.endsWith(`:${account}`));
    if (own.length === 0) throw new Error(`the API server has noted no request of ${account}`);
    const bad = own.filter(({ responseStatus }) => [401, 403].includes(responseStatus?.code ?? 0));
    const lines = new Set(bad.map(({ verb, requestURI }) => `${account}: ${verb} ${requestURI}`));
    if (lines.size > 0) throw new Error(`the API server refused:\n${[...lines].slice(0, 20).join('\n')}`);
  }
}
