// The controller as a program: flags, environment, signals.

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { pino } from 'pino';
import { parse as parseYaml } from 'yaml';
import { type Logger, OrbError, systemClock } from '#base';
import { startController } from '#controller';
import { IaasProvider, providerOptions } from '#iaas';
import { connect, inClusterConfig, kubeconfigFile } from '#kube';
import { automaticPoolSettings } from '#plan/subnet';
import { type CommandLine, logLevel, portOrNone, runProgram, untilSignal, wholeNumber } from '#program';
import description from '../../package.json' with { type: 'json' };
import { CONFIG_PATH, readConfigFile } from './config-file/index.ts';
import { readCloud, readCommits, readDefaults, readReclaiming } from './controller/index.ts';

const USAGE = `usage: controller [--config-path FILE] [--kubeconfig FILE] [--namespace NAME] [--health-port PORT]
  [--webhook-port PORT] [--webhook-secret NAME] [--invalid-annotations warn|refuse] [--commit-host HOST]
  [--commit-port PORT] [--commit-listen-fd FD ...] [--install-kinds] [--defaults FILE] [--router-routes]
  [--router-route-limit N] [--floating-ips] [--neutron-pools] [--log-level LEVEL]
--config-path   conf.yml of the ConfigMap spiderpool-conf (default ${CONFIG_PATH})
--namespace     where the Lease is kept by which one replica leads, and the certificates of the webhooks
--webhook-port  serves admission over HTTPS; "none" for no webhooks
--webhook-secret  certificates of the webhooks that others make, for example cert-manager: ca.crt, tls.crt and tls.key
--commit-host   the address by which agents reach this replica, which writes pools for them while it leads
--commit-port   where it listens for agents; "none": each agent writes pools by itself
--commit-listen-fd  descriptors that listen on this port already
--invalid-annotations  whether admission warns of pods and namespaces with wrong annotations (default) or refuses them
--install-kinds  applies the CustomResourceDefinitions of this version before it reads the cluster
--defaults      YAML objects of our kinds, which the leader applies; what others changed stays
--router-routes  routers of OpenStack that pools name get routes to their pods; needs a login (clouds.yaml or OS_*)
--router-route-limit  how many routes such a router may have (default 30)
--floating-ips  pods get the floating IPs of OpenStack that their annotations name; needs a login
--neutron-pools  Neutron of OpenStack reserves the addresses of pools that ask for it; needs a login
--health-port   serves /v1/runtime/... and /metrics; "none" for no port
Environment: SPIDERPOOL_POD_NAMESPACE, SPIDERPOOL_POD_NAME, SPIDERPOOL_POD_IP, SPIDERPOOL_HEALTH_PORT,
  SPIDERPOOL_WEBHOOK_PORT, ORBWEAVER_COMMIT_PORT, ORBWEAVER_AGENT_SERVICE_ACCOUNT, SPIDERPOOL_LOG_LEVEL,
  SPIDERPOOL_LEADER_DURATION, SPIDERPOOL_LEADER_RENEW_DEADLINE, SPIDERPOOL_LEADER_RETRY_PERIOD (seconds),
  SPIDERPOOL_COORDINATOR_DEFAULT_NAME, SPIDERPOOL_CILIUM_CONFIGMAP_NAMESPACE_NAME, KUBECONFIG.
  For reclaiming SPIDERPOOL_GC_... as in Spiderpool's controller.`;

