// Imports from the real Whereabouts, with its own CustomResourceDefinitions, and from the real host-local. Both give addresses to
// pods of the embedded API server; orbctl makes pools of them.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crdManifests, NETWORK_STATUS_ANNOTATION } from '#api';
import { builtPrograms, goVersion, moduleSource } from './build.ts';
import type { ClientParts } from './clients-play.ts';
import { run } from './command.ts';
import { whereaboutsSet } from './programs.ts';

const orbctl = [process.execPath, join(import.meta.dirname, '../../src/main/orbctl.ts')] as const;
const hostLocal = '/usr/lib/cni/host-local';
const module = join(import.meta.dirname, 'whereabouts');

/** A pod of the play, and its addresses by the program that gave them. */
interface Given {
  readonly name: string;
  readonly uid: string;
  readonly addresses: readonly string[];
}

export async function playImport({ outcomes, environment, kubectl }: ClientParts): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'orbweaver-import-'));
  try {
    const whereabouts = join(await builtPrograms((await goVersion()) ?? '', whereaboutsSet), 'whereabouts');
    const data = join(folder, 'networks');
    mkdirSync(data);
    // Whereabouts' installation puts it on each node.
    const settings = join(folder, 'whereabouts.conf');
    writeFileSync(settings, JSON.stringify({ kubernetes: { kubeconfig: environment.KUBECONFIG } }));
    const ipams = {
      wide: {
        program: whereabouts,
        ipam: {
          type: 'whereabouts',
          ipRanges: [{ range: '10.61.0.0/24', exclude: ['10.61.0.0/30'] }, { range: 'fd61::/64' }],
          configuration_path: settings,
        },
      },
      near: {
        program: hostLocal,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: '10.62.0.0/24' }], [{ subnet: 'fd62::/64' }]],
          dataDir: data,
        },
      },
    } as const;
    const confOf = (network: keyof typeof ipams) =>
      JSON.stringify({ cniVersion: '1.0.0', name: network, type: 'macvlan', ipam: ipams[network].ipam });
    const cni = (network: keyof typeof ipams, verb: string, pod: string) =>
      run([ipams[network].program], {
        input: confOf(network),
        env: {
          ...{ CNI_COMMAND: verb, CNI_CONTAINERID: `sandbox-${pod}`, CNI_IFNAME: 'net1', CNI_NETNS: '/none' },
          ...{
            CNI_PATH: '/usr/lib/cni',
            CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod}`,
          },
        },
      });
    /** A pod that runs, with addresses of the network as Multus shows them. `keeps`: Multus writes them. */
    const give = async (network: keyof typeof ipams, name: string, keeps = true): Promise<Given> => {
      const { ips } = JSON.parse(await cni(network, 'ADD', name)) as { ips: readonly { address: string }[] };
      const addresses = ips.map(({ address }) => address.split('/')[0] ?? '');
      const status = [{ name: `default/${network}`, interface: 'net1', ips: addresses }];
      const annotations = keeps ? { [NETWORK_STATUS_ANNOTATION]: JSON.stringify(status) } : {};
      const spec = { nodeName: 'node1', containers: [{ name: 'c', image: 'none' }] };
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, annotations }, spec };
      await kubectl(['create', '-f', '-'], JSON.stringify(pod));
      const uid = await kubectl(['get', 'pod', name, '-o', 'jsonpath={.metadata.uid}']);
      return { name, uid, addresses };
    };
    const migrate = (...args: string[]) => run([...orbctl, 'migrate', ...args], { env: environment });
    /** `address pod/nic` of all records of the pools that come from the program. */
    const records = async (source: string): Promise<string[]> => {
      const texts = await kubectl([
        ...['get', 'spiderippools', '-l', `orbweaver.io/imported-from=${source}`],
        ...['-o', 'jsonpath={range .items[*]}{.status.allocatedIPs}{"\\n"}{end}'],
      ]);
      return texts
        .split('\n')
        .filter((text) => text !== '')
        .flatMap((text) => Object.entries(JSON.parse(text) as Readonly<Record<string, Recorded>>))
        .map(([address, { pod, podUid, nic }]) => `${address} ${pod} ${podUid} ${nic}`)
        .toSorted();
    };
    const expected = (given: readonly Given[]) =>
      given
        .flatMap(({ name, uid, addresses }) => addresses.map((one) => `${one} default/${name} ${uid} net1`))
        .toSorted();
    const configOf = (network: string) =>
      kubectl(['get', 'network-attachment-definition', network, '-o', 'jsonpath={.spec.config}']);

    await outcomes.require('the kinds of Whereabouts and of Orbweaver are there', async () => {
      for (const kind of ['ippools', 'overlappingrangeipreservations'])
        await kubectl([
          'apply',
          '-f',
          join(
            await moduleSource('github.com/k8snetworkplumbingwg/whereabouts', module),
            `doc/crds/whereabouts.cni.cncf.io_${kind}.yaml`,
          ),
        ]);
      for (const manifest of crdManifests()) await kubectl(['apply', '-f', '-'], JSON.stringify(manifest));
      await kubectl(['create', '-f', '-'], JSON.stringify(agents));
      for (const network of ['wide', 'near'] as const) {
        const metadata = { name: network };
        const kind = { apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition' };
        const object = { ...kind, metadata, spec: { config: confOf(network) } };
        await kubectl(['create', '-f', '-'], JSON.stringify(object));
      }
    });
    const far: Given[] = [];
    await outcomes.require('orbctl imports every address that Whereabouts gave', async () => {
      // Multus has not written yet what the last one got.
      far.push(await give('wide', 'far-1'), await give('wide', 'far-2'), await give('wide', 'far-3', false));
      assert.equal(far[0]?.addresses[0], '10.61.0.4');
      await cni('wide', 'ADD', 'nobody');
      const dry = await migrate('--from', 'whereabouts', '--dry-run');
      assert.match(dry, /nothing stands in the way/);
      const said = await migrate('--from', 'whereabouts', '--apply', '--settle', '1');
      assert.match(said, /left out: 10\.61\.0\.7 is in IPPool kube-system\/10\.61\.0\.0-24/);
      assert.deepEqual(await records('whereabouts'), expected(far));
      assert.match(await configOf('wide'), /"default_ipv6_ippool":\["whereabouts-fd61--1-64"\]/);
    });
    await outcomes.check('after the way back, Whereabouts gives no address that Orbweaver gave', async () => {
      // Orbweaver gave the next address to a pod meanwhile.
      const pool = 'whereabouts-10-61-0-4-24';
      const text = await kubectl(['get', 'spiderippool', pool, '-o', 'jsonpath={.status.allocatedIPs}']);
      const record = { pod: 'default/ours', podUid: 'uid-ours', nic: 'net1' };
      const allocatedIPs = JSON.stringify({ ...(JSON.parse(text) as object), '10.61.0.8': record });
      const status = JSON.stringify({ status: { allocatedIPs } });
      await kubectl(['patch', 'spiderippool', pool, '--subresource=status', '--type=merge', '-p', status]);
      await migrate('--from', 'whereabouts', '--back');
      assert.equal(await configOf('wide'), confOf('wide'));
      const { addresses } = await give('wide', 'after');
      assert.equal(addresses[0], '10.61.0.9');
      await cni('wide', 'DEL', 'far-1');
      assert.equal((await give('wide', 'last')).addresses[0], '10.61.0.4');
    });
    await outcomes.check('orbctl imports every address in the files of host-local', async () => {
      const near = [await give('near', 'near-1'), await give('near', 'near-2')];
      await cni('near', 'ADD', 'stranger');
      writeFileSync(join(data, 'near', 'last_reserved_ip.7'), '10.62.0.4');
      const said = await migrate(
        '--from',
        'host-local',
        '--apply',
        '--settle',
        '1',
        '--data',
        `node1=${data}`,
      );
      assert.match(said, /left out: 10\.62\.0\.4 is in file near\/10\.62\.0\.4 of node node1/);
      assert.deepEqual(await records('host-local'), expected(near));
      await migrate('--from', 'host-local', '--back');
      assert.equal(await configOf('near'), confOf('near'));
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Recorded {
  readonly pod: string;
  readonly podUid: string;
  readonly nic: string;
}

/** What tells orbctl that Orbweaver is installed. No node runs it. */
const agents = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: {
    name: 'orbweaver-agent',
    namespace: 'kube-system',
    labels: { 'app.kubernetes.io/part-of': 'orbweaver', 'app.kubernetes.io/name': 'orbweaver-agent' },
  },
  spec: {
    selector: { matchLabels: { app: 'agent' } },
    template: {
      metadata: { labels: { app: 'agent' } },
      spec: { containers: [{ name: 'agent', image: 'none' }] },
    },
  },
};
