// Which port and VM a node is, by the real servers, and `orbctl openstack check` on it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isOrbError } from '#base';
import { Connections } from '#http';
import { type CloudClient, driveDocument, findIdentity, metadataDocument } from '#openstack';
import type { OwnNic } from '#plan/openstack';
import { runProgram } from '../e2e/program.ts';
import { Api, client, environmentOf, makeNetwork, metadataFor, type PortObject } from './scene.ts';

const root = join(import.meta.dirname, '../..');

interface Vm {
  readonly serverId: string;
  readonly port: PortObject;
  readonly networkId: string;
  readonly nic: OwnNic;
}

let api: Api;
let cloud: CloudClient;
let folder: string;
const connections = new Connections();
const servers: Server[] = [];
/** Both have the address 10.30.0.8, in networks of their own. */
let vm: Vm;
let twin: Vm;

const nicOf = (port: PortObject): OwnNic => ({
  name: 'eth0',
  mac: port.mac_address,
  addresses: port.fixed_ips.map(({ ip_address }) => ip_address),
  macsOfNode: [port.mac_address],
});

async function makeVm(name: string, fields: Record<string, unknown> = {}): Promise<Vm> {
  const { networkId, subnetId } = await makeNetwork(api, name, '10.30.0.0/24');
  const fixed_ips = [{ subnet_id: subnetId, ip_address: '10.30.0.8' }];
  const port = await api.make<PortObject>('port', { network_id: networkId, fixed_ips, ...fields });
  const serverId = await api.makeServer(name, port.id);
  return { serverId, port, networkId, nic: nicOf(port) };
}

before(async () => {
  api = await Api.of();
  cloud = client();
  folder = mkdtempSync(join(tmpdir(), 'orbweaver-identity-'));
  vm = await makeVm('vm');
  twin = await makeVm('twin');
});
after(() => {
  for (const server of servers) server.close();
  connections.close();
  cloud.close();
  rmSync(folder, { recursive: true });
});

/** A VM that no metadata service answers. */
const nobodyAnswers = async () => {
  const dead = new URL('http://127.0.0.1:1');
  return await metadataDocument(connections, dead);
};

const sources = (more: Partial<Parameters<typeof findIdentity>[2]> = {}) => ({
  neutron: cloud.neutron,
  metadata: nobodyAnswers,
  configDrive: undefined,
  ...more,
});

async function metadataUrlOf({ serverId }: Vm): Promise<URL> {
  const { url, server } = await metadataFor(serverId, api.projectId);
  servers.push(server);
  return url;
}

/** What a config drive of the VM has, as the real Nova writes it. */
async function driveOf(one: Vm): Promise<string> {
  const url = await metadataUrlOf(one);
  const place = mkdtempSync(join(folder, 'drive-'));
  mkdirSync(join(place, 'openstack/latest'), { recursive: true });
  for (const name of ['meta_data.json', 'network_data.json']) {
    const answer = await fetch(new URL(`/openstack/latest/${name}`, url));
    writeFileSync(join(place, 'openstack/latest', name), await answer.text());
  }
  return place;
}

const unknown = (pattern: RegExp) => (error: unknown) => {
  assert.ok(isOrbError(error, 'OPENSTACK_NODE_UNKNOWN'), String(error));
  assert.match(error.message, pattern);
  return true;
};

const found = ({ serverId, port, networkId }: Vm) => ({ serverId, portId: port.id, networkId });

async function identityOf(...question: Parameters<typeof findIdentity>) {
  const { serverId, portId, networkId } = await findIdentity(...question);
  return { serverId, portId, networkId };
}

