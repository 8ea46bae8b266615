import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asksForSubnets, readSubnetRequest } from './index.ts';
import { application, fromSubnet } from './subnet-fixture.ts';
import { numberText, poolSize } from './subnet-request.ts';

const app = application('app');
const P = 'ipam.spidernet.io/';
const read = (annotations: Record<string, string>, of = app, redundant = 0) =>
  readSubnetRequest(annotations, of, redundant);
const several = (value: unknown) => ({ [`${P}subnets`]: JSON.stringify(value) });
const sized = (number: string) => read(fromSubnet('s', { [`${P}ippool-ip-number`]: number }));

test('no annotation asks for no pool', () => {
  assert.equal(read({}), undefined);
  assert.equal(read({ [`${P}ippool-ip-number`]: 'rubbish' }), undefined);
  assert.equal(asksForSubnets({ [`${P}subnets`]: 'rubbish' }), true);
});

test('one subnet is for eth0, unless it names the interface', () => {
  const one = { [`${P}subnet`]: '{"ipv4":["s4"],"ipv6":["s6"]}' };
  assert.deepEqual(read(one)?.wishes, [
    { nic: 'eth0', family: 4, subnet: 's4' },
    { nic: 'eth0', family: 6, subnet: 's6' },
  ]);
  const named = { [`${P}subnet`]: '{"interface":"net1","ipv4":["s4"]}' };
  assert.deepEqual(read(named)?.wishes, [{ nic: 'net1', family: 4, subnet: 's4' }]);
});

test('several interfaces have their own subnets, and the other annotation no longer counts', () => {
  const given = {
    ...several([
      { interface: 'eth0', ipv4: ['a'] },
      { interface: 'net1', ipv6: ['b'] },
    ]),
    ...fromSubnet('x'),
  };
  assert.deepEqual(read(given)?.wishes, [
    { nic: 'eth0', family: 4, subnet: 'a' },
    { nic: 'net1', family: 6, subnet: 'b' },
  ]);
});

test('only the first subnet of a list counts, and keys may have capitals', () => {
  assert.deepEqual(read({ [`${P}subnet`]: '{"IPv4":["s4","other"],"ipv6":null}' })?.wishes, [
    { nic: 'eth0', family: 4, subnet: 's4' },
  ]);
});

test('a wrong list of subnets is refused in the words of Spiderpool', () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ [`${P}subnets`]: '[' }, /failed to parse annotation 'ipam\.spidernet\.io\/subnets'/],
    [several([]), /no subnets specified/],
    [several([{ ipv4: ['a'] }]), /failed to parse annotation .*interface/],
    [several([{ interface: 'eth0', ipv4: ['a'], subnet: 'x' }]), /failed to parse annotation .*subnet/],
    [
      several([{ interface: 'eth0', ipv4: [''] }]),
      /it's invalid to set an empty IPv4 subnet with multiple interfaces/,
    ],
    [
      several([{ interface: 'eth0' }]),
      /it's invalid to set dual empty subnet with multiple interfaces: interface eth0/,
    ],
    [
      several([
        { interface: 'eth0', ipv4: ['a'] },
        { interface: 'net1', ipv4: ['a'] },
      ]),
      /it's invalid to use the same subnet for multiple interfaces: IPv4 a/,
    ],
    [
      several([
        { interface: 'eth0', ipv4: ['a'] },
        { interface: 'eth0', ipv4: ['b'] },
      ]),
      /it's invalid to use the same Interface name for multiple interfaces: eth0/,
    ],
    [{ [`${P}subnet`]: '{}' }, /it's invalid to set dual empty subnet with single interface: interface eth0/],
    [{ [`${P}subnet`]: '{"ipv6":[""]}' }, /it's invalid to set an empty IPv6 subnet with single interface/],
  ];
  for (const [annotations, message] of cases) {
    assert.throws(() => read(annotations), { code: 'INPUT_INVALID', message }, JSON.stringify(annotations));
  }
});

test('the number is fixed, or counts what comes to the pods', () => {
  const fixed = sized('5');
  const more = sized('+2');
  assert.ok(fixed && more);
  assert.deepEqual([poolSize(fixed, 3), poolSize(more, 3)], [5, 5]);
  assert.deepEqual([poolSize(fixed, 9), poolSize(more, 9)], [5, 11]);
  assert.deepEqual([numberText(fixed), numberText(more)], ['5', '+2']);
});

test('without a number a pool has the redundant number of the cluster more than pods', () => {
  const request = read(fromSubnet('s'), app, 2);
  assert.ok(request);
  assert.deepEqual([poolSize(request, 3), numberText(request)], [5, '+2']);
});

test('a number that is none is refused', () => {
  for (const text of ['', 'x', '++1', '1+', '9+1', '+ 1', '1.5', '9'.repeat(30)]) {
    assert.throws(() => sized(text), {
      code: 'INPUT_INVALID',
      message: new RegExp(`invalid input '${text.replaceAll('+', '\\+')}'`),
    });
  }
  for (const text of ['-1', '+-1']) {
    assert.throws(() => sized(text), { message: /ippool-ip-number' value must equal or greater than 0/ });
  }
});

test('pools go with their application, unless the annotation keeps them', () => {
  const reclaim = (text: string) => read(fromSubnet('s', { [`${P}ippool-reclaim`]: text }))?.reclaim;
  assert.equal(read(fromSubnet('s'))?.reclaim, true);
  assert.deepEqual(['true', '1', 'T'].map(reclaim), [true, true, true]);
  assert.deepEqual(['false', '0', 'False'].map(reclaim), [false, false, false]);
  assert.throws(() => reclaim('no'), {
    message: /failed to parse spider subnet 'ipam\.spidernet\.io\/ippool-reclaim': 'no'/,
  });
});

test('a pod without controller gets no pool, and is told so', () => {
  const orphan = application('p', { apiVersion: 'v1', kind: 'Pod' });
  assert.throws(() => read(fromSubnet('s'), orphan), {
    code: 'INPUT_INVALID',
    message:
      /^annotation ipam\.spidernet\.io\/subnet: SpiderSubnet feature doesn't support no-controller pod/,
  });
  assert.equal(read({}, orphan), undefined);
});

test('the controller of a third party must name a number, because nobody else knows its pods', () => {
  const rollout = application('r', { apiVersion: 'argoproj.io/v1', kind: 'Rollout' });
  assert.throws(() => read(fromSubnet('s'), rollout), {
    message: /^Rollout\/default\/r only supports fixed auto-created IPPool IP Number/,
  });
  const request = read(fromSubnet('s', { [`${P}ippool-ip-number`]: '4' }), rollout);
  assert.ok(request);
  assert.equal(poolSize(request, 0), 4);
});
