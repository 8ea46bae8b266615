import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, silentLogger, systemClock } from '#base';
import { FakeClock } from '#base/testing';
import { type CniPlugin, type CniRequest, Dispatcher } from '#cni';
import { Gate } from './gate.ts';
import { orderKey, VerbServer, type WorthwhileAdd } from './verbs.ts';

const request = (verb: string, more: Partial<CniRequest> = {}): CniRequest => ({
  type: 'spiderpool',
  shimVersion: '1',
  id: '0123456789abcdef',
  deadlineMs: 1000,
  variables: {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: 'abc',
    CNI_NETNS: '/run/netns/pod',
    CNI_IFNAME: 'eth0',
    CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=a;K8S_POD_UID=u-1',
  },
  stdin: JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'spiderpool' }),
  ...more,
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

function scene(clock: Clock = systemClock, worthwhile: WorthwhileAdd = async () => {}) {
  const begun: string[] = [];
  const signals: AbortSignal[] = [];
  const hold = Promise.withResolvers<void>();
  const work = async (verb: string, signal: AbortSignal) => {
    begun.push(verb);
    signals.push(signal);
    await hold.promise;
  };
  const plugin: CniPlugin = {
    add: async ({ signal }) => {
      await work('ADD', signal);
      return {};
    },
    del: ({ signal }) => work('DEL', signal),
    check: ({ signal }) => work('CHECK', signal),
    gc: ({ signal }) => work('GC', signal),
    status: async () => void begun.push('STATUS'),
  };
  const kept: CniRequest[] = [];
  const dispatcher = new Dispatcher(new Map([['spiderpool', plugin]]), {
    isOwnNetns: async () => false,
    ready: async () => {},
    keep: async (late) => void kept.push(late),
  });
  const served: string[] = [];
  const verbs = new VerbServer({
    dispatcher,
    gate: new Gate(1, clock),
    clock,
    metrics: {
      served: (type, verb, outcome) => void served.push(`${type} ${verb} ${outcome}`),
      waited: () => {},
    },
    log: silentLogger,
    worthwhile,
  });
  const gone = new AbortController();
  const serve = (given: CniRequest) => verbs.serve(given, gone.signal);
  return { begun, signals, hold, kept, served, gone, serve };
}

test('served requests are counted by type, verb and outcome', async () => {
  const { hold, served, serve } = scene();
  hold.resolve();
  await serve(request('ADD'));
  await serve(request('ADD', { stdin: '{' }));
  assert.deepEqual(served, ['spiderpool ADD ok', 'spiderpool ADD error']);
});

test('an ADD that waits for a free address takes no turn: others are served, and also its own pod', async () => {
  const free = Promise.withResolvers<void>();
  const asked: string[] = [];
  const worthwhile: WorthwhileAdd = ({ namespace, name }) => {
    asked.push(`${namespace}/${name}`);
    return free.promise;
  };
  const { begun, hold, serve } = scene(systemClock, worthwhile);
  hold.resolve();
  const adding = serve(request('ADD'));
  await turn();
  await serve(request('DEL'));
  assert.deepEqual(begun, ['DEL']);
  free.resolve();
  assert.equal((await adding).exitCode, 0);
  assert.deepEqual([begun, asked], [['DEL', 'ADD'], ['ns/a']]);
});

test('STATUS is answered while all other requests wait', async () => {
  const { begun, hold, serve } = scene();
  const adding = serve(request('ADD'));
  await turn();
  assert.equal((await serve(request('STATUS'))).exitCode, 0);
  assert.deepEqual(begun, ['ADD', 'STATUS']);
  hold.resolve();
  await adding;
});

test('an ADD whose turn does not come in time fails with "try again later" and is not started', async () => {
  const { begun, hold, serve } = scene();
  const first = serve(request('ADD'));
  const { exitCode, stdout } = await serve(request('ADD', { deadlineMs: 5 }));
  assert.deepEqual([exitCode, (JSON.parse(stdout) as { code: number }).code], [1, 11]);
  assert.deepEqual(begun, ['ADD']);
  hold.resolve();
  await first;
});

test('a DEL whose turn does not come in time is kept, and the runtime gets success', async () => {
  const { hold, kept, serve } = scene();
  const first = serve(request('ADD'));
  await turn();
  assert.deepEqual(await serve(request('DEL', { deadlineMs: 5 })), { exitCode: 0, stdout: '', log: '' });
  assert.equal(kept.length, 1);
  hold.resolve();
  await first;
});

test('a request that does not end: other pods are served, its own pod hears why, and its DEL is kept', async () => {
  const clock = new FakeClock();
  const { begun, kept, serve } = scene(clock);
  void serve(request('ADD'));
  await turn();
  // An ADD may take ten seconds after its deadline to give back what it took.
  await clock.advance(10_900);
  const other = serve(request('DEL', { variables: { ...request('DEL').variables, CNI_ARGS: '' } }));
  await turn();
  assert.deepEqual(begun, ['ADD']);
  await clock.advance(100);
  await turn();
  assert.deepEqual(begun, ['ADD', 'DEL']);
  const next = await serve(request('ADD'));
  assert.equal((JSON.parse(next.stdout) as { code: number }).code, 11);
  assert.match(next.stdout, /pod ns\/a/);
  assert.equal((await serve(request('DEL'))).exitCode, 0);
  assert.equal(kept.length, 1);
  void other;
});

test('running work learns that its caller has left or that its deadline has passed', async () => {
  const left = scene();
  const adding = left.serve(request('ADD'));
  await turn();
  left.gone.abort();
  assert.equal(left.signals[0]?.aborted, true);
  left.hold.resolve();
  await adding;
  const late = scene();
  const slow = late.serve(request('ADD', { deadlineMs: 5 }));
  // Its timer does not keep a process alive; ours does.
  while (late.signals[0]?.aborted !== true) await new Promise((resolve) => setTimeout(resolve, 1));
  late.hold.resolve();
  await slow;
});

test('the DEL of an old sandbox and the next ADD run one after the other, also without K8S_POD_UID', () => {
  const sandbox = (verb: string, containerId: string) =>
    request(verb, {
      variables: {
        CNI_COMMAND: verb,
        CNI_CONTAINERID: containerId,
        CNI_ARGS: 'K8S_POD_NAMESPACE=ns;K8S_POD_NAME=a',
      },
    });
  assert.equal(orderKey(sandbox('DEL', 'old')), orderKey(sandbox('ADD', 'new')));
});

test('a DEL whose CNI_ARGS is malformed beside the pod waits for the requests of that pod', () => {
  for (const wrong of ['COLOUR=red', 'x', 'A=B=C']) {
    const variables = {
      CNI_COMMAND: 'DEL',
      CNI_CONTAINERID: 'old',
      CNI_ARGS: `K8S_POD_NAMESPACE=ns;${wrong};K8S_POD_NAME=a`,
    };
    assert.equal(orderKey(request('DEL', { variables })), 'pod ns/a', wrong);
  }
});

test('requests of one pod have one key, those of a network another, and other requests have no common key', () => {
  assert.equal(orderKey(request('ADD')), 'pod ns/a');
  assert.equal(orderKey(request('DEL')), 'pod ns/a');
  assert.equal(
    orderKey(request('ADD', { variables: { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'abc' } })),
    'sandbox abc',
  );
  assert.equal(orderKey(request('GC')), 'gc');
  const version = { variables: { CNI_COMMAND: 'VERSION' } };
  assert.notEqual(
    orderKey(request('VERSION', version)),
    orderKey(request('VERSION', { ...version, id: 'f' })),
  );
});
