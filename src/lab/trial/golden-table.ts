// For tests: tries the table on the lab's network with hand-made pods and literal Services, without API server and agent.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { EndpointSlice, Service } from '#api';
import { bothFamilies, type LabNode, labNodes, overlayCidr } from '../addressing.ts';
import { runSync } from '../command.ts';
import { mountLab, mountNode, onNode } from '../mounts.ts';
import { NAT_OUTGOING, OVERLAY_PLUGIN, OVERLAY_PLUGIN_TYPE, overlayNetwork } from '../overlay.ts';
import { serviceFronts, serviceRuleset } from '../services/index.ts';
import { buildTopology, inNetnsOf } from '../topology.ts';
import { machinePlaces } from './cast.ts';
import { type Place, plannedCells, type ServicePlace } from './cells.ts';
import { type GoldenPod, makeGoldenNode, makeGoldenPod } from './golden-pods.ts';
import { askByProbe, askInCrowd } from './prober.ts';
import { type Cell, tryWithRetries } from './table.ts';

const POD_PORT = 80;

interface GoldenService {
  readonly place: ServicePlace;
  readonly service: Service;
  readonly slices: EndpointSlice[];
}

function goldenService(
  name: string,
  number: number,
  pods: readonly Place[],
  externalLocal: boolean,
): GoldenService {
  const clusterIp = { 4: `10.96.0.${number}`, 6: `fd00:10:96::${number}` };
  const nodePort = 30_000 + number;
  const protocols = ['TCP', 'UDP'] as const;
  return {
    place: {
      name,
      clusterIp,
      port: POD_PORT,
      nodePort,
      externalLocal,
      backends: pods[0]?.kind === 'overlay pod' ? 'overlay pod' : 'underlay pod',
    },
    service: {
      metadata: { namespace: 'default', name },
      spec: {
        clusterIPs: [clusterIp[4], clusterIp[6]],
        externalTrafficPolicy: externalLocal ? 'Local' : 'Cluster',
        ports: protocols.map((protocol) => ({
          name: protocol.toLowerCase(),
          protocol,
          port: POD_PORT,
          nodePort,
        })),
      },
    },
    slices: bothFamilies.map((family) => ({
      metadata: {
        namespace: 'default',
        name: `${name}-${family}`,
        labels: { 'kubernetes.io/service-name': name },
      },
      addressType: `IPv${family}`,
      ports: protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: POD_PORT })),
      endpoints: pods.map(({ address, node = '' }) => ({ addresses: [address[family]], nodeName: node })),
    })),
  };
}

/** An overlay pod, made by the lab's own CNI plugin. */
function overlayPod(node: LabNode, probe: string): Place {
  const name = `overlay${node.number}`;
  runSync({ argv: ['ip', 'netns', 'add', name] });
  const {
    cniVersion,
    name: network,
    plugins,
  } = JSON.parse(overlayNetwork(node)) as Record<string, unknown> & { plugins: object[] };
  const environment = [
    'CNI_COMMAND=ADD',
    `CNI_CONTAINERID=${name}`,
    `CNI_NETNS=/run/netns/${name}`,
    'CNI_IFNAME=eth0',
    'CNI_PATH=/opt/cni/bin',
  ];
  const result = JSON.parse(
    runSync({
      argv: ['env', ...environment, ...onNode(node.name, `/opt/cni/bin/${OVERLAY_PLUGIN_TYPE}`)],
      input: JSON.stringify({ cniVersion, name: network, ...plugins[0] }),
    }),
  ) as { ips: { address: string }[] };
  const [v4 = '', v6 = ''] = result.ips.map(({ address }) => address.split('/')[0] ?? '');
  return {
    name,
    kind: 'overlay pod',
    node: node.name,
    address: { 4: v4, 6: v6 },
    port: POD_PORT,
    probe: inNetnsOf(name, probe),
  };
}

function underlayPod(name: string, node: LabNode, number: number, probe: string): Place {
  const pod: GoldenPod = {
    name,
    node,
    number,
    address: { 4: `10.6.1.${number}`, 6: `fd00:10:6::a${number}` },
  };
  makeGoldenPod(pod);
  return {
    name,
    kind: 'underlay pod',
    node: node.name,
    address: pod.address,
    port: POD_PORT,
    probe: inNetnsOf(name, probe),
  };
}

async function goldenNode(node: LabNode): Promise<void> {
  await mountNode(node, {
    files: { [`/opt/cni/bin/${OVERLAY_PLUGIN_TYPE}`]: { text: OVERLAY_PLUGIN, mode: 0o755 } },
    pluginFolders: ['/usr/lib/cni'],
  });
  makeGoldenNode(node);
  runSync({ argv: inNetnsOf(node.name, 'nft', '-f', '-'), input: NAT_OUTGOING });
}

/** Starts the server of every place. Resolves when all of them listen. */
async function serve(places: readonly Place[]): Promise<void> {
  await Promise.all(
    places.map(async ({ probe: [command, ...args], port }) => {
      const server = spawn(command, [...args, 'serve', String(port)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      server.unref();
      await once(server.stdout, 'data');
    }),
  );
}

/** The table with kube-proxy's INVALID drop and without it. The caller is process 1 of new net, mount and pid namespaces. */
export async function goldenTables(probe: string): Promise<{ dropping: Cell[]; liberal: Cell[] }> {
  mountLab();
  const nodes = labNodes(2);
  const [node1, node2] = nodes as [LabNode, LabNode];
  buildTopology(nodes);
  for (const node of nodes) await goldenNode(node);
  const pods = [node1, node1, node2].map((node, i) => underlayPod(`underlay${i + 1}`, node, i + 1, probe));
  const overlays = nodes.map((node) => overlayPod(node, probe));
  const places = [...pods, ...overlays, ...machinePlaces(nodes, probe)];
  await serve(places);
  const services = [
    goldenService('underlay', 10, pods, false),
    goldenService('underlay-local', 11, pods.slice(1), true),
    goldenService('overlay', 12, overlays, false),
  ];
  const tableWith = async (dropInvalid: boolean) => {
    for (const { name } of nodes) {
      const fronts = serviceFronts(
        services.map(({ service }) => service),
        services.flatMap(({ slices }) => slices),
        name,
      );
      const input = serviceRuleset(fronts, { clusterCidr: overlayCidr, dropInvalid });
      runSync({ argv: inNetnsOf(name, 'nft', '-f', '-'), input });
    }
    return tryWithRetries(
      plannedCells({ places, services: services.map(({ place }) => place), invalidLost: dropInvalid }),
      askByProbe,
      askInCrowd,
    );
  };
  return { dropping: await tableWith(true), liberal: await tableWith(false) };
}
