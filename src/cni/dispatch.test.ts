import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, OrbError, silentLogger } from '#base';
import { Dispatcher, type DispatcherOptions } from './dispatch.ts';
import type { AttachmentCall, CniPlugin, NetnsCall, PluginCall } from './plugin.ts';
import type { CniAnswer, CniRequest } from './request.ts';

/** Remembers its calls; `outcome` decides how they end. */
class FakePlugin implements CniPlugin {
  readonly calls: string[] = [];
  outcome: () => Promise<void> = async () => {};

  async add({ netns }: NetnsCall) {
    await this.#called(`ADD ${netns}`);
    return { ips: [{ address: '10.6.0.5/16' }] };
  }
  del = ({ environment }: AttachmentCall) => this.#called(`DEL ${environment.netns}`);
  check = ({ netns }: NetnsCall) => this.#called(`CHECK ${netns}`);
  gc = ({ conf }: PluginCall) => this.#called(`GC ${conf.name}`);
  status = () => this.#called('STATUS');

  async #called(what: string): Promise<void> {
    this.calls.push(what);
    await this.outcome();
  }
}

function scene(options: Partial<DispatcherOptions> = {}) {
  const plugin = new FakePlugin();
  const kept: CniRequest[] = [];
  const dispatcher = new Dispatcher(new Map([['spiderpool', plugin]]), {
    isOwnNetns: async (path) => path === '/proc/1/ns/net',
    ready: async () => {},
    keep: async (request) => void kept.push(request),
    ...options,
  });
  const serve = (verb: string, more: Partial<CniRequest> = {}): Promise<CniAnswer> => {
    const variables = {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: 'abc',
      CNI_NETNS: '/run/netns/pod',
      CNI_IFNAME: 'eth0',
      CNI_PATH: '/opt/cni/bin',
    };
    const stdin = JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'spiderpool' });
    const base = { type: 'spiderpool', shimVersion: '1', id: '0123456789abcdef', deadlineMs: 1000 };
    const request = { ...base, stdin, ...more, variables: { ...variables, ...more.variables } };
    return dispatcher.serve(request as CniRequest, new AbortController().signal, silentLogger);
  };
  return { plugin, kept, serve };
}

const failing = (code: ErrorCode) => async () => {
  throw new OrbError(code, { message: 'it failed' });
};
const bodyOf = ({ stdout }: CniAnswer) =>
  JSON.parse(stdout) as { code: number; msg: string; cniVersion: string };
const conf = (fields: object) => ({ stdin: JSON.stringify({ name: 'net', type: 'spiderpool', ...fields }) });

test('a configuration with a bad name is answered in its own version', async () => {
  const { serve } = scene();
  for (const cniVersion of ['0.4.0', '1.1.0']) {
    const body = bodyOf(await serve('ADD', conf({ name: '-bad', cniVersion })));
    assert.deepEqual([body.code, body.cniVersion], [7, cniVersion]);
    assert.match(body.msg, /name: "-bad" must match/);
  }
});

test('each verb reaches the plugin, and only ADD prints a result', async () => {
  const { plugin, serve } = scene();
  for (const verb of ['ADD', 'CHECK', 'DEL', 'GC', 'STATUS']) {
    const { exitCode, stdout } = await serve(verb);
    assert.deepEqual([verb, exitCode, stdout !== ''], [verb, 0, verb === 'ADD']);
  }
  assert.deepEqual(plugin.calls, [
    'ADD /run/netns/pod',
    'CHECK /run/netns/pod',
    'DEL /run/netns/pod',
    'GC net',
    'STATUS',
  ]);
});

test('a result is written in the version that the configuration asks for', async () => {
  const { serve } = scene();
  const old = JSON.parse((await serve('ADD', conf({ cniVersion: '0.4.0' }))).stdout) as { ips: object[] };
  assert.deepEqual(old.ips, [{ version: '4', address: '10.6.0.5/16' }]);
});

test('a verb is refused in a version that does not have it', async () => {
  const { plugin, serve } = scene();
  for (const [verb, cniVersion] of [
    ['CHECK', '0.3.1'],
    ['GC', '1.0.0'],
    ['STATUS', '1.0.0'],
    ['ADD', '9.0.0'],
  ] as const) {
    const answer = await serve(verb, conf({ cniVersion }));
    assert.deepEqual([verb, answer.exitCode, bodyOf(answer).code], [verb, 1, 1]);
  }
  assert.deepEqual(plugin.calls, []);
});

