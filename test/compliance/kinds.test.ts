// Kinds that charts and controllers need, by kubectl (KUBECTL, or the one on the PATH). What kubectl 1.20 of Debian cannot do
// with today's versions of a kind is asked of the server itself.
// Bodies are untyped on purpose: their form is what is tested.
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-return, typescript/no-unsafe-argument, typescript/no-unsafe-assignment */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cluster } from './cluster.ts';

let cluster: Cluster;
before(async () => {
  cluster = await Cluster.open();
});
after(() => cluster.close());

const ok = async (args: string, input = ''): Promise<string> => {
  const { code, text } = await cluster.kubectl(args.split(' '), input);
  assert.equal(code, 0, `kubectl ${args}: ${text}`);
  return text;
};
const refused = async (args: string, input = ''): Promise<string> => {
  const { code, text } = await cluster.kubectl(args.split(' '), input);
  assert.notEqual(code, 0, `kubectl ${args}: ${text}`);
  return text;
};
const batch = (resource: string) => `/apis/batch/v1/namespaces/${cluster.namespace}/${resource}`;

test('kubectl creates a job, gets it and describes it', async () => {
  assert.match(await ok('create job once --image=i:1 -- run it'), /job.batch\/once created/);
  assert.match(await ok('get jobs'), /NAME +STATUS +COMPLETIONS +DURATION +AGE\nonce +Running +0\/1/);
  assert.match(await ok('describe job once'), /Parallelism: +1\nCompletions: +1/);
  const { spec, metadata } = await cluster.must('GET', batch('jobs/once'));
  assert.equal(spec.backoffLimit, 6);
  assert.equal(spec.completionMode, 'NonIndexed');
  assert.equal(spec.selector.matchLabels['batch.kubernetes.io/controller-uid'], metadata.uid);
  assert.equal(spec.template.metadata.labels['job-name'], 'once');
});

test('a job with the restart policy Always is refused', async () => {
  const template = { spec: { restartPolicy: 'Always', containers: [{ name: 'c', image: 'i:1' }] } };
  const { code, body } = await cluster.call('POST', batch('jobs'), {
    body: { metadata: { name: 'always' }, spec: { template } },
  });
  assert.equal(code, 422);
  assert.match(
    body.message,
    /spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"/,
  );
});

test('kubectl creates a cron job, and a job may have it as owner', async () => {
  const jobTemplate = {
    spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i:1' }] } } },
  };
  const cronJob = {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'later' },
    spec: { schedule: '@yearly', jobTemplate },
  };
  assert.match(await ok('create -f -', JSON.stringify(cronJob)), /cronjob.batch\/later created/);
  assert.match(
    await ok('get cronjobs'),
    /NAME +SCHEDULE +TIMEZONE +SUSPEND +ACTIVE +LAST SCHEDULE +AGE\nlater +@yearly +<none> +False +0/,
  );
  const { metadata, spec } = await cluster.must('GET', batch('cronjobs/later'));
  assert.equal(spec.concurrencyPolicy, 'Allow');
  const owner = {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    name: 'later',
    uid: metadata.uid,
    controller: true,
  };
  const job = { metadata: { name: 'now', ownerReferences: [owner] }, spec: spec.jobTemplate.spec };
  const made = await cluster.must('POST', batch('jobs'), { body: job });
  assert.equal(made.metadata.ownerReferences[0].kind, 'CronJob');
});

test('kubectl creates a disruption budget, and a budget with both limits is refused', async () => {
  const budget = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'web' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
  };
  await ok('create -f -', JSON.stringify(budget));
  assert.match(
    await ok('get pdb'),
    /NAME +MIN AVAILABLE +MAX UNAVAILABLE +ALLOWED DISRUPTIONS +AGE\nweb +1 +N\/A +0/,
  );
  const path = `/apis/policy/v1/namespaces/${cluster.namespace}/poddisruptionbudgets`;
  const spec = { minAvailable: 1, maxUnavailable: '50%', selector: {} };
  const { code, body } = await cluster.call('POST', path, { body: { metadata: { name: 'both' }, spec } });
  assert.equal(code, 422);
  assert.match(body.message, /minAvailable and maxUnavailable cannot be both set/);
});

test('kubectl creates a priority class', async () => {
  const name = `${cluster.namespace}-high`;
  cluster.later(() => cluster.call('DELETE', `/apis/scheduling.k8s.io/v1/priorityclasses/${name}`));
  await ok(`create priorityclass ${name} --value=1000 --description=d`);
  assert.match(
    await ok(`get priorityclass ${name}`),
    /NAME +VALUE +GLOBAL-DEFAULT +AGE +PREEMPTIONPOLICY\n\S+ +1000 +false .* +PreemptLowerPriority/,
  );
});

