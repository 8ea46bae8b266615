// A cluster with Spiderpool 1.2.1: what its chart renders, without what no program here reads.

import { type KubeObject, type ResourceType, resources } from '#api';
import type { AdmissionCall } from '../migration/index.ts';

const read = <T extends KubeObject>(type: ResourceType<T>, object: object): T => type.schema.parse(object);

const labels = (component: string) => ({
  'helm.sh/chart': 'spiderpool-1.2.1',
  'app.kubernetes.io/name': 'spiderpool',
  'app.kubernetes.io/instance': 'spiderpool',
  'app.kubernetes.io/component': component,
});
const release = {
  'meta.helm.sh/release-name': 'spiderpool',
  'meta.helm.sh/release-namespace': 'kube-system',
};
const variables = (values: Record<string, string>) =>
  Object.entries(values).map(([name, value]) => ({ name, value }));

function metadata(name: string) {
  return {
    ...{ name, namespace: 'kube-system', annotations: release },
    labels: { ...labels(name), 'app.kubernetes.io/version': '1.2.1' },
  };
}

function workload(name: string, containers: readonly object[], more: object = {}) {
  const template = { metadata: { labels: labels(name) }, spec: { containers, ...more } };
  return { selector: { matchLabels: labels(name) }, template };
}

export function spiderpoolAgent({ multus = true } = {}) {
  const agent = {
    name: 'spiderpool-agent',
    image: 'ghcr.io/spidernet-io/spiderpool/spiderpool-agent:v1.2.1',
    command: ['/usr/bin/spiderpool-agent'],
    env: variables({ SPIDERPOOL_LOG_LEVEL: 'debug', SPIDERPOOL_HEALTH_PORT: '5710' }),
  };
  const volumes = [
    { name: 'config-path', configMap: { name: 'spiderpool-conf' } },
    { name: 'cni-bin-path', hostPath: { path: '/usr/lib/cni' } },
  ];
  const containers = [
    agent,
    ...(multus ? [{ name: 'multus-cni', image: 'i', command: ['/home/entrypoint.sh'] }] : []),
  ];
  return read(resources.daemonSets, {
    metadata: metadata('spiderpool-agent'),
    spec: workload('spiderpool-agent', containers, {
      volumes,
      nodeSelector: { 'kubernetes.io/os': 'linux' },
    }),
  });
}

export function spiderpoolController() {
  const container = {
    name: 'spiderpool-controller',
    image: 'ghcr.io/spidernet-io/spiderpool/spiderpool-controller:v1.2.1',
    command: ['/usr/bin/spiderpool-controller'],
    env: variables({
      SPIDERPOOL_GC_ADDITIONAL_GRACE_DELAY: '7',
      SPIDERPOOL_GC_IP_ENABLED: 'false',
      SPIDERPOOL_COORDINATOR_DEAFULT_NAME: 'default',
      SPIDERPOOL_CNI_CONFIG_DIR: '/etc/cni/net.d',
    }),
  };
  return read(resources.deployments, {
    metadata: metadata('spiderpool-controller'),
    spec: { ...workload('spiderpool-controller', [container]), replicas: 2 },
  });
}

export function spiderpoolWebhooks(): AdmissionCall[] {
  const kinds = ['spidersubnet', 'spiderippool'];
  const webhooks = (verb: string) =>
    kinds.map((kind) => ({
      name: `${kind}.spiderpool.spidernet.io`,
      clientConfig: {
        service: {
          namespace: 'kube-system',
          name: 'spiderpool-controller',
          port: 5722,
          path: `/${verb}-spiderpool-spidernet-io-v2beta1-${kind}`,
        },
        caBundle: 'Y2E=',
      },
      failurePolicy: 'Fail',
      rules: [
        {
          apiGroups: ['spiderpool.spidernet.io'],
          apiVersions: ['v2beta1'],
          operations: ['CREATE', 'UPDATE'],
          resources: [`${kind}s`],
        },
      ],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    }));
  const object = (verb: string) => ({
    metadata: { name: 'spiderpool-controller', annotations: release },
    webhooks: webhooks(verb),
  });
  return [
    {
      kind: 'MutatingWebhookConfiguration',
      object: read(resources.mutatingWebhookConfigurations, object('mutate')),
    },
    {
      kind: 'ValidatingWebhookConfiguration',
      object: read(resources.validatingWebhookConfigurations, object('validate')),
    },
  ];
}

/** `conf.yml`, as Spiderpool's chart writes it. */
export const spiderpoolConf = {
  ipamUnixSocketPath: '/var/run/spidernet/spiderpool.sock',
  enableIPv4: true,
  enableIPv6: false,
  enableStatefulSet: true,
  enableKubevirtStaticIP: true,
  enableCleanOutdatedEndpoint: false,
  enableSpiderSubnet: true,
  enableAutoPoolForApplication: true,
  enableIPConflictDetection: true,
  enableGatewayDetection: false,
  enableValidatingResourcesDeletedWebhook: false,
  clusterSubnetDefaultFlexibleIPNumber: 1,
  tuneSysctlConfig: true,
  podResourceInject: { enabled: false, namespacesExclude: ['kube-system'], namespacesInclude: [] },
  agent: { networkResourcePlugin: { enabled: false, kubeletRootDir: '/var/lib/kubelet' } },
  iaasNetworkProvider: { serverUrl: '', httpRequestTimeout: '30s' },
};

/** `data` of the ConfigMap. */
export const spiderpoolData = {
  clusterNetwork: 'macvlan-conf',
  // Every JSON text is a YAML text.
  'conf.yml': JSON.stringify(spiderpoolConf),
};

/** The facts of that cluster, without objects. */
export function spiderpoolFacts(conf: object = spiderpoolConf) {
  return {
    programs: {
      daemonSets: [spiderpoolAgent()],
      deployments: [spiderpoolController()],
      webhooks: spiderpoolWebhooks(),
    },
    ...{ pools: [], subnets: [], endpoints: [], reservedIPs: [], multusConfigs: [], coordinators: [] },
    ...{ definitions: [], pods: [], nodes: [], data: spiderpoolData, conf },
  };
}

/** Our own programs, as the chart renders their names and labels. */
export function orbweaverPrograms() {
  const ours = (name: string) => ({
    name,
    namespace: 'kube-system',
    labels: { 'app.kubernetes.io/part-of': 'orbweaver', 'app.kubernetes.io/name': name },
  });
  const spec = (name: string) => {
    const matchLabels = { 'app.kubernetes.io/name': name };
    const template = { metadata: { labels: matchLabels }, spec: { containers: [{ name, image: 'i' }] } };
    return { selector: { matchLabels }, template };
  };
  const daemonSet = (name: string) => read(resources.daemonSets, { metadata: ours(name), spec: spec(name) });
  return {
    daemonSets: [daemonSet('orbweaver-agent'), daemonSet('orbweaver-multus')],
    deployments: [
      read(resources.deployments, {
        metadata: ours('orbweaver-controller'),
        spec: { ...spec('orbweaver-controller'), replicas: 2 },
      }),
    ],
    webhooks: [
      {
        kind: 'MutatingWebhookConfiguration' as const,
        object: read(resources.mutatingWebhookConfigurations, {
          metadata: { name: 'orbweaver', labels: { 'app.kubernetes.io/part-of': 'orbweaver' } },
          webhooks: [
            {
              name: 'kinds.orbweaver.io',
              clientConfig: { service: { namespace: 'kube-system', name: 'orbweaver-controller' } },
              sideEffects: 'None',
              admissionReviewVersions: ['v1'],
            },
          ],
        }),
      },
    ],
  };
}