test('a DEL is served in any version, because a refused ADD may have left objects', async () => {
  const { plugin, serve } = scene();
  assert.equal(bodyOf(await serve('ADD', conf({ cniVersion: '9.9.9' }))).code, 1);
  assert.equal((await serve('DEL', conf({ cniVersion: '9.9.9' }))).exitCode, 0);
  assert.deepEqual(plugin.calls, ['DEL /run/netns/pod']);
});

test('VERSION needs neither plugin nor configuration', async () => {
  const { plugin, serve } = scene();
  const { stdout } = await serve('VERSION', { stdin: '' });
  assert.deepEqual((JSON.parse(stdout) as { supportedVersions: string[] }).supportedVersions.at(-1), '1.1.0');
  assert.deepEqual(plugin.calls, []);
});

test('an unknown type is refused with a list of the known ones', async () => {
  const { serve } = scene();
  const { code, msg } = bodyOf(await serve('ADD', { type: 'token-ring' }));
  assert.equal(code, 7);
  assert.match(msg, /type "token-ring" is not one of spiderpool/);
});

test("the node's own namespace is refused, unless CNI_NETNS_OVERRIDE allows it", async () => {
  const { plugin, serve } = scene();
  const own = { CNI_NETNS: '/proc/1/ns/net' };
  assert.equal(bodyOf(await serve('ADD', { variables: own })).code, 8);
  assert.deepEqual(plugin.calls, []);
  assert.equal((await serve('DEL', { variables: own })).exitCode, 0);
  assert.equal((await serve('ADD', { variables: { ...own, CNI_NETNS_OVERRIDE: '1' } })).exitCode, 0);
});

test('ADD and CHECK wait until the cluster is known, and DEL does not', async () => {
  const { plugin, serve } = scene({ ready: failing('AGENT_STARTING') });
  assert.equal(bodyOf(await serve('ADD')).code, 11);
  assert.equal(bodyOf(await serve('CHECK')).code, 11);
  assert.equal((await serve('DEL')).exitCode, 0);
  assert.deepEqual(plugin.calls, ['DEL /run/netns/pod']);
});

test('a DEL is queued when the API server or a provider is away or time is short, and the runtime gets success', async () => {
  const passing = ['KUBE_UNREACHABLE', 'DEADLINE_PASSED', 'KUBE_FORBIDDEN', 'IPPOOL_INVALID'] as const;
  const ofProvider = ['IAAS_UNREACHABLE', 'IAAS_REFUSED', 'IAAS_ANSWER_INVALID'] as const;
  for (const code of [...passing, ...ofProvider]) {
    const { plugin, kept, serve } = scene();
    plugin.outcome = failing(code);
    assert.deepEqual(await serve('DEL'), { exitCode: 0, stdout: '', log: '' });
    assert.equal(kept.length, 1);
  }
});

test('a DEL that can be neither served nor queued fails, so that the runtime repeats it', async () => {
  const { plugin, serve } = scene({
    keep: async () => {
      throw new Error('ENOSPC');
    },
  });
  plugin.outcome = failing('KUBE_UNREACHABLE');
  assert.equal(bodyOf(await serve('DEL')).code, 11);
});

test('a DEL that fails for another reason, and any other failed verb, is an error for the runtime', async () => {
  const { plugin, kept, serve } = scene();
  plugin.outcome = failing('KERNEL_REFUSED');
  assert.equal(bodyOf(await serve('DEL')).code, 100);
  plugin.outcome = failing('KUBE_UNREACHABLE');
  assert.equal(bodyOf(await serve('ADD')).code, 11);
  assert.equal(kept.length, 0);
});

test('an error of ours is a JSON error in the requested version, not a broken connection', async () => {
  const { plugin, serve } = scene();
  plugin.outcome = async () => {
    throw new TypeError('x is undefined');
  };
  const body = bodyOf(await serve('ADD', conf({ cniVersion: '0.4.0' })));
  assert.deepEqual([body.code, body.cniVersion], [999, '0.4.0']);
});