test('kubectl auth can-i answers what the user may do', async () => {
  assert.match(await ok('auth can-i create pods'), /^yes/);
  assert.match(await ok('auth can-i --list'), /Resources +Non-Resource URLs +Resource Names +Verbs\n/);
  const self = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const { status: who } = await cluster.must('POST', self, { body: {} });
  assert.match(who.userInfo.username, /\S/);
  const review = {
    spec: { user: 'nobody-knows-me', resourceAttributes: { verb: 'delete', resource: 'nodes' } },
  };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const { status } = await cluster.must('POST', path, { body: review });
  assert.equal(status.allowed, false);
  review.spec = { ...review.spec, groups: ['system:masters'] } as typeof review.spec;
  assert.equal((await cluster.must('POST', path, { body: review })).status.allowed, true);
});

test('a service account has tokens, and the server knows which account a token belongs to', async () => {
  await ok('create serviceaccount bot');
  const request = (name: string, expirationSeconds?: number) =>
    cluster.call('POST', cluster.core(`serviceaccounts/${name}/token`), {
      body: { spec: { expirationSeconds } },
    });
  const tokenOf = async (expirationSeconds?: number): Promise<string> => {
    const { code, body } = await request('bot', expirationSeconds);
    assert.equal(code, 201, JSON.stringify(body));
    return body.status.token;
  };
  const token = await tokenOf(600);
  assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  // kube-apiserver remembers for ten seconds whose a token is: this one is asked about when its account is gone.
  const later = await tokenOf();
  const review = async (body: string) =>
    (
      await cluster.must('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
        body: { spec: { token: body } },
      })
    ).status;
  const status = await review(token);
  assert.equal(status.authenticated, true);
  assert.equal(status.user.username, `system:serviceaccount:${cluster.namespace}:bot`);
  assert.match((await request('bot', 60)).body.message, /may not specify a duration less than 10 minutes/);
  assert.match((await request('nobody')).body.message, /serviceaccounts "nobody" not found/);
  await ok('delete serviceaccount bot');
  assert.notEqual((await review(later)).authenticated, true);
});

test('a token that is bound to a Node names it, and ends with it', async () => {
  await ok('create serviceaccount bound');
  const name = `bound-${cluster.namespace}`;
  const node = { metadata: { name } };
  const { metadata } = await cluster.must('POST', '/api/v1/nodes', { body: node });
  const request = (boundObjectRef: object) =>
    cluster.call('POST', cluster.core('serviceaccounts/bound/token'), { body: { spec: { boundObjectRef } } });
  const reference = { apiVersion: 'v1', kind: 'Node', name };
  const { code, body } = await request(reference);
  assert.equal(code, 201, JSON.stringify(body));
  const later = (await request(reference)).body.status.token;
  const review = async (token: string) =>
    (await cluster.must('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token } } }))
      .status;
  const { extra } = (await review(body.status.token)).user;
  assert.deepEqual(extra['authentication.kubernetes.io/node-name'], [name]);
  assert.deepEqual(extra['authentication.kubernetes.io/node-uid'], [metadata.uid]);
  assert.match((await request({ ...reference, name: 'nowhere' })).body.message, /nodes "nowhere" not found/);
  assert.match(
    (await request({ ...reference, uid: 'old' })).body.message,
    /does not match the UID in record/,
  );
  await ok(`delete node ${name}`);
  assert.notEqual((await review(later)).authenticated, true);
});

test('every namespace has the default service account and the CA of the API, also after somebody deletes them', async () => {
  for (const path of ['serviceaccounts/default', 'configmaps/kube-root-ca.crt']) {
    const before = await cluster.until(cluster.core(path), ({ code }) => code === 200);
    assert.equal((await cluster.call('DELETE', cluster.core(path))).code, 200);
    const fresh = (uid: string) => uid !== before.body.metadata.uid;
    await cluster.until(cluster.core(path), ({ code, body }) => code === 200 && fresh(body.metadata.uid));
  }
  assert.match(await ok('get configmap kube-root-ca.crt -o jsonpath={.data}'), /BEGIN CERTIFICATE/);
});

test('the Service kubernetes leads to the API', async () => {
  assert.match(
    await ok('get service kubernetes --namespace default'),
    /kubernetes +ClusterIP +\S+ +<none> +443\/TCP/,
  );
  const endpoints = await cluster.must('GET', '/api/v1/namespaces/default/endpoints/kubernetes');
  assert.match(endpoints.subsets[0].addresses[0].ip, /^[\d.]+$|:/);
  const selector = 'labelSelector=kubernetes.io/service-name=kubernetes';
  const slices = await cluster.must(
    'GET',
    `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?${selector}`,
  );
  assert.equal(slices.items[0].endpoints[0].addresses[0], endpoints.subsets[0].addresses[0].ip);
});

test("an eviction is refused while the pod's budget allows none, and succeeds afterwards", async () => {
  const { namespace } = cluster;
  const labels = { app: 'guarded' };
  const spec = { nodeName: 'no-such-node', containers: [{ name: 'c', image: 'i:1' }] };
  await cluster.must('POST', cluster.core('pods'), { body: { metadata: { name: 'guarded', labels }, spec } });
  const conditions = [{ type: 'Ready', status: 'True' }];
  const running = { status: { phase: 'Running', conditions } };
  const merge = { type: 'application/merge-patch+json' };
  await cluster.must('PATCH', cluster.core('pods/guarded/status'), { body: running, ...merge });
  const budgets = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
  const body = { metadata: { name: 'guard' }, spec: { minAvailable: 1, selector: { matchLabels: labels } } };
  await cluster.must('POST', budgets, { body });
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'guarded', namespace } };
  const evict = () => cluster.call('POST', cluster.core('pods/guarded/eviction'), { body: eviction });
  const refusal = await evict();
  assert.equal(refusal.code, 429);
  assert.match(refusal.body.message, /Cannot evict pod as it would violate the pod's disruption budget/);
  await cluster.must('PATCH', `${budgets}/guard`, { body: { spec: { minAvailable: 0 } }, ...merge });
  const { metadata } = await cluster.must('GET', `${budgets}/guard`);
  // A cluster's disruption controller says the same.
  const status = {
    observedGeneration: metadata.generation,
    disruptionsAllowed: 1,
    currentHealthy: 1,
    desiredHealthy: 0,
    expectedPods: 1,
  };
  await cluster.must('PATCH', `${budgets}/guard/status`, { body: { status }, ...merge });
  assert.equal((await evict()).code, 201);
  const { body: gone } = await cluster.call('GET', cluster.core('pods/guarded'));
  assert.ok(gone.code === 404 || gone.metadata.deletionTimestamp !== undefined);
  await cluster.call('DELETE', `${cluster.core('pods/guarded')}?gracePeriodSeconds=0`);
});

test('an operation of a real cluster on pods is refused with a hint what to do instead', async () => {
  const spec = { nodeName: 'no-such-node', containers: [{ name: 'c', image: 'i:1' }] };
  await cluster.must('POST', cluster.core('pods'), { body: { metadata: { name: 'silent' }, spec } });
  // A real cluster has no such node to ask.
  assert.match(await refused('logs silent'), /orbctl lab exec POD -- COMMAND|no-such-node/);
  assert.match(
    await refused('exec silent -- true'),
    /orbctl lab exec POD -- COMMAND|no-such-node|not have a host assigned/,
  );
  await cluster.call('DELETE', `${cluster.core('pods/silent')}?gracePeriodSeconds=0`);
});

test('a container without an image is refused in a pod and in the template of a workload', async () => {
  const containers = [{ name: 'c' }];
  const pod = await cluster.call('POST', cluster.core('pods'), {
    body: { metadata: { name: 'bare' }, spec: { containers } },
  });
  assert.equal(pod.code, 422);
  assert.equal(pod.body.message, 'Pod "bare" is invalid: spec.containers[0].image: Required value');
  const labels = { app: 'bare' };
  const spec = {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers } },
  };
  const path = `/apis/apps/v1/namespaces/${cluster.namespace}/deployments`;
  const { body } = await cluster.call('POST', path, { body: { metadata: { name: 'bare' }, spec } });
  assert.equal(
    body.message,
    'Deployment.apps "bare" is invalid: spec.template.spec.containers[0].image: Required value',
  );
});

