// The agent as a program: flags, environment, configuration file, signals.

import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { type Agent, startAgent, startNodeRemoval } from '#agent';
import type { AgentConfig } from '#api';
import { type Logger, OrbError, systemClock } from '#base';
import { servedTypes } from '#cni';
import { exitAtOnce, useSysctlFolder } from '#kernel';
import { connect, inClusterConfig, type KubeConfig, kubeconfigFile } from '#kube';
import { NodeFiles } from '#node';
import { cloudOf } from '#openstack';
import { type CommandLine, logLevel, portOrNone, runProgram, untilSignal } from '#program';
import { CONFIG_PATH, readConfigFile } from './config-file/index.ts';

const USAGE = `usage: agent [--config-path FILE] [--kubeconfig FILE] [--node-name NAME] [--health-port PORT]
  [--install-from FILE --install-to FOLDER] [--conf-from FILE] [--runtime-socket FILE]
  [--sysctl-folder FOLDER] [--log-level LEVEL] [--uninstall]
--config-path   conf.yml of the ConfigMap spiderpool-conf (default /tmp/spiderpool/config-map/conf.yml)
--install-from  the ow-cni executable; copied to FOLDER under the name of every CNI type that is served
--conf-from     a CNI configuration; copied to the node's folder of configurations once new pods are served
--runtime-socket  the container runtime's socket: it is asked in which folders it looks for CNI files
--sysctl-folder where /proc/sys/net of the node is mounted (default /proc/sys/net, which a container may not write)
--uninstall     serves nothing: removes what the agent keeps on the node, is then ready, and waits for its end
Environment: SPIDERPOOL_NODE_NAME, SPIDERPOOL_POD_NAMESPACE, SPIDERPOOL_HEALTH_PORT, SPIDERPOOL_LOG_LEVEL,
  MULTUS_CLUSTER_NETWORK, ORBWEAVER_SERVICE_ACCOUNT, KUBECONFIG.`;

/**
 * The number of threads in libuv's pool. Closing a packet or nftables socket, or deleting a link, blocks a thread for some 10 ms
 * (docs/performance.md). With libuv's default of four threads, the durable records of the next request waited for them.
 */
const POOL_THREADS = '16';

/** Kubelet gives a pod 30 s to end. Every verb can be repeated, and the next agent finds what this one left undone. */
const STOP_PATIENCE_MS = 10_000;

const options = {
  'config-path': { type: 'string', default: CONFIG_PATH },
  kubeconfig: { type: 'string' },
  'node-name': { type: 'string' },
  'health-port': { type: 'string' },
  'install-from': { type: 'string' },
  'install-to': { type: 'string', default: '/opt/cni/bin' },
  'conf-from': { type: 'string' },
  'runtime-socket': { type: 'string' },
  'sysctl-folder': { type: 'string' },
  'log-level': { type: 'string' },
  uninstall: { type: 'boolean', default: false },
} as const;

type Values = CommandLine<typeof options>['values'];

/** Serves until a signal comes, and resolves with the exit code. */
async function serve(values: Values): Promise<number> {
  const { env } = process;
  // libuv reads this when its pool is first used.
  env.UV_THREADPOOL_SIZE ??= POOL_THREADS;
  const nodeName = values['node-name'] ?? env.SPIDERPOOL_NODE_NAME;
  if (nodeName === undefined) throw usageError('--node-name or SPIDERPOOL_NODE_NAME is missing');
  const level = logLevel(values['log-level'] ?? env.SPIDERPOOL_LOG_LEVEL ?? 'info');
  const port = portOrNone('--health-port', values['health-port'] ?? env.SPIDERPOOL_HEALTH_PORT ?? '5710');
  const log: Logger = pino({ level, base: { node: nodeName }, timestamp: pino.stdTimeFunctions.isoTime });
  const config = readConfigFile(values['config-path']);
  if (values['sysctl-folder'] !== undefined) useSysctlFolder(values['sysctl-folder']);
  const cloud = () => cloudOf(env, { home: env.HOME ?? '/', folder: process.cwd() });
  const shared = { clock: systemClock, log, files: nodeFiles(values, config), healthPort: port, cloud };
  if (values.uninstall) {
    const { stateDirectory, socketPath } = config.orbweaver;
    return untilEnded(await startNodeRemoval({ ...shared, stateDirectory, socketPath }), log);
  }
  const kubeConfig = withServer(readKubeConfig(values.kubeconfig ?? env.KUBECONFIG), config);
  const agent = await startAgent({
    ...shared,
    config,
    nodeName,
    agentNamespace: env.SPIDERPOOL_POD_NAMESPACE ?? 'kube-system',
    serviceAccount: env.ORBWEAVER_SERVICE_ACCOUNT ?? 'orbweaver-agent',
    ...(env.MULTUS_CLUSTER_NETWORK && { clusterNetwork: env.MULTUS_CLUSTER_NETWORK }),
    client: connect(kubeConfig, { log }),
    runtimeSocket: values['runtime-socket'],
  });
  return untilEnded(agent, log);
}

/** Waits for a signal, and stops. Resolves with the exit code. */
async function untilEnded(agent: Agent, log: Logger): Promise<number> {
  log.info(
    { signal: await untilSignal('SIGTERM', 'SIGINT') },
    'the agent is stopping and finishes its running requests first',
  );
  try {
    if (await endsInTime(agent.stop())) return 0;
    log.warn({}, 'the agent leaves its unfinished requests to the next agent');
    return 1;
  } catch (error) {
    log.error({ err: error }, 'the agent did not stop cleanly');
    return 1;
  }
}

/** When an API server hangs, requests that wait for it would delay the end by 90 s. Kubelet does not wait that long. */
async function endsInTime(stopped: Promise<void>): Promise<boolean> {
  const patience = new AbortController();
  const late = sleep(STOP_PATIENCE_MS, false, { signal: patience.signal });
  const inTime = await Promise.race([stopped.then(() => true), late]);
  patience.abort();
  late.catch(() => {});
  return inTime;
}

function usageError(message: string): OrbError {
  return new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}

function readKubeConfig(path: string | undefined): KubeConfig {
  return path === undefined || path === '' ? inClusterConfig(process.env) : kubeconfigFile(path);
}

function withServer(kubeConfig: KubeConfig, config: AgentConfig): KubeConfig {
  const { apiServer } = config.orbweaver;
  return apiServer === undefined ? kubeConfig : { ...kubeConfig, server: new URL(apiServer) };
}

function nodeFiles(values: Values, config: AgentConfig): NodeFiles {
  const { 'install-from': executable, 'install-to': folder, 'conf-from': conf } = values;
  const names = servedTypes.map(({ name }) => name);
  return new NodeFiles({
    ...(executable !== undefined && { executables: { from: executable, folder, names } }),
    ...(conf !== undefined && { conf: { from: conf, folder: config.orbweaver.cniConfDirectory } }),
  });
}

// A file operation on a path that a caller named may still be pending.
process.on('exit', exitAtOnce);
await runProgram({ name: 'agent', usage: USAGE, options, run: ({ values }) => serve(values) });
