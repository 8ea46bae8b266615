// kubectl (KUBECTL, or the one on the PATH) does its everyday work.
// Bodies are untyped on purpose: their form is what is tested.
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-call, typescript/no-unsafe-return, typescript/no-unsafe-argument, typescript/no-unsafe-assignment */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cluster } from './cluster.ts';

let cluster: Cluster;
before(async () => {
  cluster = await Cluster.open();
});
after(() => cluster.close());

const ok = async (args: string, input = '', env: Record<string, string> = {}): Promise<string> => {
  const { code, text } = await cluster.kubectl(args.split(' '), input, env);
  assert.equal(code, 0, `kubectl ${args}: ${text}`);
  return text;
};
const manifest = (replicas: number, image: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: "${image}"}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "1"}
`;

test('apply creates an object, sees that nothing changed, and changes it', async () => {
  assert.match(
    await ok('apply -f -', manifest(0, 'i:1')),
    /deployment.apps\/web created\nconfigmap\/settings created/,
  );
  assert.match(
    await ok('apply -f -', manifest(0, 'i:1')),
    /deployment.apps\/web unchanged\nconfigmap\/settings unchanged/,
  );
  assert.match(
    await ok('apply -f -', manifest(0, 'i:2')),
    /deployment.apps\/web configured\nconfigmap\/settings unchanged/,
  );
  assert.match(
    await ok('apply --server-side --force-conflicts -f -', manifest(0, 'i:3')),
    /serverside-applied/,
  );
});

test('apply --server-side continues after apply, with another value and without a conflict', async () => {
  const settings = (value: string) => `
apiVersion: v1
kind: ConfigMap
metadata: {name: begun}
data: {a: "${value}"}
`;
  await ok('apply -f -', settings('1'));
  assert.match(await ok('apply --server-side -f -', settings('2')), /configmap\/begun serverside-applied/);
  assert.equal(await ok('get configmap begun -o jsonpath={.data.a}'), '2');
  assert.match(await ok('apply view-last-applied configmap begun'), /a: "2"/);
  assert.match(await ok('apply -f -', settings('3')), /configmap\/begun configured/);
});

test('apply refuses a field that does not exist', async () => {
  const { code, text } = await cluster.kubectl(
    ['apply', '-f', '-'],
    manifest(0, 'i:3').replace('\ndata:', '\ndataa:'),
  );
  assert.notEqual(code, 0);
  assert.match(text, /unknown field "?\\?"?dataa/);
});

test('get prints tables, wide tables and single fields', async () => {
  assert.match(await ok('get deployments'), /NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/0/);
  assert.match(await ok('get deployments -o wide'), /CONTAINERS +IMAGES +SELECTOR\nweb .* c +i:3 +app=web/);
  assert.equal(await ok('get configmap settings -o jsonpath={.data.a}'), '1');
});

test('patch, label, annotate and scale change objects', async () => {
  assert.match(await ok('patch configmap settings --type merge -p {"data":{"b":"2"}}'), /patched/);
  assert.match(
    await ok('patch configmap settings --type json -p [{"op":"add","path":"/data/c","value":"3"}]'),
    /patched/,
  );
  assert.match(await ok('patch deployment web -p {"spec":{"minReadySeconds":1}}'), /patched/);
  assert.match(await ok('label configmap settings x=y'), /labeled/);
  assert.match(await ok('annotate configmap settings x=y'), /annotated/);
  assert.match(await ok('scale deployment web --replicas 0'), /scaled/);
  assert.equal(await ok('get configmap settings -o jsonpath={.data.b}{.data.c}{.metadata.labels.x}'), '23y');
});

test('edit sends the content that the editor left', async () => {
  assert.match(await ok('edit configmap settings', '', { EDITOR: 'sed -i s/b:/edited:/' }), /edited/);
  assert.equal(await ok('get configmap settings -o jsonpath={.data.edited}'), '2');
});

test('describe shows an object and the objects that belong to it', async () => {
  assert.match(await ok('describe deployment web'), /Selector: +app=web/);
  assert.match(await ok('describe configmap settings'), /edited:\n----\n2/);
});

test('explain knows built-in kinds', async () => {
  assert.match(await ok('explain deployment.spec.template.spec.containers.image'), /<string>/);
  assert.match(await ok('explain pods'), /FIELDS:/);
});

test('wait sees conditions and the end of an object', async () => {
  const crd = {
    spec: {
      group: `${cluster.namespace}.example.org`,
      scope: 'Cluster',
      names: { plural: 'things', kind: 'Thing' },
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
      ],
    },
  };
  const name = `things.${crd.spec.group}`;
  await ok(
    'apply -f -',
    JSON.stringify({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name },
      ...crd,
    }),
  );
  cluster.later(() =>
    cluster.call('DELETE', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`),
  );
  assert.match(await ok(`wait --for=condition=Established crd/${name} --timeout=60s`), /condition met/);
  const hold = (finalizers: string) =>
    ok(`patch configmap settings --type merge -p {"metadata":{"finalizers":${finalizers}}}`);
  await hold('["example.org/hold"]');
  assert.match(await ok('delete configmap settings --wait=false'), /deleted/);
  const waiting = ok('wait --for=delete configmap/settings --timeout=60s');
  await new Promise((resolve) => setTimeout(resolve, 500));
  await hold('null');
  await waiting;
});

