import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { OrbError, silentLogger } from '#base';
import { formatAddress, parseAddress } from '#ip';
import type { ProbeReport, ProbeRequest } from '#node';
import type { Detection } from '../detection.ts';
import { FakeIpam } from '../testing/fake-ipam.ts';
import type { AllocationRequest } from './ipam.ts';
import { allocateProbed } from './probed-allocation.ts';

const rivalMac = '0a:00:00:00:00:99';
let ipam: FakeIpam;
let probed: ProbeRequest[];
let givenBack: string[];
let told: string[];

beforeEach(() => {
  ipam = new FakeIpam();
  probed = [];
  givenBack = [];
  told = [];
});

/** Probes answer what is taken of the wire. */
function detection(taken: (address: string) => ProbeReport, switches: Partial<Detection> = {}): Detection {
  return {
    conflict: true,
    gateway: false,
    deadlineMs: 300,
    probe: async (request) => {
      probed.push(request);
      return taken(formatAddress(request.targets[0]?.address ?? parseAddress('0.0.0.0')));
    },
    conflicted: ({ pod, nic, address, mac, outcome }) =>
      told.push(`${pod.name} ${pod.uid} ${nic} ${formatAddress(address)} ${mac} ${outcome}`),
    announce: async () => {},
    ...switches,
  };
}

const free = (): ProbeReport => ({ kind: 'free' });

function conflictOn(...addresses: string[]) {
  return (address: string): ProbeReport =>
    addresses.includes(address)
      ? { kind: 'conflict', address: parseAddress(address), mac: rivalMac }
      : { kind: 'free' };
}

async function allocate(edge: Detection, signal = new AbortController().signal) {
  const request: AllocationRequest = {
    containerId: 'one',
    interfaceName: 'net1',
    podNamespace: 'default',
    podName: 'a',
    podUid: 'uid-a',
    conf: { name: 'net', type: 'macvlan' },
    requested: {},
    requestedMacs: {},
    parentNetworks: async () => [],
    signal,
    log: silentLogger,
  };
  const giveBack = async (podUid: string) => {
    givenBack.push(podUid);
    ipam.held.clear();
  };
  const { allocation, probed: done } = await allocateProbed(request, '/run/netns/pod', {
    ipam,
    meetDemand: async () => {},
    detection: edge,
    giveBack,
  });
  return { addresses: allocation.addresses.map(({ address }) => formatAddress(address.address)), done };
}

test('nothing is probed when both detections are off', async () => {
  assert.deepEqual((await allocate(detection(free, { conflict: false }))).addresses, ['10.6.1.1']);
  assert.equal(probed.length, 0);
});

test('an address that another machine uses is put into quarantine, and the pod gets the next one', async () => {
  assert.deepEqual(await allocate(detection(conflictOn('10.6.1.1', '10.6.1.2'))), {
    addresses: ['10.6.1.3'],
    done: true,
  });
  assert.deepEqual([ipam.quarantined, givenBack], [['10.6.1.1', '10.6.1.2'], []]);
  assert.deepEqual(told, [
    'a uid-a net1 10.6.1.1 0a:00:00:00:00:99 quarantined',
    'a uid-a net1 10.6.1.2 0a:00:00:00:00:99 quarantined',
  ]);
});

test('the fixed address of a StatefulSet’s pod is not exchanged: ADD fails with the MAC address of the rival', async () => {
  ipam.fixed = true;
  await assert.rejects(allocate(detection(conflictOn('10.6.1.1'))), {
    code: 'ADDRESS_CONFLICT',
    message:
      /pod's interface net1 with an conflicting ip 10\.6\.1\.1, 10\.6\.1\.1 is located at 0a:00:00:00:00:99$/,
  });
  assert.deepEqual([ipam.quarantined, ipam.allocations.length], [[], 1]);
  assert.deepEqual(told, ['a uid-a net1 10.6.1.1 0a:00:00:00:00:99 kept']);
});

test('an address that a migrating virtual machine still uses in another pod is not probed', async () => {
  ipam.fixed = true;
  ipam.shared = true;
  assert.deepEqual(await allocate(detection(conflictOn('10.6.1.1'))), {
    addresses: ['10.6.1.1'],
    done: false,
  });
  assert.equal(probed.length, 0);
});

test('ADD fails with the MAC address of the rival when there is no other address, and leaves nothing', async () => {
  const edge = detection((address) => {
    ipam.failure = new OrbError('IPPOOL_EXHAUSTED', { message: 'all IP addresses used out' });
    return conflictOn('10.6.1.1')(address);
  });
  await assert.rejects(allocate(edge), {
    code: 'ADDRESS_CONFLICT',
    message:
      /pod's interface net1 with an conflicting ip 10\.6\.1\.1, 10\.6\.1\.1 is located at 0a:00:00:00:00:99: no other address: all IP addresses used out$/,
  });
  assert.deepEqual([ipam.held.size, givenBack], [0, ['uid-a']]);
});

test('a proxy that answers for every address puts five of them into quarantine, not the whole pool', async () => {
  const everything = (address: string): ProbeReport => ({
    kind: 'conflict',
    address: parseAddress(address),
    mac: rivalMac,
  });
  await assert.rejects(allocate(detection(everything)), { code: 'ADDRESS_CONFLICT' });
  assert.deepEqual([ipam.quarantined.length, ipam.held.size], [5, 0]);
});

test('ADD fails when the gateway does not answer, and no address stays allocated', async () => {
  const silent = (): ProbeReport => ({ kind: 'unreachable', gateway: parseAddress('10.6.0.1') });
  const edge = detection(silent, { conflict: false, gateway: true });
  await assert.rejects(allocate(edge), {
    code: 'GATEWAY_UNREACHABLE',
    message: 'gateway 10.6.0.1 is unreachable',
  });
  assert.deepEqual([ipam.held.size, givenBack, ipam.quarantined], [0, ['uid-a'], []]);
});

test('the gateway is probed only where gateway detection is on', async () => {
  await allocate(detection(free));
  await allocate(detection(free, { gateway: true }));
  const gateways = probed.map(({ targets }) =>
    targets.map(({ gateway }) => gateway && formatAddress(gateway)),
  );
  assert.deepEqual(gateways, [[undefined], ['10.6.0.1']]);
});

test('a NIC that does not exist yet is left to the coordinator', async () => {
  assert.equal((await allocate(detection(() => ({ kind: 'absent' })))).done, false);
});

test('an error during the release does not hide the error that caused it', async () => {
  const edge = detection(() => {
    throw new OrbError('DEADLINE_PASSED', { message: 'late' });
  });
  await assert.rejects(allocate(edge), { code: 'DEADLINE_PASSED' });
  assert.deepEqual(givenBack, ['uid-a']);
});
