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
