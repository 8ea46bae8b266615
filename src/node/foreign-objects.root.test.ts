import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { parseAddress, parseCidr } from '#ip';
import { openNamespace, primeThreads } from '#kernel';
import { type DesiredNetwork, mergeOptions, nicRoutes, planPod, readSettings } from '#plan/network';
import { applyNetwork } from './apply.ts';
import { checkNetwork } from './check.ts';
import { ip, Lan } from './lan-fixture.ts';
import { type Namespaces, seePod } from './pod-sight.ts';
import { repairNetwork } from './repair.ts';

// Objects of other programs that stand where ours should, on the node and in the pod.

const HOST_LINK = 'veth0123456789a';

class Site implements Disposable {
  readonly lan = new Lan('fo');
  readonly namespaces: Namespaces;
  readonly desired: DesiredNetwork;

  constructor() {
    this.lan.addMacvlan([4]);
    this.namespaces = {
      pod: openNamespace(this.lan.path(this.lan.pod)),
      node: openNamespace(this.lan.path(this.lan.node)),
    };
    const netConf = { overlayPodCIDR: ['10.233.64.0/18'], serviceCIDR: ['10.233.0.0/18'] };
    const settings = readSettings(mergeOptions({ netConf, podAnnotations: {}, coordinator: undefined }));
    const addresses = [parseCidr('10.6.212.241/16')];
    const routes = nicRoutes({ name: 'eth0', addresses }, seePod(this.namespaces.pod).routes);
    this.desired = planPod({
      containerId: '0123456789abcdef',
      nics: [{ name: 'eth0', addresses, routes, settings }],
      nodeAddresses: [parseAddress('10.6.212.101')],
    });
    ip('-n', this.lan.node, 'link', 'add', 'other', 'up', 'type', 'bridge');
  }

  on(where: 'pod' | 'node', line: string): string {
    return ip('-n', this.lan[where], ...line.split(' '))
      .trim()
      .replaceAll(/ +/g, ' ');
  }

  [Symbol.dispose](): void {
    this.namespaces.pod.close();
    this.namespaces.node.close();
    this.lan.remove();
  }
}

before(primeThreads);

test('ADD fails when another program has a route to the pod’s address: the error names the route, and the route stays', () => {
  using site = new Site();
  site.on('node', 'route add 10.6.212.241 dev other table 500');
  assert.throws(() => applyNetwork(site.desired, site.namespaces), {
    code: 'COORDINATOR_HOST_ROUTE_TAKEN',
    message:
      "cannot set the node's route to the pod: route 10.6.212.241 dev veth0123456789a proto 79 scope link of table 500 is 10.6.212.241 dev other scope link instead, which belongs to another program",
  });
  assert.equal(site.on('node', 'route show table 500'), '10.6.212.241 dev other scope link');
});

test('the route of an earlier sandbox to the pod’s address is replaced, because it uses a link of ours', () => {
  using site = new Site();
  site.on('node', 'route add 10.6.212.241 dev other table 500 proto 79');
  applyNetwork(site.desired, site.namespaces);
  assert.equal(site.on('node', 'route show table 500'), `10.6.212.241 dev ${HOST_LINK} proto 79 scope link`);
  assert.deepEqual(checkNetwork(site.desired, site.namespaces), []);
});

test('a foreign route in a table of ours stays and is reported, and other damage is repaired', () => {
  using site = new Site();
  applyNetwork(site.desired, site.namespaces);
  site.on('pod', 'route replace local default dev lo table 100');
  site.on('pod', 'route del 10.233.0.0/18');
  const request = { desired: site.desired, nics: [] };
  const first = repairNetwork(request, site.namespaces);
  assert.deepEqual(first.damage, [
    'route 10.233.0.0/18 via 10.6.212.101 dev veth0 proto 79 src 10.6.212.241 is missing from table main',
  ]);
  assert.match(
    first.lost.join(),
    /table 100 is local default dev lo scope host instead, which belongs to another program/,
  );
  assert.equal(site.on('pod', 'route show table 100'), 'local default dev lo scope host');
  const second = repairNetwork(request, site.namespaces);
  assert.deepEqual([second.damage, second.differences], [[], []], 'nothing is left to repair');
});

test('ADD fails when another kind of link has the name of the node’s end, and that link stays', () => {
  using site = new Site();
  site.on('node', `link add ${HOST_LINK} type bridge`);
  assert.throws(() => applyNetwork(site.desired, site.namespaces), { code: 'COORDINATOR_LINK_TAKEN' });
  assert.match(site.on('node', `-d link show ${HOST_LINK}`), /bridge/);
});
