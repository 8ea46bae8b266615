// Spiderpool's settings as values of our chart: those of its ConfigMap, and those of its programs' variables.

import { type AgentConfig, parseAgentConfig, type SpiderCoordinator } from '#api';
import { errorText } from '#base';
import { bringsMultus, environmentOf, volumeOf } from './programs.ts';
import { type IaasProviderSettings, noProvider, providerSettings } from './provider-settings.ts';
import type { Setting } from './setting.ts';
import type { Installation, Program } from './sleeper.ts';

/** What the settings are read from. */
export interface SettingsSource {
  readonly installation: Installation;
  /** `data` of the ConfigMap that the agent mounts. */
  readonly data: Readonly<Record<string, string>>;
  /** Its key `conf.yml`, parsed. */
  readonly conf: unknown;
  readonly coordinators: readonly SpiderCoordinator[];
}

type Flag = {
  [Key in keyof AgentConfig]: AgentConfig[Key] extends boolean ? Key : never;
}[keyof AgentConfig];

/** An absent key means false, as in Spiderpool. */
const flags: readonly (readonly [Flag, string])[] = [
  ['enableIPv4', 'ipam.enableIPv4'],
  ['enableIPv6', 'ipam.enableIPv6'],
  ['enableStatefulSet', 'ipam.enableStatefulSet'],
  ['enableKubevirtStaticIP', 'ipam.enableKubevirtStaticIP'],
  ['enableIPConflictDetection', 'ipam.enableIPConflictDetection'],
  ['enableGatewayDetection', 'ipam.enableGatewayDetection'],
  ['enableCleanOutdatedEndpoint', 'ipam.enableCleanOutdatedEndpoint'],
  ['enableSpiderSubnet', 'ipam.spiderSubnet.enable'],
  ['enableAutoPoolForApplication', 'ipam.spiderSubnet.autoPool.enable'],
  ['tuneSysctlConfig', 'agent.tuneSysctlConfig'],
];

/** Other keys of `conf.yml` that are served here. */
const knownKeys = new Set([
  ...flags.map(([key]) => key),
  'ipamUnixSocketPath',
  'enableValidatingResourcesDeletedWebhook',
  'clusterSubnetAutoPoolDefaultRedundantIPNumber',
  'clusterSubnetDefaultFlexibleIPNumber',
  'podResourceInject',
  'iaasNetworkProvider',
  'agent',
  'orbweaver',
]);

type Reading = (text: string) => unknown;
const asText: Reading = (text) => text;
const asFlag: Reading = (text) => text === 'true';
const asNumber: Reading = (text) => Number(text);

/** Variables that Spiderpool's chart writes from its values. */
const agentVariables: readonly (readonly [string, string, Reading])[] = [
  ['SPIDERPOOL_LOG_LEVEL', 'agent.debug.logLevel', asText],
  ['SPIDERPOOL_HEALTH_PORT', 'agent.httpPort', asNumber],
];
const controllerVariables: readonly (readonly [string, string, Reading])[] = [
  ['SPIDERPOOL_LOG_LEVEL', 'controller.debug.logLevel', asText],
  ['SPIDERPOOL_HEALTH_PORT', 'controller.httpPort', asNumber],
  ['SPIDERPOOL_WEBHOOK_PORT', 'controller.webhookPort', asNumber],
  ['SPIDERPOOL_GC_IP_ENABLED', 'ipam.gc.enabled', asFlag],
  ['SPIDERPOOL_GC_DEFAULT_INTERVAL_DURATION', 'ipam.gc.gcAll.intervalInSecond', asNumber],
  [
    'SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_READY_NODE_ENABLED',
    'ipam.gc.statelessPod.zombieOnReadyNode',
    asFlag,
  ],
  [
    'SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_NOT_READY_NODE_ENABLED',
    'ipam.gc.statelessPod.zombieOnNotReadyNode',
    asFlag,
  ],
  [
    'SPIDERPOOL_GC_ENABLE_STATELESS_RUNNING_POD_ON_EMPTY_POD_STATUS_IPS',
    'ipam.gc.enableGcRunningPodOnEmptyPodStatusIPs',
    asFlag,
  ],
  ['SPIDERPOOL_GC_ADDITIONAL_GRACE_DELAY', 'ipam.gc.gcDeletingTimeOutPodDelay', asNumber],
  ['SPIDERPOOL_COORDINATOR_ENABLED', 'coordinator.enabled', asFlag],
  ['SPIDERPOOL_COORDINATOR_DEAFULT_NAME', 'coordinator.name', asText],
  ['SPIDERPOOL_CILIUM_CONFIGMAP_NAMESPACE_NAME', 'global.ciliumConfigMap', asText],
  ['SPIDERPOOL_CNI_CONFIG_DIR', 'global.cniConfHostPath', asText],
];

/** Fields of the SpiderCoordinator that our chart has values for. */
const coordinatorFields = [
  'mode',
  'podCIDRType',
  'tunePodRoutes',
  'hijackCIDR',
  'vethLinkAddress',
  'vethMTU',
] as const;

/** Every setting, in the order of the chart's values. `problem` says why the ConfigMap cannot be read. */
export function settingsOf(source: SettingsSource): {
  readonly settings: readonly Setting[];
  readonly provider: IaasProviderSettings;
  readonly problem?: string;
} {
  const { programs } = source.installation;
  const agent = programs.find(({ role }) => role === 'agent');
  const controller = programs.find(({ role }) => role === 'controller');
  const rest = [
    ...(agent === undefined ? [] : agentSettings(agent, source.data)),
    ...(controller === undefined ? [] : variables('controller', controller, controllerVariables)),
    ...coordinatorSettings(source, controller),
  ];
  try {
    const read = parseAgentConfig(source.conf);
    return {
      settings: [...confSettings(source.conf, read), ...rest],
      provider: read.iaasNetworkProvider,
    };
  } catch (error) {
    return { settings: rest, provider: noProvider, problem: errorText(error) };
  }
}

