// The networks that the control plane was started with: kubeadm's ConfigMap, the flags of its pods, k3s and RKE2.

import { z } from 'zod';
import type { Node, Pod } from '#api';
import { check, parseJson } from '#api';
import { errorText, isOrbError } from '#base';
import { tryParseAddress } from '#ip';
import { type Answer, fault, readNetworks, union } from './answer.ts';
import { flagValues } from './flags.ts';
import type { SourceReader } from './sources.ts';

/** Networks of pods, or of Services. */
export type Purpose = 'pods' | 'services';

const kubeadmField = { pods: 'podSubnet', services: 'serviceSubnet' } as const;
const managerFlag = { pods: 'cluster-cidr', services: 'service-cluster-ip-range' } as const;
const k3sFlag = { pods: 'cluster-cidr', services: 'service-cidr' } as const;
/** The defaults of k3s (GetDefaultAddresses, pkg/util). The family of the server's node says which one applies. */
const k3sDefault = {
  pods: { 4: '10.42.0.0/16', 6: 'fd00:42::/56' },
  services: { 4: '10.43.0.0/16', 6: 'fd00:43::/112' },
} as const;

const clusterConfigurationSchema = z.looseObject({
  networking: z
    .looseObject({ podSubnet: z.string().nullish(), serviceSubnet: z.string().nullish() })
    .nullish(),
});

/** ClusterConfiguration of kubeadm (kubeadm.k8s.io/v1beta4), which `kubeadm init` stores. */
export function kubeadmNetworks(
  reader: SourceReader,
  readYaml: (text: string) => unknown,
  purpose: Purpose,
): Answer {
  const items = reader.items('kubeadmConfig');
  if ('faults' in items) return items;
  const subject = 'ConfigMap kube-system/kubeadm-config';
  const text = items[0]?.data?.ClusterConfiguration;
  if (text === undefined) {
    return fault(
      'NotFound',
      items.length === 0 ? `there is no ${subject}` : `${subject} has no ClusterConfiguration`,
    );
  }
  const field = kubeadmField[purpose];
  try {
    const value = check(clusterConfigurationSchema, readYaml(text), { subject }).networking?.[field] ?? '';
    if (value.trim() === '') return fault('NotFound', `${subject} has no networking.${field}`);
    return readNetworks([value], `${subject}, networking.${field}`);
  } catch (error) {
    const said = errorText(error);
    return fault(
      'Malformed',
      isOrbError(error, 'INPUT_INVALID') ? said : `${subject} cannot be read as YAML: ${said}`,
    );
  }
}

/** The flags of kube-controller-manager. If a flag is given twice, the last one counts. */
export function managerNetworks(reader: SourceReader, purpose: Purpose): Answer {
  return podFlag(reader, 'controllerManagers', managerFlag[purpose]);
}

/** The flags of kube-apiserver. It has no flag for the networks of pods. */
export function apiServerNetworks(reader: SourceReader): Answer {
  return podFlag(reader, 'apiServers', managerFlag.services);
}

function podFlag(reader: SourceReader, source: 'controllerManagers' | 'apiServers', flag: string): Answer {
  const pods = reader.items(source);
  if ('faults' in pods) return pods;
  const program = source === 'apiServers' ? 'kube-apiserver' : 'kube-controller-manager';
  const living = pods.filter(isLiving);
  if (living.length === 0) return fault('NotFound', `no ${program} pod was found`);
  const values = living.flatMap(({ spec }) =>
    (spec?.containers ?? []).flatMap(({ command = [], args = [] }) =>
      flagValues([...command, ...args], flag).slice(-1),
    ),
  );
  if (values.every((value) => value === '')) return fault('NotFound', `no ${program} pod has --${flag}`);
  return readNetworks(values, `--${flag} of ${program}`);
}

function isLiving({ metadata, status }: Pod): boolean {
  const ended = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  return metadata.deletionTimestamp === undefined && !ended;
}

/**
 * The arguments of k3s and RKE2 servers. An annotation of each node has them, with those of configuration files. A
 * repeated flag adds networks. Without the flag, the documented default applies.
 */
export function k3sNetworks(reader: SourceReader, purpose: Purpose): Answer {
  const nodes = reader.items('nodes');
  if ('faults' in nodes) return nodes;
  const servers = nodes.flatMap((node) => serverArguments(node, purpose));
  return servers.length === 0 ? fault('NotFound', 'no node is a server of k3s or RKE2') : union(servers);
}

function serverArguments(node: Node, purpose: Purpose): Answer[] {
  const { annotations = {}, name = '' } = node.metadata;
  return ['k3s.io/node-args', 'rke2.io/node-args'].flatMap((key) => {
    const text = annotations[key];
    if (text === undefined) return [];
    const subject = `annotation ${key} of node ${name}`;
    try {
      const argv = check(z.array(z.string()), parseJson(text, { subject }), { subject });
      if (argv[0] !== 'server') return [];
      const flag = k3sFlag[purpose];
      const given = flagValues(argv, flag);
      if (given.length > 0) return [readNetworks(given, `--${flag} of k3s or RKE2`)];
      return [
        readNetworks([k3sDefault[purpose][familyOf(node)]], `the default of --${flag} of k3s and RKE2`),
      ];
    } catch (error) {
      return [fault('Malformed', errorText(error))];
    }
  });
}

function familyOf({ status }: Node): 4 | 6 {
  const internal = (status?.addresses ?? []).find(({ type }) => type === 'InternalIP')?.address ?? '';
  return tryParseAddress(internal)?.family ?? 4;
}
