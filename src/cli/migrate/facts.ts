// Reads from the cluster what a migration from Spiderpool is planned with.

import { parse as parseYaml } from 'yaml';
import { type ConfigMap, type KubeObject, type ResourceType, resources } from '#api';
import { errorText, OrbError } from '#base';
import { ifFound, type KubeClient } from '#kube';
import { type AdmissionCall, type MigrationFacts, spiderpoolIn, volumeOf } from '#plan/migration';

/** The name that Spiderpool's chart gives by default (global.configName). */
const CONFIG_NAME = 'spiderpool-conf';

type Reader = Pick<KubeClient, 'get' | 'list'>;

/** Throws what the API server answers, and INPUT_INVALID if `conf.yml` is not YAML. */
export async function readFacts(client: Reader): Promise<MigrationFacts> {
  // The cluster may have no Multus, and Spiderpool's chart may have left out a kind.
  const all = async <T extends KubeObject>(type: ResourceType<T>) =>
    (await ifFound(client.list(type)))?.items ?? [];
  const admission = async (
    kind: AdmissionCall['kind'],
    type: typeof resources.mutatingWebhookConfigurations,
  ) => (await all(type)).map((object) => ({ kind, object }));
  const [daemonSets, deployments, mutating, validating] = await Promise.all([
    all(resources.daemonSets),
    all(resources.deployments),
    admission('MutatingWebhookConfiguration', resources.mutatingWebhookConfigurations),
    admission('ValidatingWebhookConfiguration', resources.validatingWebhookConfigurations),
  ]);
  const programs = { daemonSets, deployments, webhooks: [...mutating, ...validating] };
  const [pools, subnets, endpoints, reservedIPs, multusConfigs, coordinators, definitions, pods, nodes] =
    await Promise.all([
      all(resources.spiderIPPools),
      all(resources.spiderSubnets),
      all(resources.spiderEndpoints),
      all(resources.spiderReservedIPs),
      all(resources.spiderMultusConfigs),
      all(resources.spiderCoordinators),
      all(resources.networkAttachmentDefinitions),
      all(resources.pods),
      all(resources.nodes),
    ]);
  return {
    ...{ programs, pools, subnets, endpoints, reservedIPs, multusConfigs, coordinators, definitions },
    ...{ pods, nodes },
    ...(await readConfiguration(client, programs)),
  };
}

async function readConfiguration(
  client: Reader,
  programs: MigrationFacts['programs'],
): Promise<Pick<MigrationFacts, 'data' | 'conf'>> {
  const agent = spiderpoolIn(programs).programs.find(({ role }) => role === 'agent');
  const namespace = agent?.object.metadata.namespace;
  if (agent === undefined || namespace === undefined) return { data: {}, conf: undefined };
  const name = volumeOf(agent, 'config-path').configMap ?? CONFIG_NAME;
  const found = await ifFound<ConfigMap>(client.get(resources.configMaps, { namespace, name }));
  const data = found?.data ?? {};
  return { data, conf: yamlOf(`ConfigMap ${namespace}/${name}`, data['conf.yml'] ?? '') };
}

function yamlOf(subject: string, text: string): unknown {
  try {
    return parseYaml(text);
  } catch (cause) {
    const message = `conf.yml of ${subject} is not YAML`;
    throw new OrbError('INPUT_INVALID', { message, subject, said: errorText(cause).trim(), cause });
  }
}
