// The rights of our programs on a cluster: what their tokens must not do is refused, and nothing that they need.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { accounts, inOrder, type Right, rightsOf, rolesOf, WEBHOOK_SECRET } from '../../tools/rights.ts';
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
const addresses = 'openstack.orbweaver.io/addresses';
const counted = (resource: string) => ({
  status: { capacity: { [resource]: '1' }, allocatable: { [resource]: '1' } },
});
const boundTo = (name: string) => ({ apiVersion: 'v1', kind: 'Node', name });
/** The API server writes a token of another account into it. */
const accountToken = (name: string) => ({
  metadata: { name, annotations: { 'kubernetes.io/service-account.name': 'default' } },
  type: 'kubernetes.io/service-account-token',
});
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
  remove(`${ours}/spidersubnets/none`),
];

interface Holder {
  readonly account: string;
  readonly node?: NodeName;
  readonly forbidden: readonly RawRequest[];
  /** Requests beside those that the policies refuse. */
  readonly allowed: readonly RawRequest[];
}

const holders: readonly Holder[] = [
  {
    account: 'orbweaver-agent',
    node: 'node1',
    // Without a Node as before Kubernetes 1.31.
    allowed: [
      ...[{}, { boundObjectRef: boundTo('node1') }].map((more) =>
        make(`${system}/serviceaccounts/orbweaver-agent/token`, {
          spec: { audiences: ['orbweaver-controller'], ...more },
        }),
      ),
      patch('/api/v1/nodes/node1/status', counted(addresses)),
    ],
    forbidden: [
      ...forBoth,
      // The policies of deploy/agent-admission.yaml refuse these; RBAC cannot.
      patch('/api/v1/nodes/node2', annotated('orbweaver.io/cluster-cni')),
      patch('/api/v1/nodes/node1', annotated('example.com/note')),
      patch('/api/v1/nodes/node2/status', counted(addresses)),
      patch('/api/v1/nodes/node1/status', counted('example.com/devices')),
      patch('/api/v1/nodes/node1/status', { status: { capacity: { pods: '7' } } }),
      patch('/api/v1/nodes/node1/status', {
        status: { addresses: [{ type: 'InternalIP', address: '10.0.0.9' }] },
      }),
      patch('/api/v1/nodes/node1/status', { metadata: { labels: { 'example.com/own': 'yes' } } }),
      patch('/api/v1/nodes/node1', { metadata: { annotations: { 'node.alpha.kubernetes.io/ttl': null } } }),
      patch('/api/v1/nodes/node1', { metadata: { labels: { 'example.com/own': 'yes' } } }),
      patch('/api/v1/nodes/node1', { spec: { unschedulable: true } }),
      { method: 'PUT', path: `${ours}/spiderippools/lan-v4`, body: { spec: { disable: true } } },
      make(`${ours}/spiderippools`, pool),
      patch(`${ours}/spidercoordinators/default`, { spec: { mode: 'overlay' } }),
      make(`${system}/serviceaccounts/orbweaver-agent/token`, {
        spec: { audiences: ['orbweaver-controller'], boundObjectRef: boundTo('node2') },
      }),
      // Those for the API server would live longer than the stolen one.
      make(`${system}/serviceaccounts/orbweaver-agent/token`, { spec: { expirationSeconds: 31_536_000 } }),
      make(`${system}/serviceaccounts/orbweaver-agent/token`, { spec: { audiences: ['other'] } }),
      read(`${system}/configmaps`),
      read(definitions),
      read(`${system}/secrets/orbweaver-webhook-certificates`),
    ],
  },
  {
    account: 'orbweaver-controller',
    allowed: [],
    forbidden: [
      ...forBoth,
      remove(`${ours}/spidercoordinators/default`),
      patch('/api/v1/nodes/node1', annotated('orbweaver.io/cluster-cni')),
      make(`${system}/serviceaccounts/orbweaver-agent/token`, { spec: {} }),
      // The policies of deploy/controller-admission.yaml refuse these. With the first, it would read any account's token.
      make(`${system}/secrets`, accountToken('orbweaver-webhook-certificates')),
      make(`${system}/secrets`, accountToken('intruder')),
      make(`${system}/secrets`, { metadata: { generateName: 'intruder-' } }),
      make(`${system}/configmaps`, { metadata: { name: 'intruder' } }),
      make('/apis/coordination.k8s.io/v1/namespaces/kube-system/leases', { metadata: { name: 'intruder' } }),
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

/** What `kubectl auth can-i --list` prints for the account is what docs/rights.md says, and what every account may. */
export async function expectListedRights(cluster: Cluster, names: readonly string[]): Promise<void> {
  const everyone = new Set(await listedRights(cluster, 'default'));
  for (const account of accounts.filter(({ name }) => names.includes(name))) {
    const listed = (await listedRights(cluster, account.name)).filter((line) => !everyone.has(line));
    const rules = rolesOf(account).flatMap((role) => role.rules);
    const said = rightsOf(rules)
      .filter(({ name }) => name !== WEBHOOK_SECRET)
      .map(lineOf);
    assert.deepEqual(listed.toSorted(), said.toSorted(), account.name);
  }
}

async function listedRights(cluster: Cluster, account: string): Promise<string[]> {
  const groups = ['serviceaccounts', 'serviceaccounts:kube-system', 'authenticated'];
  const text = await cluster.kubectl([
    ...['auth', 'can-i', '--list', '--no-headers', '--namespace', 'kube-system'],
    ...['--as', `system:serviceaccount:kube-system:${account}`],
    ...groups.map((group) => `--as-group=system:${group}`),
  ]);
  const lines = text.matchAll(/^(\S+) +\[\] +\[(\S*)\] +\[(.*)\]$/gm);
  return Array.from(lines, ([, resource = '', name = '', verbs = '']) =>
    lineOf({ resource, name, verbs: inOrder(verbs.split(' ')) }),
  );
}

function lineOf({ resource, name, verbs }: Right): string {
  return `${resource} [${name}] ${verbs.join(' ')}`;
}

/** Tries each with a token of its own. Throws if one is not refused, or if an allowed one is. */
export async function expectRefusals(cluster: Cluster): Promise<void> {
  const faults = await Promise.all(
    holders.map(async ({ forbidden, allowed, ...holder }) => {
      const requests = await Promise.all(forbidden.map((each) => completed(cluster, each)));
      const kubeconfig = await writeKubeconfig(cluster, holder);
      for (const { code, body } of await askWith(cluster, kubeconfig, allowed))
        if (code >= 300) throw new Error(`${holder.account} was refused: ${code} ${body.slice(0, 300)}`);
      const answers = await askWith(cluster, kubeconfig, requests);
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
    (code === 422 &&
      /ValidatingAdmissionPolicy 'orbweaver-(agent(-pools|-tokens)?|controller-(names|secrets))'/.test(body))
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
