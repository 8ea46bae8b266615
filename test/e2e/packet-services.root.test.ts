// Services to packets, in place of kube-proxy: the agent, the kernel's rules, and clients inside and outside of the cluster.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type EndpointSlice, resources, type Service } from '#api';
import { insideNamespaces } from './namespaces.ts';
import { nodeAddress, nodeName, OneNode } from './one-node.ts';
import { Place } from './place.ts';
import { runProgram, until } from './program.ts';

const TABLE = 'orbweaver-services';
const nft = (...words: string[]) => spawnSync('nft', words, { encoding: 'utf8' });

if (insideNamespaces(import.meta.filename)) {
  let node: OneNode;
  let client: Place;
  let a: Place;
  let b: Place;
  let host: Place;

  before(async () => {
    node = await OneNode.start({ agent: { kubeProxyReplacement: true, serviceExternalIPs: true } });
    for (const [file, value] of [
      ['ipv4/ip_forward', '1'],
      ['ipv6/conf/all/forwarding', '1'],
    ] as const)
      writeFileSync(join('/proc/sys/net', file), value);
    client = await Place.make(
      'client',
      ['192.0.2.10/24', '2001:db8::10/64'],
      ['192.0.2.1/24', '2001:db8::1/64'],
    );
    a = await Place.make(
      'a',
      ['10.244.0.2/30', 'fd00:10:244::2/126'],
      ['10.244.0.1/30', 'fd00:10:244::1/126'],
    );
    b = await Place.make(
      'b',
      ['10.244.0.6/30', 'fd00:10:244::6/126'],
      ['10.244.0.5/30', 'fd00:10:244::5/126'],
    );
    // As on any node: without a route, the kernel refuses before the rules see a packet.
    runProgram('ip', ['route', 'add', 'default', 'via', '192.0.2.10']);
    runProgram('ip', ['route', 'add', 'default', 'via', '2001:db8::10']);
    host = await Place.here('host');
    for (const pod of [a, b]) await pod.call('serve', pod.name, 8080);
  });
  after(async () => {
    for (const place of [client, a, b, host]) await place.end();
    await node.stop();
  });

  const slice = (
    service: string,
    addresses: readonly string[],
    more: Partial<EndpointSlice> = {},
    family = 4,
  ) =>
    ({
      metadata: {
        namespace: 'default',
        name: `${service}-${family}`,
        labels: { 'kubernetes.io/service-name': service },
      },
      addressType: `IPv${family}`,
      ports: [
        { name: 'tcp', port: 8080, protocol: 'TCP' },
        { name: 'udp', port: 8080, protocol: 'UDP' },
      ],
      endpoints: addresses.map((address) => ({ addresses: [address], nodeName })),
      ...more,
    }) as EndpointSlice;

  const make = async (
    name: string,
    spec: Service['spec'],
    slices: readonly EndpointSlice[],
    status: Service['status'] = {},
  ) => {
    const nodePort = spec?.ports?.[0]?.nodePort;
    const ports = (['TCP', 'UDP'] as const).map((protocol) => ({
      ...{ name: protocol.toLowerCase(), port: 80, protocol },
      ...(nodePort !== undefined && { nodePort }),
    }));
    const made = await node.client.create(resources.services, {
      metadata: { namespace: 'default', name },
      spec: { ...spec, ports },
    } as Service);
    if (status.loadBalancer !== undefined)
      await node.client.updateStatus(resources.services, { ...made, status });
    for (const each of slices) await node.client.create(resources.endpointSlices, each);
  };
  const change = async (to: EndpointSlice) => {
    const held = await node.client.get(resources.endpointSlices, {
      namespace: 'default',
      name: to.metadata.name ?? '',
    });
    await node.client.update(resources.endpointSlices, { ...to, metadata: { ...held.metadata } });
  };
  const isOn = async () => {
    // An agent that has just started listens to CNI requests first.
    const page = await fetch('http://127.0.0.1:5710/metrics').catch(() => undefined);
    return /^orbweaver_packet_services_on 1$/m.test((await page?.text()) ?? '');
  };
  const served = (address: string, port: number) =>
    until(
      `rules for ${address} ${port}`,
      () => nft('list', 'chain', 'inet', TABLE, `tcp-${address.replaceAll(':', '_')}-${port}`).status === 0,
    );

  test('a ClusterIP leads pods and the node to all endpoints, and pods keep their source', async () => {
    const dual = { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] } as const;
    const clusterIPs = ['10.96.0.50', 'fd00:10:96::50'];
    await make('shop', { ...dual, ipFamilies: [...dual.ipFamilies], clusterIP: '10.96.0.50', clusterIPs }, [
      slice('shop', ['10.244.0.2', '10.244.0.6']),
      slice('shop', ['fd00:10:244::2', 'fd00:10:244::6'], {}, 6),
    ]);
    await served('fd00:10:96::50', 80);
    const answers = await a.tally(20, '10.96.0.50', 80);
    // A pod that reaches itself sees the node, or it would answer itself.
    assert.deepEqual(Object.keys(answers).toSorted(), ['a 10.244.0.1', 'b 10.244.0.2']);
    assert.deepEqual(Object.keys(await a.tally(20, 'fd00:10:96::50', 80)).toSorted(), [
      'a fd00:10:244::1',
      'b fd00:10:244::2',
    ]);
    assert.deepEqual(Object.keys(await host.tally(20, '10.96.0.50', 80)).toSorted(), [
      'a 10.244.0.1',
      'b 10.244.0.5',
    ]);
    assert.match(await b.call('udp', '10.96.0.50', 80), /^[ab] /);
  });

  test('a NodePort leads clients outside to all endpoints, behind the address of the node', async () => {
    await make(
      'door',
      { type: 'NodePort', clusterIP: '10.96.0.51', ports: [{ port: 80, nodePort: 30080 }] },
      [slice('door', ['10.244.0.2', '10.244.0.6'])],
    );
    await served(nodeAddress[4], 30080);
    const answers = await client.tally(20, nodeAddress[4], 30080);
    assert.deepEqual(Object.keys(answers).toSorted(), ['a 10.244.0.1', 'b 10.244.0.5']);
    assert.match(await client.call('udp', nodeAddress[4], 30080), /^[ab] /);
  });

  test('with externalTrafficPolicy Local, clients outside keep their source and get endpoints of this node alone', async () => {
    const local = { type: 'NodePort', externalTrafficPolicy: 'Local' } as const;
    await make('kept', { ...local, clusterIP: '10.96.0.52', ports: [{ port: 80, nodePort: 30081 }] }, [
      slice('kept', [], {
        endpoints: [
          { addresses: ['10.244.0.2'], nodeName },
          { addresses: ['10.244.0.6'], nodeName: 'node2' },
        ],
      }),
    ]);
    await served(nodeAddress[4], 30081);
    assert.deepEqual(await client.tally(20, nodeAddress[4], 30081), { 'a 192.0.2.10': 20 });
    const fromPod = await a.tally(20, nodeAddress[4], 30081);
    assert.deepEqual(Object.keys(fromPod).toSorted(), ['a 10.244.0.1', 'b 10.244.0.2']);
    const fromNode = await host.tally(20, nodeAddress[4], 30081);
    assert.deepEqual(Object.keys(fromNode).toSorted(), ['a 10.244.0.1', 'b 10.244.0.5']);

    await change(slice('kept', [], { endpoints: [{ addresses: ['10.244.0.6'], nodeName: 'node2' }] }));
    await until(
      'no endpoint here',
      async () => (await client.call('tcp', nodeAddress[4], 30081)) === 'silence',
    );
    assert.equal(await host.call('tcp', nodeAddress[4], 30081), 'b 10.244.0.5');
  });

  test('the address of a load balancer serves the allowed senders alone, with the health check that it asks for', async () => {
    const spec = {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 30999,
    } as const;
    const ranges = { loadBalancerSourceRanges: ['192.0.2.0/24', ' 10.9.0.0/16'] };
    await make(
      'balanced',
      { ...spec, ...ranges, clusterIP: '10.96.0.53' },
      [slice('balanced', ['10.244.0.6'])],
      { loadBalancer: { ingress: [{ ip: '203.0.113.5' }, { hostname: 'x' }] } } as Service['status'],
    );
    await served('203.0.113.5', 80);
    assert.equal(await client.call('tcp', '203.0.113.5', 80), 'b 192.0.2.10');
    assert.equal(await a.call('tcp', '203.0.113.5', 80), 'silence');
    assert.equal(await a.call('tcp', '10.96.0.53', 80), 'b 10.244.0.2');
    const health = async () => {
      const answer = await fetch('http://127.0.0.1:30999/');
      return [answer.status, await answer.json()];
    };
    const service = { namespace: 'default', name: 'balanced' };
    assert.deepEqual(await health(), [200, { service, localEndpoints: 1, serviceProxyHealthy: true }]);
    await change(slice('balanced', [], { endpoints: [{ addresses: ['10.244.0.6'], nodeName: 'node2' }] }));
    await until('the node says that it has none', async () => (await health())[0] === 503);
    await node.client.delete(resources.services, { namespace: 'default', name: 'balanced' });
    await until('the port is closed', async () =>
      health().then(
        () => false,
        () => true,
      ),
    );
  });

  test('an externalIP leads to the endpoints', async () => {
    await make('external', { clusterIP: '10.96.0.54', externalIPs: ['203.0.113.6', 'nonsense'] }, [
      slice('external', ['10.244.0.2']),
    ]);
    await served('203.0.113.6', 80);
    assert.equal(await client.call('tcp', '203.0.113.6', 80), 'a 10.244.0.1');
  });

  test('with affinity, a client keeps its endpoint, also when the agent starts again', async () => {
    const sessionAffinity = 'ClientIP' as const;
    await make(
      'sticky',
      { type: 'NodePort', sessionAffinity, clusterIP: '10.96.0.55', ports: [{ port: 80, nodePort: 30082 }] },
      [slice('sticky', ['10.244.0.2', '10.244.0.6'])],
    );
    await served(nodeAddress[4], 30082);
    const first = await client.tally(20, nodeAddress[4], 30082);
    assert.equal(Object.keys(first).length, 1);
    await node.agent.stop('SIGKILL');
    assert.deepEqual(await client.tally(10, nodeAddress[4], 30082), {
      ...first,
      [Object.keys(first)[0] ?? '']: 10,
    });
    await node.startAgent();
    await until('the agent serves', () => isOn());
    assert.deepEqual(Object.keys(await client.tally(20, nodeAddress[4], 30082)), Object.keys(first));
    const [kept = ''] = Object.keys(first);
    const other = kept.startsWith('a') ? '10.244.0.6' : '10.244.0.2';
    await change(slice('sticky', [other]));
    await until(
      'the other one serves',
      async () => !(await client.call('tcp', nodeAddress[4], 30082)).startsWith(kept[0] ?? ''),
    );
  });

  test('a Service without endpoints refuses at once, inside and outside', async () => {
    await make(
      'empty',
      { type: 'NodePort', clusterIP: '10.96.0.56', ports: [{ port: 80, nodePort: 30083 }] },
      [],
    );
    const refused = () => nft('list', 'set', 'inet', TABLE, 'refused4').stdout.includes('30083');
    await until('it is refused', refused);
    for (const [place, address, port] of [
      [a, '10.96.0.56', 80],
      [host, '10.96.0.56', 80],
      [client, nodeAddress[4], 30083],
    ] as const)
      assert.equal(await place.call('tcp', address, port), 'ECONNREFUSED');
    await node.client.create(resources.endpointSlices, slice('empty', ['10.244.0.2']));
    await until(
      'it has one',
      async () => (await client.call('tcp', nodeAddress[4], 30083)) === 'a 10.244.0.1',
    );
    await node.client.delete(resources.services, { namespace: 'default', name: 'empty' });
    await until('its rules are gone', () => !nft('list', 'table', 'inet', TABLE).stdout.includes('30083'));
  });

  test('a UDP client of one flow goes to another endpoint when its own is gone, and to the first one that comes', async () => {
    await make('names', { clusterIP: '10.96.0.57' }, [slice('names', ['10.244.0.2'])]);
    await served('10.96.0.57', 80);
    assert.equal(await b.call('udp', '10.96.0.57', 80), 'a 10.244.0.6');
    await change(slice('names', ['10.244.0.6']));
    await until('the other one answers', async () => (await a.call('udp', '10.96.0.57', 80)).startsWith('b'));
    await until('the old flow too', async () => (await b.call('udp', '10.96.0.57', 80)).startsWith('b'));
    await change(slice('names', []));
    await until('none answers', async () => (await a.call('udp', '10.96.0.57', 80)) === 'silence');
    await change(slice('names', ['10.244.0.6']));
    await until('it answers again', async () => (await a.call('udp', '10.96.0.57', 80)).startsWith('b'));
  });

  test('a UDP client of one flow stays at an endpoint that ends, and leaves it when it is gone', async () => {
    await make('ending', { clusterIP: '10.96.0.58' }, [slice('ending', ['10.244.0.2'])]);
    await served('10.96.0.58', 80);
    assert.equal(await b.call('udp', '10.96.0.58', 80), 'a 10.244.0.6');
    const ends = { ready: false, serving: true, terminating: true };
    const other = { addresses: ['10.244.0.6'], nodeName };
    await change(
      slice('ending', [], {
        endpoints: [{ addresses: ['10.244.0.2'], nodeName, conditions: ends }, other],
      }),
    );
    const rule = () => nft('list', 'chain', 'inet', TABLE, 'udp-10.96.0.58-80').stdout;
    await until('new clients go to the other one', () => rule().includes('dnat ip to 10.244.0.6:8080'));
    assert.equal(await b.call('udp', '10.96.0.58', 80), 'a 10.244.0.6');
    await change(slice('ending', ['10.244.0.6']));
    await until('the old flow goes there too', async () =>
      (await b.call('udp', '10.96.0.58', 80)).startsWith('b'),
    );
  });

  test('a port of a ClusterIP that no Service has is refused at once', async () => {
    await served('fd00:10:96::50', 80);
    for (const place of [a, host]) {
      assert.equal(await place.call('tcp', '10.96.0.50', 81), 'ECONNREFUSED');
      assert.equal(await place.call('tcp', 'fd00:10:96::50', 81), 'ECONNREFUSED');
    }
    const named = () => nft('list', 'set', 'inet', TABLE, 'clusterips4').stdout.includes('10.96.0.58');
    assert.equal(named(), true);
    await node.client.delete(resources.services, { namespace: 'default', name: 'ending' });
    await until('the address of a Service that is gone is not refused', () => !named());
  });

  test('a Service that the kernel refuses keeps its rules, and no other loses its own', async () => {
    await make('refused', { clusterIP: '10.96.0.59' }, [slice('refused', ['10.244.0.2'])]);
    await served('10.96.0.59', 80);
    const wrong = [
      { name: 'tcp', port: 70_000, protocol: 'TCP' },
      { name: 'udp', port: 8080, protocol: 'UDP' },
    ] as EndpointSlice['ports'];
    await change(slice('refused', ['10.244.0.6'], { ports: wrong }));
    await until('the log says so', () => /"front":"TCP 10.96.0.59:80"/.test(node.agent.log));
    assert.equal(await isOn(), true);
    assert.equal(await b.call('tcp', '10.96.0.59', 80), 'a 10.244.0.6');
    await node.client.create(resources.endpointSlices, slice('late', ['10.244.0.2']));
    await make('late', { clusterIP: '10.96.0.60' }, []);
    await served('10.96.0.60', 80);
    await change(slice('refused', ['10.244.0.6']));
    await until('it has its new endpoint', async () =>
      (await a.call('tcp', '10.96.0.59', 80)).startsWith('b'),
    );
  });

  test('the rules come back when another program flushes all, and tables of others are left alone', async () => {
    runProgram('nft', ['add table ip other; add chain ip other mine']);
    runProgram('nft', ['flush', 'ruleset']);
    runProgram('nft', ['add table ip other; add chain ip other mine']);
    await until(
      'the rules are back',
      () => nft('list', 'chain', 'inet', TABLE, 'tcp-10.96.0.50-80').status === 0,
    );
    assert.match(await a.call('tcp', '10.96.0.50', 80), /^[ab] /);
    assert.equal(nft('list', 'chain', 'ip', 'other', 'mine').status, 0);
  });

  test('what changes while no agent runs is written by the next one, and no connection fails meanwhile', async () => {
    await node.agent.stop('SIGKILL');
    await node.client.delete(resources.services, { namespace: 'default', name: 'external' });
    await change(slice('names', ['10.244.0.2']));
    const asking = client.tally(150, nodeAddress[4], 30080);
    await node.startAgent();
    await until('the agent serves', () => isOn());
    const answers = await asking;
    assert.deepEqual(Object.keys(answers).toSorted(), ['a 10.244.0.1', 'b 10.244.0.5']);
    assert.equal(nft('list', 'table', 'inet', TABLE).stdout.includes('203.0.113.6'), false);
    assert.equal(await b.call('tcp', '10.96.0.57', 80), 'a 10.244.0.6');
  });

  test('an agent that starts again on a full disk serves what has changed', async () => {
    const folder = '/var/lib/orbweaver';
    const filler = join(folder, 'filler');
    await node.agent.stop('SIGKILL');
    await change(slice('names', ['10.244.0.6']));
    runProgram('mount', ['-o', 'remount,size=2m', folder]);
    const isFull = () => spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k']).status !== 0;
    assert.equal(isFull(), true);
    await node.startAgent();
    await until('the agent serves', () => isOn());
    assert.equal(await b.call('tcp', '10.96.0.57', 80), 'b 10.244.0.5');
    rmSync(filler);
  });

  test('an agent without the setting removes the rules, and those of others stay', async () => {
    await node.agent.stop('SIGTERM');
    assert.equal(nft('list', 'table', 'inet', TABLE).status, 0);
    const file = join(node.folder, 'conf.yml');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('"kubeProxyReplacement":true', '"kubeProxyReplacement":false'),
    );
    await node.startAgent();
    await until('the table is gone', () => nft('list', 'table', 'inet', TABLE).status !== 0);
    assert.equal(nft('list', 'chain', 'ip', 'other', 'mine').status, 0);
  });
}