test('create makes an object with each of its generators', async () => {
  const role = `${cluster.namespace}-reader`;
  cluster.later(() => cluster.call('DELETE', `/api/v1/namespaces/${cluster.namespace}-made`));
  for (const kind of ['clusterroles', 'clusterrolebindings'])
    cluster.later(() => cluster.call('DELETE', `/apis/rbac.authorization.k8s.io/v1/${kind}/${role}`));
  for (const args of [
    `namespace ${cluster.namespace}-made`,
    'configmap made --from-literal=a=1 --from-literal=b=',
    'secret generic made --from-literal=a=hidden',
    'serviceaccount made',
    'deployment made --image=i:1 --replicas=0 --port=8080 -- run it',
    'service nodeport made --tcp=80:8080',
    'role made --verb=get,list --resource=pods --resource-name=a',
    'rolebinding made --role=made --serviceaccount=default:made',
    `clusterrole ${role} --verb=get --resource=nodes`,
    `clusterrolebinding ${role} --clusterrole=${role} --user=somebody`,
  ])
    assert.match(await ok(`create ${args}`), /created/, args);
  const field = (of: string, path: string) => ok(`get ${of} made -o jsonpath=${path}`);
  assert.equal(await field('configmap', '{.data}'), '{"a":"1","b":""}');
  assert.equal(await field('secret', '{.type}{.data.a}'), 'OpaqueaGlkZGVu');
  assert.equal(await field('deployment', '{.spec.replicas}'), '0');
  assert.equal(await field('deployment', '{.spec.selector.matchLabels.app}'), 'made');
  const container = '{.spec.template.spec.containers[0]';
  assert.equal(await field('deployment', `${container}.image}`), 'i:1');
  assert.equal(await field('deployment', `${container}.command}`), '["run","it"]');
  assert.equal(await field('deployment', `${container}.ports[0].containerPort}`), '8080');
  assert.equal(await field('service', '{.spec.type}{.spec.ports[0].targetPort}'), 'NodePort8080');
  assert.equal(await field('role', '{.rules[0].verbs}{.rules[0].resourceNames}'), '["get","list"]["a"]');
  assert.equal(await field('rolebinding', '{.roleRef.kind}/{.subjects[0].name}'), 'Role/made');
  const again = await cluster.kubectl(['create', 'configmap', 'made']);
  assert.match(again.text, /already exists/);
});

test('delete removes an object', async () => {
  assert.match(await ok('delete deployment web'), /deleted/);
  const { code, text } = await cluster.kubectl(['get', 'deployment', 'web']);
  assert.notEqual(code, 0);
  assert.match(text, /NotFound/);
});
