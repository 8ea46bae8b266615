// The programs of Spiderpool and of Orbweaver in a cluster: who runs, and who calls admission.

import { z } from 'zod';
import type { DaemonSet, Deployment } from '#api';
import { AGENTS, CONTROLLER, PART, PART_LABEL, PROGRAM_LABEL } from '#plan/installation';
import { writtenWebhooks } from './sleep.ts';
import type { AdmissionCall, Installation, Program, Role } from './sleeper.ts';

/** What the cluster has of both. */
export interface ClusterPrograms {
  readonly daemonSets: readonly DaemonSet[];
  readonly deployments: readonly Deployment[];
  readonly webhooks: readonly AdmissionCall[];
}

/** Spiderpool's webhooks are named `spiderippool.spiderpool.spidernet.io` (its chart, templates/tls.yaml). */
const SPIDERPOOL_WEBHOOK = /\.spiderpool\.spidernet\.io$/;
/** Its images have these programs (its chart, binName). Names of workloads can be chosen. */
const spiderpoolRoles: Readonly<Record<string, Role>> = {
  'spiderpool-agent': 'agent',
  'spiderpool-controller': 'controller',
};
/** The names of our objects are fixed. */
const ourRoles: Readonly<Record<string, Role>> = {
  [AGENTS]: 'agent',
  [CONTROLLER]: 'controller',
  'orbweaver-multus': 'multus',
};

export function spiderpoolIn({ daemonSets, deployments, webhooks }: ClusterPrograms): Installation {
  return {
    programs: programs(daemonSets, deployments, spiderpoolRole),
    webhooks: webhooks.filter(({ object }) =>
      writtenWebhooks(object).some(({ name }) => SPIDERPOOL_WEBHOOK.test(name)),
    ),
  };
}

export function orbweaverIn({ daemonSets, deployments, webhooks }: ClusterPrograms): Installation {
  return {
    programs: programs(daemonSets, deployments, ourRole),
    webhooks: webhooks.filter(({ object }) => object.metadata.labels?.[PART_LABEL] === PART),
  };
}

function programs(
  daemonSets: readonly DaemonSet[],
  deployments: readonly Deployment[],
  roleOf: (object: DaemonSet | Deployment) => Role | undefined,
): Program[] {
  const found = <T extends DaemonSet | Deployment>(objects: readonly T[]) =>
    objects.flatMap((object) => {
      const role = roleOf(object);
      return role === undefined ? [] : [{ role, object }];
    });
  return [
    ...found(deployments).map((one) => ({ kind: 'Deployment' as const, ...one })),
    ...found(daemonSets).map((one) => ({ kind: 'DaemonSet' as const, ...one })),
  ];
}

function spiderpoolRole({ spec }: DaemonSet | Deployment): Role | undefined {
  for (const { command = [] } of spec?.template.spec?.containers ?? []) {
    const role = spiderpoolRoles[(command[0] ?? '').split('/').at(-1) ?? ''];
    if (role !== undefined) return role;
  }
  return undefined;
}

function ourRole({ metadata: { labels = {} } }: DaemonSet | Deployment): Role | undefined {
  return labels[PART_LABEL] === PART ? ourRoles[labels[PROGRAM_LABEL] ?? ''] : undefined;
}

/** The program's version: the label of its chart, or else the tag of its image. Undefined if neither tells it. */
export function versionOf({ object: { metadata, spec } }: Program): string | undefined {
  const label = metadata.labels?.['app.kubernetes.io/version'];
  if (label !== undefined) return label.replace(/^v/, '');
  const [container] = spec?.template.spec?.containers ?? [];
  return /:v?(\d+\.\d+\.\d+[^@/]*)$/.exec(container?.image ?? '')?.[1];
}

/** Whether the pods run Multus too, as those of Spiderpool's agent do. */
export function bringsMultus({ object: { spec } }: Program): boolean {
  return (spec?.template.spec?.containers ?? []).some(({ name }) => name === 'multus-cni');
}

const environmentSchema = z.looseObject({
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).optional(),
});
const volumesSchema = z.looseObject({
  volumes: z
    .array(
      z.looseObject({
        name: z.string(),
        hostPath: z.looseObject({ path: z.string() }).optional(),
        configMap: z.looseObject({ name: z.string().optional() }).optional(),
      }),
    )
    .optional(),
});

/** The variables of the program's first container that have a value. */
export function environmentOf({ object: { spec } }: Program): ReadonlyMap<string, string> {
  const [container] = spec?.template.spec?.containers ?? [];
  const { env = [] } = environmentSchema.safeParse(container).data ?? {};
  return new Map(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}

/** The volume of that name: the folder of the node, or the ConfigMap, that it is. */
export function volumeOf(
  { object: { spec } }: Program,
  name: string,
): { readonly hostPath?: string | undefined; readonly configMap?: string | undefined } {
  const { volumes = [] } = volumesSchema.safeParse(spec?.template.spec).data ?? {};
  const volume = volumes.find((one) => one.name === name);
  return { hostPath: volume?.hostPath?.path, configMap: volume?.configMap?.name };
}
