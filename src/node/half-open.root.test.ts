import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { parseAddress, parseCidr } from '#ip';
import { openNamespace, primeThreads } from '#kernel';
import { type DesiredNetwork, mergeSettings, planNode, planPod } from '#plan/network';
import { applyNetwork, applyNode } from './apply.ts';
import { checkNetwork } from './check.ts';
import { connectFrom, Lan, withServer } from './lan-fixture.ts';
import { Overlay, run } from './overlay-fixture.ts';
import type { Namespaces } from './pod-sight.ts';
import { undoNode } from './undo.ts';

const containerId = '0123456789abcdef';
const OVERLAY = ['10.233.64.0/18', 'fd00:10:233:100::/64'];
const POD = { 4: '10.6.212.241', 6: 'fd00:10:6::241' } as const;

function plan(overlayPodCIDR = OVERLAY): DesiredNetwork {
  const settings = mergeSettings({
    netConf: { overlayPodCIDR, serviceCIDR: ['10.233.0.0/18', 'fd00:10:233::/116'] },
    podAnnotations: {},
    coordinator: undefined,
  });
  const addresses = ['10.6.212.241/16', 'fd00:10:6::241/64'].map(parseCidr);
  return planPod({
    containerId,
    nics: [{ name: 'eth0', addresses, routes: [], settings }],
    nodeAddresses: ['10.6.212.101', 'fd00:10:6::101'].map(parseAddress),
  });
}

/** Two nodes on a LAN: an underlay pod and an overlay pod on the first, another overlay pod on the second. */
class Site implements Disposable {
  readonly lan = new Lan('ho');
  readonly overlay: Overlay;
  readonly namespaces: Namespaces;

  constructor() {
    this.overlay = new Overlay(this.lan);
    this.lan.addMacvlan([4, 6]);
    const { pod, node } = this.lan;
    this.namespaces = { pod: openNamespace(this.lan.path(pod)), node: openNamespace(this.lan.path(node)) };
    const host = {
      advertisedLinks: [],
      filteringLinks: [],
      families: [4, 6] as const,
      hostRuleTable: 500,
      tuneSysctls: true,
    };
    applyNode(planNode(host), this.namespaces.node);
  }

  /** Our rules on the node, in nft's words. */
  rules(): string[] {
    const text = run(this.lan.node, ['nft', 'list', 'ruleset']);
    return text.split('\n').filter((line) => line.includes('comment "orbweaver'));
  }

  /** How many packets the node has dropped as INVALID. */
  dropped(): number {
    const text = run(this.lan.node, ['nft', 'list', 'chain', 'inet', 'proxy', 'forward']);
    return Number(/counter packets (\d+)/.exec(text)?.[1]);
  }

  [Symbol.dispose](): void {
    this.namespaces.pod.close();
    this.namespaces.node.close();
    this.overlay[Symbol.dispose]();
    this.lan.remove();
  }
}

before(primeThreads);

test('TCP from an underlay pod to an overlay pod of another node works, and keeps the pod’s address', async () => {
  using site = new Site();
  applyNetwork(plan(), site.namespaces);
  const { farPod } = site.overlay;
  for (const family of [4, 6] as const) {
    const ask = () =>
      withServer(farPod.namespace, 7000, () => connectFrom(site.lan.pod, farPod[family], 7000));
    assert.equal(await ask(), `${POD[family]} hello`);
  }
  assert.equal(site.dropped(), 0);
  site.namespaces.node.nft('delete table inet orbweaver\n');
  const symptom = await withServer(farPod.namespace, 7000, () => connectFrom(site.lan.pod, farPod[4], 7000));
  assert.match(symptom, /^nothing/, 'without the rule the node drops what it saw no answer to');
  assert.ok(site.dropped() > 0);
});

test('an underlay pod’s answer reaches an overlay pod of another node that kept its address', async () => {
  using site = new Site();
  applyNetwork(plan(), site.namespaces);
  const { farPod } = site.overlay;
  const ping = ['ping', '-c', '1', '-W', '2'];
  for (const family of [4, 6] as const) {
    const ask = () => withServer(site.lan.pod, 7000, () => connectFrom(farPod.namespace, POD[family], 7000));
    assert.equal(await ask(), `${farPod[family]} hello`);
    run(farPod.namespace, [...ping, POD[family]]);
  }
  assert.equal(site.dropped(), 0);
  site.namespaces.node.nft('delete table inet orbweaver\n');
  assert.throws(
    () => run(farPod.namespace, [...ping, POD[4]]),
    'an echo reply without its request is INVALID',
  );
});

test('conntrack keeps connections that the node sees completely, such as those of its own overlay pods', async () => {
  using site = new Site();
  applyNetwork(plan(), site.namespaces);
  const { nearPod, farPod } = site.overlay;
  // Calico's chains let pass what belongs to a connection, and would have to judge each untracked packet anew.
  site.namespaces.node.nft(
    'table inet watch { chain forward { type filter hook forward priority 1; ct state untracked counter comment "untracked"; }; }\n',
  );
  const untracked = () =>
    Number(/packets (\d+)/.exec(run(site.lan.node, ['nft', 'list', 'table', 'inet', 'watch']))?.[1]);
  const near = await withServer(nearPod.namespace, 7000, () => connectFrom(site.lan.pod, nearPod[4], 7000));
  assert.equal(near, `${POD[4]} hello`);
  assert.equal(untracked(), 0);
  await withServer(farPod.namespace, 7000, () => connectFrom(site.lan.pod, farPod[4], 7000));
  assert.ok(untracked() > 0);
});

test('the rules exist once, whatever pods come and go, and CHECK names a missing one', async () => {
  using site = new Site();
  applyNetwork(plan(), site.namespaces);
  assert.equal(site.rules().length, 2, 'one for each family');
  applyNetwork(plan(), site.namespaces);
  await undoNode(site.namespaces.node, containerId);
  applyNetwork(plan(), site.namespaces);
  assert.equal(site.rules().length, 2);
  const wider = plan([...OVERLAY, '10.100.0.0/16']);
  applyNetwork(wider, site.namespaces);
  assert.equal(site.rules().length, 3, 'another pod’s configuration names more networks of one family');
  for (const desired of [plan(), wider]) assert.deepEqual(checkNetwork(desired, site.namespaces), []);
  run(site.lan.node, ['nft', 'flush', 'ruleset']);
  assert.deepEqual(checkNetwork(plan(), site.namespaces), [
    'nftables table inet orbweaver is missing or empty',
  ]);
  applyNetwork(plan(), site.namespaces);
  assert.deepEqual(checkNetwork(plan(), site.namespaces), []);
});