test('a cron job with a malformed schedule, zone or policy is refused, and so are numbers below zero', async () => {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i:1' }] } };
  const said = async (path: string, spec: object, name = 'odd') => {
    const { code, body } = await cluster.call('POST', `${path}?dryRun=All`, {
      body: { metadata: { name }, spec },
    });
    assert.equal(code, 422, JSON.stringify(body));
    return body.message as string;
  };
  const cronJob = (more: object, name?: string) =>
    said(batch('cronjobs'), { schedule: '* * * * *', jobTemplate: { spec: { template } }, ...more }, name);
  assert.match(
    await cronJob({ schedule: '* * * *' }),
    /spec.schedule: Invalid value: "\* \* \* \*": expected exactly 5 fields, found 4: \[\* \* \* \*\]/,
  );
  assert.match(
    await cronJob({ timeZone: 'Mars/X' }),
    /spec.timeZone: Invalid value: "Mars\/X": unknown time zone Mars\/X/,
  );
  assert.match(
    await cronJob({ concurrencyPolicy: 'Evil' }),
    /spec.concurrencyPolicy: Unsupported value: "Evil": supported values: "Allow", "Forbid", "Replace"/,
  );
  assert.match(await cronJob({}, 'j'.repeat(53)), /must be no more than 52 characters/);
  assert.match(await cronJob({ startingDeadlineSeconds: -1 }), /must be greater than or equal to 0/);
  for (const field of ['parallelism', 'completions', 'backoffLimit', 'ttlSecondsAfterFinished'])
    assert.match(
      await said(batch('jobs'), { template, [field]: -1 }),
      /must be greater than or equal to 0/,
      field,
    );
  const labels = { a: 'b' };
  const set = { selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } };
  const sets = `/apis/apps/v1/namespaces/${cluster.namespace}/replicasets`;
  assert.match(await said(sets, { ...set, replicas: -1 }), /spec.replicas: Invalid value: -1/);
  const big = await cluster.call('POST', sets, {
    body: { metadata: { name: 'big' }, spec: { ...set, replicas: 3e9 } },
  });
  assert.ok(big.code === 422 || big.code === 400, String(big.code));
});
