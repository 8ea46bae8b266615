// kubectl on a running lab: its nodes, its jobs, a blocked drain, and the way from its pods to the API.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningLab } from './running-lab.ts';

const program = join(import.meta.dirname, '../../dist/orbctl.mjs');
const kubectlProgram = process.env.KUBECTL || 'kubectl';

describe('kubectl in a lab', () => {
  let lab: RunningLab;
  let environment: NodeJS.ProcessEnv;

  before(async () => {
    lab = await RunningLab.start();
    environment = { ...process.env, KUBECONFIG: lab.kubeconfig };
  });

  after(() => lab.stop());

  function kubectl(args: string, input = ''): { code: number | null; text: string } {
    const ran = spawnSync(kubectlProgram, args.split(' '), { encoding: 'utf8', env: environment, input });
    return { code: ran.status, text: `${ran.stdout}${ran.stderr}` };
  }

  function ok(args: string, input = ''): string {
    const { code, text } = kubectl(args, input);
    assert.equal(code, 0, `kubectl ${args}: ${text}`);
    return text;
  }

  /** kubectl 1.20 of Debian can wait only for conditions. */
  async function until(args: string, wanted: string): Promise<void> {
    for (let i = 0; i < 300 && ok(args).trim() !== wanted; i++) await sleep(200);
    assert.equal(ok(args).trim(), wanted, `kubectl ${args}`);
  }

  test('describe node shows the capacity of the node, and no number that overflowed', () => {
    const text = ok('describe node node1');
    assert.doesNotMatch(text, /9223372036854775808/);
    assert.match(text, /Capacity:\n +cpu: +\d+\n +ephemeral-storage: +\d+Ki\n +memory: +\d+Ki\n +pods: +110/);
    assert.match(text, /cpu +0 \(0%\)/);
    assert.match(text, /HolderIdentity: +node1/);
    assert.match(text, /RenewTime: +\w{3}, /);
    for (const fact of ['Machine ID', 'System UUID', 'Boot ID', 'Kernel Version', 'OS Image', 'Architecture'])
      assert.match(text, new RegExp(`${fact}: +\\S`), fact);
    for (const type of ['MemoryPressure', 'DiskPressure', 'PIDPressure'])
      assert.match(text, new RegExp(`${type} +False +\\w{3}, `));
  });

  test('a job runs to its end, and a failing job reports it', () => {
    ok('create job good --image=i:1 -- true');
    ok('wait --for=condition=complete job/good --timeout=60s');
    assert.match(ok('get job good'), /good +Complete +1\/1/);
    assert.match(ok('get pods -l job-name=good'), /0\/1 +Completed +0/);
    assert.match(ok('describe job good'), /Normal +Completed .* Job completed/);
    const spec = {
      backoffLimit: 0,
      template: {
        spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i:1', command: ['false'] }] },
      },
    };
    ok(
      '--namespace=default create -f -',
      JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'bad' }, spec }),
    );
    ok('wait --for=condition=failed job/bad --timeout=60s');
    assert.match(ok('get pods -l job-name=bad'), /0\/1 +Error +0/);
    ok('delete job good bad');
  });

  test('a pod that fits no node says why in its condition and in one Event', async () => {
    const spec = { nodeSelector: { disk: 'fast' }, containers: [{ name: 'c', image: 'i:1' }] };
    ok(
      '--namespace=default create -f -',
      JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'nowhere' }, spec }),
    );
    ok('wait --for=condition=PodScheduled=false pod/nowhere --timeout=60s');
    const why = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.";
    assert.equal(
      ok('get pod nowhere -o jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}'),
      why,
    );
    const events = 'get events --field-selector=involvedObject.name=nowhere -o jsonpath={.items[*].reason}';
    await until(events, 'FailedScheduling');
    const described = ok('describe pod nowhere');
    assert.equal(described.match(/FailedScheduling/g)?.length, 1, described);
    ok('delete pod nowhere');
  });

  test("kubectl drain waits for the pods' disruption budget, and continues when it allows the eviction", async () => {
    ok('create deployment guarded --image=i:1 --replicas=2');
    ok('rollout status deployment guarded --timeout=60s');
    const spec = { minAvailable: 2, selector: { matchLabels: { app: 'guarded' } } };
    const guard = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'guard' },
      spec,
    };
    ok('--namespace=default create -f -', JSON.stringify(guard));
    await until('get pdb guard -o jsonpath={.status.expectedPods}', '2');
    const drain = 'drain node1 --ignore-daemonsets --force --pod-selector=app=guarded';
    const held = kubectl(`${drain} --timeout=3s`);
    assert.notEqual(held.code, 0, held.text);
    assert.match(held.text, /Cannot evict pod as it would violate the pod's disruption budget/);
    ok('patch pdb guard --type merge -p {"spec":{"minAvailable":1}}');
    assert.match(ok(`${drain} --timeout=60s`), /pod\/guarded-\S+ evicted\nnode\/node1 (drained|evicted)/);
    ok('uncordon node1');
    ok('delete pdb guard');
    ok('delete deployment guarded');
  });

  test('a pod reaches the API through the Service kubernetes, with the token of its account', () => {
    const authority = ok('get configmap kube-root-ca.crt -o jsonpath={.data.ca\\.crt}');
    const path = '/api/v1/namespaces/default/serviceaccounts/default/token';
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const answer = JSON.parse(ok(`create --raw ${path} -f -`, JSON.stringify(request))) as {
      status: { token: string };
    };
    const { token } = answer.status;
    const pod = ok('get pods -l app=underlay -o jsonpath={.items[0].metadata.name}');
    const address = ok('get service kubernetes -o jsonpath={.spec.clusterIP}');
    const script = `require('node:https').get({ host: '${address}', servername: 'kubernetes.default.svc', path: '/api/v1/namespaces/default',
      ca: ${JSON.stringify(authority)}, headers: { authorization: 'Bearer ${token}' } }, (answer) => { console.log(answer.statusCode); answer.resume(); })`;
    const args = [program, 'lab', 'exec', pod, '--', process.execPath, '-e', script];
    const ran = spawnSync(process.execPath, args, { encoding: 'utf8', env: environment });
    assert.equal(ran.stdout.trim(), '200', ran.stderr);
  });
});