/**
 * The values for `helm install -f`. Our settings are in a ConfigMap of another name: Helm would not take over one that
 * belongs to Spiderpool's release.
 */
export function chartValues(settings: readonly Setting[]): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  put(values, 'global.configName', 'orbweaver-conf');
  for (const { chart } of settings) if (chart !== undefined) put(values, chart.path, chart.value);
  return values;
}

function put(values: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let at = values;
  for (const key of keys) {
    at[key] ??= {};
    at = at[key] as Record<string, unknown>;
  }
  at[last] = value;
}

function confSettings(conf: unknown, read: AgentConfig): Setting[] {
  const named = (key: string) => `conf.yml ${key}`;
  const redundant = 'clusterSubnetAutoPoolDefaultRedundantIPNumber' as const;
  const { podResourceInject, iaasNetworkProvider, agent } = read;
  const unknown = Object.keys((conf ?? {}) as object).filter((key) => !knownKeys.has(key));
  return [
    ...flags.map(([key, path]) => ({
      from: named(key),
      value: read[key],
      chart: { path, value: read[key] },
    })),
    {
      from: named(redundant),
      value: read[redundant],
      chart: { path: 'ipam.spiderSubnet.autoPool.defaultRedundantIPNumber', value: read[redundant] },
      // Spiderpool's chart writes another key than its programs read.
      ...(hasKey(conf, 'clusterSubnetDefaultFlexibleIPNumber') && {
        note: 'Spiderpool does not read clusterSubnetDefaultFlexibleIPNumber, so pools keep their size',
      }),
    },
    ...[
      { key: 'podResourceInject.enabled', value: podResourceInject.enabled },
      { key: 'podResourceInject.namespacesExclude', value: podResourceInject.namespacesExclude },
      { key: 'podResourceInject.namespacesInclude', value: podResourceInject.namespacesInclude },
    ]
      .filter(({ value }) => podResourceInject.enabled && value.toString() !== '')
      .map(({ key, value }) => ({
        from: named(key),
        value,
        note: 'Orbweaver injects networks into every pod that asks for them, in all namespaces',
      })),
    ...providerSettings(iaasNetworkProvider),
    ...refusedIf(agent.networkResourcePlugin.enabled, {
      from: named('agent.networkResourcePlugin.enabled'),
      value: true,
      note: 'Orbweaver has no device plugin: pods that ask for its resources would not be scheduled',
    }),
    ...unknown.map((key) => ({
      from: named(key),
      value: (conf as Record<string, unknown>)[key],
      note: 'neither Spiderpool 1.2 nor Orbweaver has such a key',
    })),
  ];
}

function refusedIf(refused: boolean, setting: Setting): Setting[] {
  return refused ? [{ ...setting, refused }] : [];
}

function hasKey(conf: unknown, key: string): boolean {
  return typeof conf === 'object' && conf !== null && Object.hasOwn(conf, key);
}

function agentSettings(agent: Program, data: Readonly<Record<string, string>>): Setting[] {
  const multus = bringsMultus(agent);
  const folder = volumeOf(agent, 'cni-bin-path').hostPath;
  const selector = agent.object.spec?.template.spec?.nodeSelector ?? {};
  const own = Object.fromEntries(
    Object.entries(selector).filter(([key]) => !key.startsWith('orbweaver.io/')),
  );
  const install = { path: 'multus.multusCNI.install', value: multus };
  const named = data.clusterNetwork ?? '';
  return [
    ...variables('agent', agent, agentVariables),
    ...(folder === undefined
      ? []
      : [
          {
            from: 'agent volume cni-bin-path',
            value: folder,
            chart: { path: 'global.cniBinHostPath', value: folder },
          },
        ]),
    ...(Object.keys(own).length === 0
      ? []
      : [{ from: 'agent nodeSelector', value: own, chart: { path: 'agent.nodeSelector', value: own } }]),
    { from: 'agent container multus-cni', value: multus, chart: install },
    ...(multus && named !== ''
      ? [
          {
            from: 'ConfigMap key clusterNetwork',
            value: named,
            chart: { path: 'multus.multusCNI.defaultCniCRName', value: named },
          },
        ]
      : []),
  ];
}

function variables(
  of: string,
  program: Program,
  table: readonly (readonly [string, string, Reading])[],
): Setting[] {
  const environment = environmentOf(program);
  return table.flatMap(([name, path, read]) => {
    const text = environment.get(name);
    if (text === undefined) return [];
    const value = read(text);
    return [{ from: `${of} ${name}`, value, chart: { path, value } }];
  });
}

/** The controller applies our chart's SpiderCoordinator, and it should not differ from the one that is there. */
function coordinatorSettings({ coordinators }: SettingsSource, controller: Program | undefined): Setting[] {
  const environment = controller === undefined ? undefined : environmentOf(controller);
  const name = environment?.get('SPIDERPOOL_COORDINATOR_DEAFULT_NAME') ?? 'default';
  const spec = coordinators.find(({ metadata }) => metadata.name === name)?.spec;
  return coordinatorFields.flatMap((field) => {
    const value = spec?.[field];
    if (value === undefined) return [];
    return [
      {
        from: `SpiderCoordinator ${name} ${field}`,
        value,
        chart: { path: `coordinator.${field}`, value },
      },
    ];
  });
}