describe('a node', () => {
  test('is told by the metadata service, by its MAC address', async () => {
    const url = await metadataUrlOf(vm);
    const metadata = () => metadataDocument(connections, url);
    const identity = await findIdentity(vm.nic, {}, sources({ metadata }));
    assert.equal(identity.by, 'the metadata service');
    assert.equal(identity.portId, vm.port.id);
    assert.equal(identity.serverId, vm.serverId);
  });

  test('does not believe a config drive of another VM, as on a copied disk', async () => {
    const stale = await driveOf(twin);
    const identity = await findIdentity(vm.nic, {}, sources({ configDrive: () => driveDocument(stale) }));
    assert.equal(identity.portId, vm.port.id);
    assert.match(identity.passedOver.join(), /the config drive was not believed: it has no NIC with/);
  });

  test('is told by its own config drive', async () => {
    const drive = await driveOf(vm);
    const identity = await findIdentity(vm.nic, {}, sources({ configDrive: () => driveDocument(drive) }));
    assert.equal(identity.by, 'the config drive');
    assert.equal(identity.portId, vm.port.id);
  });

  test('is found by the MAC address alone', async () => {
    assert.deepEqual(await identityOf(vm.nic, {}, sources()), found(vm));
  });

  test('is found by the providerID, and no other VM is', async () => {
    const providerId = `openstack://RegionOne/${vm.serverId}`;
    assert.deepEqual(await identityOf(vm.nic, { providerId }, sources()), found(vm));
    const other = findIdentity(vm.nic, { providerId: `openstack:///${twin.serverId}` }, sources());
    await assert.rejects(other, unknown(/ports of server .*: there is none/));
  });

  test('is not the port of another VM that the configuration names', async () => {
    const wrong = findIdentity(vm.nic, { portId: twin.port.id }, sources());
    await assert.rejects(wrong, unknown(/has fa:16:3e:.*, and eth0 of this node has/));
  });

  test('is not believed to be two VMs', async () => {
    const hints = { portId: vm.port.id, providerId: `openstack:///${twin.serverId}` };
    await assert.rejects(
      findIdentity(vm.nic, hints, sources()),
      unknown(/the providerID says that this node is server/),
    );
  });

  test('needs the network where two networks have its MAC address', async () => {
    const double = await makeVm('double', { mac_address: vm.port.mac_address });
    await assert.rejects(findIdentity(vm.nic, {}, sources()), unknown(/2 ports match eth0/));
    const { networkId } = double;
    assert.deepEqual(await identityOf(vm.nic, { networkId }, sources()), found(double));
    assert.deepEqual(await identityOf(vm.nic, { networkId: vm.networkId }, sources()), found(vm));
  });

  test('is not found by an address alone, nor by a part of it', async () => {
    const mac = '02:00:00:00:00:01';
    const bridge = { ...twin.nic, mac, macsOfNode: [mac, twin.port.mac_address] };
    await assert.rejects(findIdentity(bridge, {}, sources()), unknown(/no source knows it/));
    const { networkId } = twin;
    assert.deepEqual(await identityOf(bridge, { networkId }, sources()), found(twin));
    const part = { ...bridge, addresses: ['10.30.0.80'] };
    await assert.rejects(findIdentity(part, { networkId }, sources()), unknown(/no source knows it/));
    const foreign = { ...bridge, macsOfNode: [mac] };
    await assert.rejects(findIdentity(foreign, { networkId }, sources()), unknown(/which is not eth0/));
  });

  test('is no port that belongs to no VM', async () => {
    const port = await api.make<PortObject>('port', { network_id: vm.networkId });
    await assert.rejects(findIdentity(nicOf(port), {}, sources()), unknown(/belongs to nobody, not to a VM/));
  });
});

