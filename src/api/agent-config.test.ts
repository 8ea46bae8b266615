// The agent's configuration file.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAgentConfig } from './agent-config.ts';

test('an empty file turns every feature off, as in Spiderpool, and our own section has defaults', () => {
  for (const empty of [null, undefined, {}]) {
    const config = parseAgentConfig(empty);
    assert.equal(config.enableIPv4, false);
    assert.deepEqual(config.podResourceInject, {
      enabled: false,
      namespacesExclude: [],
      namespacesInclude: [],
    });
    assert.deepEqual(config.orbweaver, {
      maxConcurrentRequests: 16,
      addressRestSeconds: 30,
      probeDeadlineMs: 300,
      socketPath: '/run/orbweaver/agent.sock',
      stateDirectory: '/var/lib/orbweaver',
      cniConfDirectory: '/etc/cni/net.d',
      serviceMode: 'kube-proxy',
      neutronReadyLow: 4,
      neutronReadyHigh: 12,
      neutronCountAddresses: false,
      nicsReadyLow: 0,
      nicsReadyHigh: 2,
      serviceCgroup: '/sys/fs/cgroup',
      serviceBpfFolder: '/sys/fs/bpf/orbweaver',
      kubeProxyReplacement: false,
      serviceExternalIPs: false,
    });
  }
});

test('keys without a value and unknown keys are no errors', () => {
  const config = parseAgentConfig({
    enableIPv4: true,
    enableIPv6: null,
    tuneSysctlConfig: true,
    later: 1,
    agent: null,
  });
  assert.equal(config.enableIPv4, true);
  assert.equal(config.enableIPv6, false);
  assert.equal(config.agent.networkResourcePlugin.enabled, false);
});

test('an error names each wrong value and each unknown key of our own section', () => {
  const wrong = {
    enableIPv4: 'yes',
    orbweaver: { maxConcurrentRequests: 0, socketPath: 'x', apiServer: 'tcp://a', typo: 1 },
  };
  assert.throws(
    () => parseAgentConfig(wrong),
    (error: Error) => {
      for (const part of [
        'enableIPv4: "yes" must be of type boolean',
        'orbweaver.maxConcurrentRequests: 0 must be at least 1',
        'orbweaver.socketPath: "x"',
        'orbweaver.apiServer: "tcp://a" must be an http or https URL',
        'has unknown keys: typo',
      ]) {
        assert.ok(error.message.includes(part), `${part} is not in ${error.message}`);
      }
      return true;
    },
  );
});

test('the provider of an IaaS has a URL and a time that Spiderpool accepts', () => {
  const read = (iaasNetworkProvider: object) => parseAgentConfig({ iaasNetworkProvider }).iaasNetworkProvider;
  assert.deepEqual(read({}), {
    serverUrl: '',
    httpRequestTimeout: 50_000,
    tls: { caFile: '', certFile: '', keyFile: '' },
  });
  const times: [unknown, number][] = [
    ['50s', 50_000],
    ['1m39.5s', 99_500],
    [30, 30_000],
    ['', 50_000],
    [null, 50_000],
  ];
  for (const [httpRequestTimeout, ms] of times)
    assert.equal(read({ httpRequestTimeout }).httpRequestTimeout, ms);
  const wrong: [object, RegExp][] = [
    [
      { httpRequestTimeout: '100s' },
      /iaasNetworkProvider.httpRequestTimeout: "100s" must be a duration above 0/,
    ],
    [{ httpRequestTimeout: '0s' }, /httpRequestTimeout: "0s" must/],
    [{ httpRequestTimeout: -5 }, /httpRequestTimeout: -5 must/],
    [{ httpRequestTimeout: 'soon' }, /httpRequestTimeout: "soon" must/],
    [{ serverUrl: 'provider:8443' }, /serverUrl: "provider:8443" must be an http or https URL/],
    [{ serverUrl: 'https://' }, /serverUrl: "https:\/\/" must/],
    [{ tls: { certFile: '/a' } }, /tls: .*must have both certFile and keyFile/],
  ];
  for (const [section, message] of wrong) assert.throws(() => read(section), message);
});
