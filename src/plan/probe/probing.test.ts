import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOrbError } from '#base';
import { formatAddress, parseAddress } from '#ip';
import { type Emission, Probing, type ProbingInput, type Sighting } from './probing.ts';
import { conflictError, gatewayError } from './refusals.ts';

const own = '0a:00:00:00:00:01';
const rival = '0a:00:00:00:00:02';
const v4 = parseAddress('10.6.0.5');
const v6 = parseAddress('fd00:10:6::5');
const gateways = [parseAddress('10.6.0.1'), parseAddress('fd00:10:6::1')] as const;

function probing(changes: Partial<ProbingInput> = {}): Probing {
  const targets = [{ address: v4 }, { address: v6 }];
  return new Probing({ mac: own, targets, detectConflict: true, deadlineMs: 300, ...changes }, 1000);
}

const withGateways = [
  { address: v4, gateway: gateways[0] },
  { address: v6, gateway: gateways[1] },
];

function uses(address: string, mac = rival): Sighting {
  return { kind: 'uses', address: parseAddress(address), mac };
}

function words(emission: Emission): string {
  if (emission.kind === 'probe') return `probe ${formatAddress(emission.address)}`;
  const source = emission.source === undefined ? 'nobody' : formatAddress(emission.source);
  return `${source} asks ${formatAddress(emission.address)}`;
}

/** Goes from one wake to the next until the verdict; what was sent, with its time. */
function runOut(machine: Probing, each: (nowMs: number) => void = () => {}): string[] {
  const sent: string[] = [];
  let nowMs = 1000;
  while (machine.verdict === undefined) {
    for (const emission of machine.due(nowMs)) sent.push(`${nowMs - 1000}: ${words(emission)}`);
    each(nowMs - 1000);
    nowMs = machine.wakeAtMs;
  }
  return sent;
}

test('the addresses are free after 90 ms without answers to three probes of both families', () => {
  const machine = probing();
  const rounds = ['0', '30', '60'].flatMap((ms) => [`${ms}: probe 10.6.0.5`, `${ms}: probe fd00:10:6::5`]);
  let endMs = 0;
  assert.deepEqual(
    runOut(machine, (ms) => {
      endMs = ms;
    }),
    rounds,
  );
  assert.deepEqual([machine.verdict, endMs], [{ kind: 'free' }, 90]);
});

for (const sighting of [
  uses('10.6.0.5'),
  uses('fd00:10:6::5'),
  { ...uses('10.6.0.5'), kind: 'probes' } as const,
]) {
  test(`a machine that ${sighting.kind} ${formatAddress(sighting.address)} is a rival at once`, () => {
    const machine = probing();
    machine.due(1000);
    machine.saw(sighting);
    assert.deepEqual(machine.verdict, { kind: 'conflict', address: sighting.address, mac: rival });
    assert.deepEqual(machine.due(1030), []);
  });
}

test('our own frames and frames about other addresses are no conflict', () => {
  const machine = probing();
  machine.due(1000);
  machine.saw(uses('10.6.0.5', own));
  machine.saw({ ...uses('10.6.0.5', own), kind: 'probes' });
  machine.saw(uses('10.6.0.6'));
  assert.equal(machine.verdict, undefined);
});

test('gateways are asked only after the wait for rivals, without a sender address', () => {
  const machine = probing({ targets: withGateways });
  const sent = runOut(machine, (ms) => {
    if (ms < 120) return;
    machine.saw(uses('10.6.0.1'));
    machine.saw(uses('fd00:10:6::1'));
  });
  const asked = sent.filter((line) => line.includes('asks'));
  const expected = [90, 120].flatMap((ms) => [
    `${ms}: nobody asks 10.6.0.1`,
    `${ms}: nobody asks fd00:10:6::1`,
  ]);
  assert.deepEqual([asked, machine.verdict], [expected, { kind: 'free' }]);
});

