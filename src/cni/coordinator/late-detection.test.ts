import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type CniResult, parseCniEnvironment, parseNetConf } from '#api';
import { silentLogger } from '#base';
import { formatAddress, parseAddress } from '#ip';
import type { AttachmentRecord, ProbeReport, ProbeRequest } from '#node';
import type { Detection, DetectionSwitches } from '../detection.ts';
import type { NetnsCall } from '../plugin.ts';
import { FakeIpam } from '../testing/fake-ipam.ts';
import { detectLate } from './late-detection.ts';

let ipam: FakeIpam;
let requests: ProbeRequest[];
let report: ProbeReport;
let told: string[];

beforeEach(() => {
  ipam = new FakeIpam();
  requests = [];
  report = { kind: 'free' };
  told = [];
});

const prevResult: CniResult = {
  interfaces: [{ name: 'eth0' }, { name: 'net1', sandbox: '/run/netns/pod' }],
  ips: [
    { interface: 1, address: '10.6.1.1/16', gateway: '10.6.0.1' },
    { interface: 0, address: '10.233.0.9/32' },
  ],
  dns: {},
};

const record: AttachmentRecord = {
  version: 1,
  containerId: 'one',
  interfaceName: 'net1',
  network: 'net',
  createdAt: '2030-01-01T00:00:00.000Z',
  pod: { namespace: 'default', name: 'a', uid: 'uid-a' },
  ipam: {
    state: 'done',
    netConf: { ipam: { type: 'spiderpool' } },
    result: {},
    addresses: [{ nic: 'net1', address: '10.6.1.1/16', pool: 'v4' }],
  },
};
const probed: AttachmentRecord = {
  ...record,
  ipam: { ...(record.ipam as NonNullable<AttachmentRecord['ipam']>), probed: true },
};

function call(conf: object): NetnsCall {
  const environment = parseCniEnvironment({
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: 'one',
    CNI_IFNAME: 'net1',
    CNI_NETNS: '/run/netns/pod',
  }) as NetnsCall['environment'];
  const parsed = parseNetConf(
    JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'coordinator', ...conf }),
  );
  const signal = new AbortController().signal;
  return { conf: parsed, environment, netns: '/run/netns/pod', signal, log: silentLogger };
}

/** What was probed for, in words. */
async function detectWith(conf: object, configured: DetectionSwitches, of = record): Promise<string[]> {
  const probe = async (request: ProbeRequest) => {
    requests.push(request);
    return report;
  };
  const conflicted: Detection['conflicted'] = ({ address, outcome }) =>
    told.push(`${formatAddress(address)} ${outcome}`);
  const detection = { ...configured, deadlineMs: 300, probe, announce: async () => {}, conflicted };
  await detectLate(
    call(conf),
    { prevResult, record: of },
    { detection, sources: new Map([['spiderpool', ipam]]) },
  );
  return requests.flatMap(({ targets, detectConflict }) =>
    targets.map(({ address, gateway }) =>
      [formatAddress(address), detectConflict ? 'rivals' : '', gateway && formatAddress(gateway)]
        .filter(Boolean)
        .join(' '),
    ),
  );
}

const off = { conflict: false, gateway: false };
const on = { conflict: true, gateway: true };

test('a definition of seed 1 enables each detection for its own NIC only', async () => {
  assert.deepEqual(await detectWith({}, off), []);
  assert.deepEqual(await detectWith({ detectIPConflict: true, detectGateway: false }, off), [
    '10.6.1.1 rivals',
  ]);
  requests = [];
  assert.deepEqual(await detectWith({ detectgateway: true }, off), ['10.6.1.1 10.6.0.1']);
});

test('requested probes run here only if IPAM could not run them', async () => {
  assert.deepEqual(await detectWith({}, on), ['10.6.1.1 rivals 10.6.0.1']);
  requests = [];
  assert.deepEqual(await detectWith({ detectIPConflict: true, detectGateway: true }, on, probed), []);
  assert.deepEqual(await detectWith({ detectGateway: true }, { conflict: true, gateway: false }, probed), [
    '10.6.1.1 10.6.0.1',
  ]);
});

test('an address that a migrating virtual machine still uses in another pod is not probed, whoever asks', async () => {
  const ipamRecord = record.ipam as NonNullable<AttachmentRecord['ipam']>;
  const shared = { ...record, ipam: { ...ipamRecord, shared: true } };
  assert.deepEqual(await detectWith({ detectIPConflict: true, detectGateway: true }, on, shared), []);
});

test('a definition that disables detection is obeyed', async () => {
  assert.deepEqual(await detectWith({ detectIPConflict: false, detectGateway: false }, on), []);
});

test('the timeout of a definition is the deadline of its probes', async () => {
  await detectWith({ detectIPConflict: true }, off);
  await detectWith(
    { detectIPConflict: true, detectOptions: { retries: 3, interval: '1s', timeout: '1.5s' } },
    off,
  );
  assert.deepEqual(
    requests.map(({ deadlineMs }) => deadlineMs),
    [300, 1500],
  );
  for (const timeout of ['5', '10ms', '1m']) {
    await assert.rejects(detectWith({ detectOptions: { timeout } }, off), {
      code: 'INPUT_INVALID',
      message: /timeout/,
    });
  }
});

test('a repeated ADD does not probe addresses that are in use by now', async () => {
  const coordinator = { state: 'done', netConf: {}, result: {} } as const;
  assert.deepEqual(await detectWith({}, on, { ...record, coordinator }), []);
});

test('a conflict fails the ADD, and the next attempt gets another address', async () => {
  report = { kind: 'conflict', address: parseAddress('10.6.1.1'), mac: '0a:00:00:00:00:99' };
  await assert.rejects(detectWith({ detectIPConflict: true }, off), {
    code: 'ADDRESS_CONFLICT',
    message:
      /pod's interface net1 with an conflicting ip 10\.6\.1\.1, 10\.6\.1\.1 is located at 0a:00:00:00:00:99$/,
  });
  assert.deepEqual([ipam.quarantined, told], [['10.6.1.1'], ['10.6.1.1 quarantined']]);
});

test('a conflict of an address of another IPAM plugin fails the ADD and is reported', async () => {
  report = { kind: 'conflict', address: parseAddress('10.6.1.1'), mac: '0a:00:00:00:00:99' };
  const { ipam: _, ...other } = record;
  await assert.rejects(detectWith({ detectIPConflict: true }, off, other), { code: 'ADDRESS_CONFLICT' });
  assert.deepEqual([ipam.quarantined, told], [[], ['10.6.1.1 kept']]);
});

test('a conflict of a fixed address fails the ADD, and the pod keeps the address', async () => {
  report = { kind: 'conflict', address: parseAddress('10.6.1.1'), mac: '0a:00:00:00:00:99' };
  const { ipam: part } = record;
  assert.ok(part);
  const fixed = { ...record, ipam: { ...part, fixed: true } };
  await assert.rejects(detectWith({ detectIPConflict: true }, off, fixed), { code: 'ADDRESS_CONFLICT' });
  assert.deepEqual([ipam.quarantined, told], [[], ['10.6.1.1 kept']]);
});

test('a gateway that does not answer fails the ADD', async () => {
  report = { kind: 'unreachable', gateway: parseAddress('10.6.0.1') };
  await assert.rejects(detectWith({ detectGateway: true }, off), {
    message: 'gateway 10.6.0.1 is unreachable',
  });
});
