// What agents write into IPAMClaims, against the kind as its project publishes it: its schema must take it.
// Bodies are untyped on purpose: their form is what is tested.
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-call, typescript/no-unsafe-return, typescript/no-unsafe-assignment */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { foreignResources, type Pod } from '#api';
import { silentLogger, systemClock } from '#base';
import { parseCidr } from '#ip';
import { connect, kubeconfigFile } from '#kube';
import type { Assignment } from '#plan/ipam';
import { ClaimWriter } from '../../src/agent/ipam/nic-claims.ts';
import { type Body, Cluster } from './cluster.ts';

const type = foreignResources.ipamClaims;
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
let cluster: Cluster;
let client: ReturnType<typeof connect>;
let claims: string;

before(async () => {
  cluster = await Cluster.open();
  client = connect(kubeconfigFile(cluster.kubeconfig), { log: silentLogger });
  const definition: Body = parse(readFileSync(join(import.meta.dirname, 'ipamclaims.yaml'), 'utf8'));
  await cluster.must('POST', definitions, { body: definition });
  cluster.later(() => cluster.must('DELETE', `${definitions}/ipamclaims.k8s.cni.cncf.io`));
  claims = `/apis/k8s.cni.cncf.io/v1alpha1/namespaces/${cluster.namespace}/ipamclaims`;
  await cluster.until(claims, ({ code }) => code === 200);
});

after(async () => {
  client.close();
  await cluster.close();
});

const pod = (name: string): Pod => ({ metadata: { namespace: cluster.namespace, name, uid: `uid-${name}` } });
const assigned = (text: string): Assignment => {
  const { address, prefixLength } = parseCidr(text);
  return { nic: 'net1', address, pool: { subnet: { address, prefixLength } } } as unknown as Assignment;
};

/** What the server stores, without times. */
async function stored(): Promise<Body> {
  const { status } = await cluster.must('GET', `${claims}/vm-net1`);
  const conditions = status.conditions?.map(({ lastTransitionTime: _, ...rest }: Body) => rest);
  return { ...status, ...(conditions !== undefined && { conditions }) };
}

test('owner, addresses and condition are stored as the kind has them, and read again', async () => {
  const { signal } = new AbortController();
  const body = {
    apiVersion: 'k8s.cni.cncf.io/v1alpha1',
    kind: 'IPAMClaim',
    metadata: { name: 'vm-net1' },
    spec: { network: 'lan', interface: 'net1' },
  };
  await cluster.must('POST', claims, { body });
  const writer = new ClaimWriter({ client, clock: systemClock });
  const alone = { isMigrationTarget: false };
  const named = new Map([['net1', 'vm-net1']]);
  await writer.hold(pod('first'), alone, named, signal);
  assert.deepEqual(await stored(), { ips: [], ownerPod: { name: 'first' } });
  await writer.show(pod('first'), named, [assigned('10.6.0.5/16'), assigned('fd00::5/64')], signal);
  const condition = {
    type: 'IPsAllocated',
    status: 'True',
    reason: 'SuccessfulAllocation',
    message: 'pod first has 10.6.0.5/16, fd00::5/64',
  };
  const ips = ['10.6.0.5/16', 'fd00::5/64'];
  assert.deepEqual(await stored(), { ips, ownerPod: { name: 'first' }, conditions: [condition] });
  // No pod has the name of the first one, so the second one takes the claim over.
  await writer.hold(pod('second'), alone, named, signal);
  assert.deepEqual((await stored()).ownerPod, { name: 'second' });
  assert.deepEqual(
    (await client.get(type, { namespace: cluster.namespace, name: 'vm-net1' })).status?.ips,
    ips,
  );
});