test('a gateway that ignores probes without a sender is asked in the name of the free address at last', () => {
  const machine = probing({ targets: withGateways });
  const sent = runOut(machine, (ms) => {
    if (ms === 90) machine.saw(uses('10.6.0.1'));
  });
  assert.deepEqual(
    sent.filter((line) => line.includes('fd00:10:6::5 asks') || line.includes('10.6.0.5 asks')),
    [210, 240, 270].map((ms) => `${ms}: fd00:10:6::5 asks fd00:10:6::1`),
  );
});

test('a gateway that was heard during the wait for rivals must still answer us', () => {
  const machine = probing({ targets: withGateways });
  machine.due(1000);
  machine.saw(uses('10.6.0.1'));
  machine.saw(uses('fd00:10:6::1'));
  assert.equal(machine.verdict, undefined);
});

test('a gateway that only probes for its own address does not use it yet', () => {
  const machine = probing({ targets: [{ address: v4, gateway: gateways[0] }], detectConflict: false });
  machine.due(1000);
  machine.saw({ ...uses('10.6.0.1'), kind: 'probes' });
  assert.equal(machine.verdict, undefined);
});

test('a gateway that stays silent until the deadline is named', () => {
  const machine = probing({ targets: withGateways });
  let endMs = 0;
  runOut(machine, (ms) => {
    endMs = ms;
    if (ms === 90) machine.saw(uses('10.6.0.1'));
  });
  assert.deepEqual([machine.verdict, endMs], [{ kind: 'unreachable', gateway: gateways[1] }, 300]);
});

test('a rival that appears while the gateway is asked is still a conflict', () => {
  const machine = probing({ targets: withGateways });
  runOut(machine, (ms) => {
    if (ms === 90) machine.saw(uses('10.6.0.5'));
  });
  assert.equal(machine.verdict?.kind, 'conflict');
});

test('without conflict detection the gateway is asked at once, without a sender address', () => {
  const machine = probing({ targets: withGateways, detectConflict: false });
  const lines = machine.due(1000).map(words);
  assert.deepEqual(lines, ['nobody asks 10.6.0.1', 'nobody asks fd00:10:6::1']);
  machine.saw(uses('10.6.0.5'));
  assert.equal(machine.verdict, undefined, 'rivals were not asked for');
  const later = runOut(machine).filter((line) => line.includes('asks'));
  assert.ok(
    later.every((line) => line.includes('nobody')),
    'nor is the address known to be free',
  );
});

test('without addresses and gateways the result is free at once', () => {
  assert.deepEqual(probing({ detectConflict: false }).verdict, { kind: 'free' });
});

test('probes that did not leave the NIC are sent again and do not count', () => {
  const machine = probing();
  const sent = runOut(machine, (ms) => {
    if (ms >= 60) return;
    machine.lost();
    machine.lost();
  });
  assert.deepEqual(
    sent.filter((line) => line.endsWith('10.6.0.5')).map((line) => line.split(':')[0]),
    ['0', '30', '60', '90', '120'],
  );
  assert.equal(machine.verdict?.kind, 'free');
});

test('the result is unknown when no probe leaves the NIC until the deadline', () => {
  for (const changes of [{}, { targets: withGateways, detectConflict: false }]) {
    const machine = probing(changes);
    runOut(machine, () => machine.lost());
    assert.deepEqual(machine.verdict, { kind: 'unheard' });
  }
});

test('refusals keep the texts of Spiderpool', () => {
  const conflict = conflictError('eth0', v4, rival);
  assert.match(
    conflict.message,
    /pod's interface eth0 with an conflicting ip 10\.6\.0\.5, 10\.6\.0\.5 is located at 0a:00:00:00:00:02$/,
  );
  assert.ok(isOrbError(conflict, 'ADDRESS_CONFLICT'));
  assert.equal(gatewayError('eth0', gateways[0]).message, 'gateway 10.6.0.1 is unreachable');
});
