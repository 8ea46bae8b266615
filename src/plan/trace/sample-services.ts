// The Services of the sample cluster, and the addresses of its nodes.

import { type Family, parseAddress } from '#ip';
import { families, podAddress, pods, type SamplePodKind, sampleNodeAddresses } from './sample-pods.ts';
import type { ServiceEndpoint, ServiceFront } from './service-front.ts';

const NODE_PORT = 30_080;
const LOCAL_NODE_PORT = 30_082;

export function nodeAddress(node: string, family: Family) {
  const found = sampleNodeAddresses(Number(node.slice(4))).find(({ address }) => address.family === family);
  if (found === undefined) throw new RangeError(`the sample cluster has no ${node}`);
  return found.address;
}

/** ClusterIP of the Service of a kind of pods: `C`, `M` or `X`. */
export function clusterIp(kind: SamplePodKind, family: Family, local = false) {
  const host = 'CMDXT'.indexOf(kind) + (local ? 20 : 10);
  return parseAddress(family === 4 ? `10.96.0.${host}` : `fd00:10:96::${host}`);
}

/** One Service with policy Cluster and one with policy Local for each kind of pods. The kind decides the node port. */
export function sampleServices(): ServiceFront[] {
  return (['C', 'M', 'X'] as const).flatMap((kind) =>
    families.flatMap((family) =>
      [false, true].flatMap((local) =>
        (['tcp', 'udp'] as const).map((protocol) => ({
          ...{
            namespace: 'default',
            name: `${kind.toLowerCase()}${local ? '-local' : ''}`,
            protocol,
            port: 80,
          },
          clusterIp: clusterIp(kind, family, local),
          nodePort: nodePortOf(kind, local),
          externalLocal: local,
          internalLocal: false,
          endpoints: pods
            .filter((pod) => pod.kind === kind)
            .map(
              (pod): ServiceEndpoint => ({
                address: podAddress(pod.name, family),
                port: 8080,
                node: `node${pod.node}`,
              }),
            ),
        })),
      ),
    ),
  );
}

export function nodePortOf(kind: SamplePodKind, local: boolean): number {
  return 100 * 'CMDXT'.indexOf(kind) + (local ? LOCAL_NODE_PORT : NODE_PORT);
}