describe('orbctl openstack check', () => {
  const nic = 'nic0';

  before(() => {
    const { mac_address: mac } = twin.port;
    runProgram('ip', ['link', 'add', nic, 'address', mac, 'type', 'bridge']);
    runProgram('ip', ['link', 'set', nic, 'mtu', '1450', 'up']);
    runProgram('ip', ['address', 'add', '10.30.0.8/24', 'dev', nic]);
  });
  after(() => runProgram('ip', ['link', 'del', nic]));

  async function orbctl(...words: readonly string[]): Promise<{ code: number | null; said: string }> {
    const argv = [join(root, 'dist/orbctl.mjs'), 'openstack', 'check', '--interface', nic, ...words];
    const child = spawn(process.execPath, argv, { env: { ...process.env, ...environmentOf() } });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { code, said };
  }

  test('finds the VM, and nothing to mend', async () => {
    const { code, said } = await orbctl();
    assert.equal(code, 0, said);
    assert.match(said, new RegExp(`is port ${twin.port.id} of server ${twin.serverId}`));
    assert.match(said, /nothing keeps pods from having addresses here/);
  });

  test('names a missing pair, a missing rule, a foreign address and an MTU, each with what mends it', async () => {
    runProgram('ip', ['address', 'add', '10.30.0.99/24', 'dev', nic]);
    runProgram('ip', ['link', 'set', nic, 'mtu', '1500']);
    const { code, said } = await orbctl('--pods', '10.99.0.0/16', '--json');
    assert.equal(code, 1, said);
    const { findings } = JSON.parse(said) as { findings: { what: string; mend: string }[] };
    const port = twin.port.id;
    const [group] = twin.port.security_groups;
    const rule = '--ingress --ethertype IPv4 --protocol any --remote-ip 10.99.0.0/16';
    assert.deepEqual(
      findings.map(({ mend }) => mend),
      [
        `openstack port set --fixed-ip ip-address=10.30.0.99 ${port}`,
        `openstack port set --allowed-address ip-address=10.99.0.0/16 ${port}`,
        `openstack security group rule create ${rule} ${group}`,
        `ip link set ${nic} mtu 1450`,
      ],
    );
    runProgram('ip', ['address', 'del', '10.30.0.99/24', 'dev', nic]);
    runProgram('ip', ['link', 'set', nic, 'mtu', '1450']);
  });

  test('is content once the commands have done their work', async () => {
    const pairs = [{ ip_address: '10.99.0.0/16' }];
    await api.neutron('PUT', `/ports/${twin.port.id}`, { port: { allowed_address_pairs: pairs } });
    const rule = { direction: 'ingress', ethertype: 'IPv4', remote_ip_prefix: '10.99.0.0/16' };
    await api.neutron('POST', '/security-group-rules', {
      security_group_rule: { ...rule, security_group_id: twin.port.security_groups[0] },
    });
    const { code, said } = await orbctl('--pods', '10.99.0.0/16');
    assert.equal(code, 0, said);
  });

  test('names routes that lead nowhere or two ways, until they are removed', async () => {
    const router = await api.make('router', { name: 'checked' });
    const [own] = twin.port.fixed_ips;
    await api.neutron('PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: own?.subnet_id });
    const [good, dead, second] = [
      { destination: '10.97.0.0/16', nexthop: '10.30.0.8' },
      { destination: '10.98.0.0/16', nexthop: '10.30.0.200' },
      { destination: '10.97.0.0/16', nexthop: '10.30.0.201' },
    ];
    const change = (verb: 'add' | 'remove', ...routes: readonly unknown[]) =>
      api.neutron('PUT', `/routers/${router.id}/${verb}_extraroutes`, { router: { routes } });
    await change('add', good, dead, second);
    const { code, said } = await orbctl();
    assert.equal(code, 1, said);
    assert.match(said, /10\.98\.0\.0\/16 via 10\.30\.0\.200, and no port of the network has 10\.30\.0\.200/);
    assert.match(
      said,
      /leads 10\.97\.0\.0\/16 to 10\.30\.0\.8 and 10\.30\.0\.201|to 10\.30\.0\.201 and 10\.30\.0\.8/,
    );
    assert.match(
      said,
      new RegExp(`--route destination=10\\.98\\.0\\.0/16,gateway=10\\.30\\.0\\.200 ${router.id}`),
    );
    await change('remove', dead, second);
    const after = await orbctl();
    assert.equal(after.code, 0, after.said);
    await change('remove', good);
    await api.neutron('PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id: own?.subnet_id });
  });

  test('names who answers in place of the router, and for an address of the node', async () => {
    const router = await api.make('router', { name: 'answers' });
    const [own] = twin.port.fixed_ips;
    const subnet_id = own?.subnet_id;
    await api.neutron('PUT', `/routers/${router.id}/add_router_interface`, { subnet_id });
    const { ports } = await api.neutron<{ ports: PortObject[] }>('GET', `/ports?device_id=${router.id}`);
    const routerMac = ports[0]?.mac_address ?? '';
    const unasked = await orbctl();
    assert.equal(unasked.code, 0, unasked.said);
    assert.match(unasked.said, /not checked: who answers on nic0: nic0 has no carrier/);
    runProgram('ip', ['netns', 'add', 'machine']);
    const inMachine = (...words: readonly string[]) => runProgram('ip', ['-n', 'machine', ...words]);
    try {
      const peer = ['peer', 'name', 'eth0', 'address', '0a:00:00:00:00:77', 'netns', 'machine'];
      runProgram('ip', ['link', 'add', 'cable', 'master', nic, 'up', 'type', 'veth', ...peer]);
      runProgram('ip', ['link', 'set', nic, 'mtu', '1450']);
      inMachine('link', 'set', 'eth0', 'up');
      const silent = await orbctl();
      assert.match(silent.said, /nobody answers for 10\.30\.0\.1, the gateway of subnet/);
      inMachine('address', 'add', '10.30.0.1/24', 'dev', 'eth0');
      const wrong = await orbctl();
      assert.equal(wrong.code, 1, wrong.said);
      assert.match(wrong.said, new RegExp(`answers for 10\\.30\\.0\\.1, .* Neutron says ${routerMac}`));
      inMachine('link', 'set', 'eth0', 'address', routerMac);
      const right = await orbctl();
      assert.equal(right.code, 0, right.said);
      inMachine('address', 'add', '10.30.0.8/24', 'dev', 'eth0');
      // It does not answer a question in the name of its own address. So the gateway is silent too.
      const double = await orbctl('--json');
      const { findings } = JSON.parse(double.said) as { findings: { what: string; mend: string }[] };
      const found = findings.find(({ what }) =>
        what.includes(`answers for 10.30.0.8, which ${nic} of this node`),
      );
      assert.equal(found?.mend, `openstack port show ${ports[0]?.id}`, double.said);
    } finally {
      runProgram('ip', ['netns', 'del', 'machine']);
      await api.neutron('PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id });
    }
  });
});