const options = {
  'config-path': { type: 'string', default: CONFIG_PATH },
  kubeconfig: { type: 'string' },
  namespace: { type: 'string' },
  'health-port': { type: 'string' },
  'webhook-port': { type: 'string' },
  'webhook-secret': { type: 'string' },
  'invalid-annotations': { type: 'string', default: 'warn' },
  'commit-host': { type: 'string' },
  'commit-port': { type: 'string' },
  'commit-listen-fd': { type: 'string', multiple: true },
  'install-kinds': { type: 'boolean', default: false },
  defaults: { type: 'string' },
  'router-routes': { type: 'boolean', default: false },
  'router-route-limit': { type: 'string' },
  'floating-ips': { type: 'boolean', default: false },
  'neutron-pools': { type: 'boolean', default: false },
  'log-level': { type: 'string' },
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** Runs until a signal comes, and resolves with the exit code. */
async function serve(values: CommandLine<typeof options>['values']): Promise<number> {
  const { env } = process;
  const level = logLevel(values['log-level'] ?? env.SPIDERPOOL_LOG_LEVEL ?? 'info');
  const port = portOrNone('--health-port', values['health-port'] ?? env.SPIDERPOOL_HEALTH_PORT ?? '5720');
  const webhookPort = portOrNone(
    '--webhook-port',
    values['webhook-port'] ?? env.SPIDERPOOL_WEBHOOK_PORT ?? '5722',
  );
  const invalidAnnotations = warnOrRefuse(values['invalid-annotations']);
  const leaseTimes = readLeaseTimes(env);
  const config = readConfigFile(values['config-path']);
  const reclaiming = readReclaiming(env, config);
  const ciliumConfig = readCiliumConfig(env.SPIDERPOOL_CILIUM_CONFIGMAP_NAMESPACE_NAME);
  const pod = env.SPIDERPOOL_POD_NAME ?? hostname();
  const log: Logger = pino({ level, base: { pod }, timestamp: pino.stdTimeFunctions.isoTime });
  const kubeconfig = values.kubeconfig ?? env.KUBECONFIG;
  const kubeConfig = kubeconfig ? kubeconfigFile(kubeconfig) : inClusterConfig(env);
  const controller = await startController({
    client: connect(kubeConfig, { log }),
    clock: systemClock,
    log,
    namespace: values.namespace ?? env.SPIDERPOOL_POD_NAMESPACE ?? 'kube-system',
    // A pod keeps its name when its container starts again.
    identity: `${pod}_${randomBytes(4).toString('hex')}`,
    leaseTimes,
    // Spiderpool's chart misspells this variable.
    coordinatorName:
      env.SPIDERPOOL_COORDINATOR_DEFAULT_NAME ?? env.SPIDERPOOL_COORDINATOR_DEAFULT_NAME ?? 'default',
    ...(ciliumConfig !== undefined && { ciliumConfig }),
    reclaiming,
    iaas: new IaasProvider({ ...providerOptions(config), clock: systemClock, log }),
    automaticPools: automaticPoolSettings(config),
    readYaml: parseYaml,
    healthPort: port,
    webhookPort,
    webhookSecret: values['webhook-secret'],
    invalidAnnotations,
    cloud: readCloud(values, env, log),
    commits: readCommits(values, env),
    kindsVersion: values['install-kinds'] ? description.version : undefined,
    defaults: values.defaults === undefined ? [] : readDefaults(values.defaults),
  });
  log.info({ signal: await untilSignal('SIGTERM', 'SIGINT') }, 'the controller is stopping');
  await controller.stop();
  return 0;
}

function inputError(subject: string, message: string): OrbError {
  return new OrbError('INPUT_INVALID', { message, subject });
}

function warnOrRefuse(text: string): 'warn' | 'refuse' {
  if (text === 'warn' || text === 'refuse') return text;
  const subject = '--invalid-annotations';
  throw inputError(subject, `${subject} ${JSON.stringify(text)}: allowed are warn and refuse`);
}

/** Spiderpool's defaults: 15, 10 and 2 seconds. */
function readLeaseTimes(env: Environment) {
  const milliseconds = (name: string, standard: number) =>
    wholeNumber(name, env[name] ?? String(standard), 1, 3600) * 1000;
  return {
    leaseDurationMs: milliseconds('SPIDERPOOL_LEADER_DURATION', 15),
    renewDeadlineMs: milliseconds('SPIDERPOOL_LEADER_RENEW_DEADLINE', 10),
    retryPeriodMs: milliseconds('SPIDERPOOL_LEADER_RETRY_PERIOD', 2),
  };
}

function readCiliumConfig(text: string | undefined) {
  if (text === undefined || text === '') return undefined;
  const found = /^([a-z0-9.-]+)\/([a-z0-9.-]+)$/.exec(text);
  const [, namespace, name] = found ?? [];
  if (namespace !== undefined && name !== undefined) return { namespace, name };
  const subject = 'SPIDERPOOL_CILIUM_CONFIGMAP_NAMESPACE_NAME';
  throw inputError(subject, `${subject} ${JSON.stringify(text)} is not NAMESPACE/NAME`);
}

await runProgram({ name: 'controller', usage: USAGE, options, run: ({ values }) => serve(values) });
