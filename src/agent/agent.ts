// The agent: one process per node. This file creates its parts, starts them and stops them in order.

import { join } from 'node:path';
import { type AgentConfig, NODE_CHECK_TYPE, resources, SERVICE_QUESTION_TYPE } from '#api';
import type { Clock, Logger } from '#base';
import {
  type AgentParts,
  type Detection,
  Dispatcher,
  type Ipam,
  partsOf,
  pluginsOf,
  servedTypes,
} from '#cni';
import type { Family } from '#ip';
import {
  leadsToNetns,
  openGivenNamespace,
  openNamespace,
  openNetns,
  peerCredentials,
  primeThreads,
} from '#kernel';
import { EventRecorder, type KubeClient } from '#kube';
import {
  type AttachmentRecord,
  Attachments,
  announce,
  askRuntime,
  DelQueue,
  type NodeFiles,
  openStateDirectory,
  parentNetworks,
  probeNic,
  readCniFiles,
} from '#node';
import type { CloudConfig } from '#openstack';
import { CONTROLLER_LEASE } from '#plan/installation';
import { automaticPoolSettings } from '#plan/subnet';
import { LeaderLink, LeaderToken } from '#pools';
import { serveHealth } from '#program';
import { ClusterCniReport } from './cluster-cni-report.ts';
import { ClusterView } from './cluster-view.ts';
import { tellConflict } from './conflicts.ts';
import { ConnectionServer } from './connection-server.ts';
import { DelReplay } from './del-replay.ts';
import { Gate } from './gate.ts';
import { Allocator } from './ipam/index.ts';
import { MemoryWatch } from './memory-watch.ts';
import { AgentMetrics } from './metrics/index.ts';
import { MissedDels } from './missed-dels.ts';
import { NeutronSource } from './neutron/index.ts';
import { NodeFacts } from './node-facts.ts';
import { NodeFilesWatch } from './node-files-watch.ts';
import { QuarantineReport } from './quarantine-report.ts';
import { Repair } from './repair/index.ts';
import { RuntimeFoldersWatch } from './runtime-folders-watch.ts';
import { SandboxAnswers } from './sandbox-answers.ts';
import { ServiceAnswers, serviceSwitch } from './services/index.ts';
import { Start } from './start.ts';
import { orderKeysOf, VerbServer } from './verbs.ts';

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly nodeName: string;
  /** The default namespace for NetworkAttachmentDefinitions that are named without one. */
  readonly agentNamespace: string;
  /** The name of the agents' ServiceAccount in that namespace. */
  readonly serviceAccount: string;
  /** Multus' `clusterNetwork`, if it is known. */
  readonly clusterNetwork?: string;
  readonly client: KubeClient;
  /** The login of OpenStack. Throws OPENSTACK_CONFIG_INVALID. It is first called by an ADD of type `neutron`. */
  readonly cloud: () => CloudConfig;
  readonly clock: Clock;
  readonly log: Logger;
  /** The files that the agent installs on its node. */
  readonly files: NodeFiles;
  /** The socket of the container runtime, which is asked in which folders it looks for CNI files; undefined for no question. */
  readonly runtimeSocket: string | undefined;
  /** TCP port of health and metrics. 0 picks a free port; undefined serves nothing. */
  readonly healthPort: number | undefined;
}

/** A running agent. */
export interface Agent {
  /** Stops in order: accepts no more connections, answers running requests, then closes watches and sockets. */
  stop(): Promise<void>;
}

/** Starts the agent. Resolves when the socket listens. DELs are served at once, ADDs once the cluster is known. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  await primeThreads();
  const { config, clock, log } = options;
  const node = openNamespace('current');
  const state = config.orbweaver.stateDirectory;
  const records = await openStateDirectory(join(state, 'attachments'));
  const attachments = await Attachments.open(records, log, partsOf(servedTypes));
  const queue = new DelQueue(await openStateDirectory(join(state, 'del-queue')), log);
  const gate = new Gate(config.orbweaver.maxConcurrentRequests, clock);
  const view = new ClusterView(options);
  const facts = new NodeFacts({ namespace: node, node: () => view.node, log });
  const replay = new DelReplay({
    queue,
    attachments,
    dispatcher: () => dispatcher,
    types: servedTypes,
    gate,
    clock,
    log,
  });
  const memory = new MemoryWatch(log);
  const started = new Start(clock, log);
  const warnOnNode = (reason: string, message: string) => {
    if (view.node !== undefined)
      events.record(resources.nodes, view.node, { type: 'Warning', reason, message });
  };
  const { runtimeSocket } = options;
  const runtimeFolders = new RuntimeFoldersWatch({
    ...{ clock, log },
    ask: runtimeSocket === undefined ? undefined : (signal) => askRuntime(runtimeSocket, signal),
    set: { binFolder: options.files.binFolder, confFolder: config.orbweaver.cniConfDirectory },
    tell: (message) => warnOnNode('CniFoldersDiffer', message),
  });
  const files = new NodeFilesWatch({
    ...options,
    isReady: () => started.notReady() === undefined,
    putBack: () => metrics.filePutBack(),
  });
  const metrics: AgentMetrics = new AgentMetrics({
    memoryLimit: () => memory.limit,
    nearMemoryLimit: () => memory.nearLimit,
    foldersDiffer: () => runtimeFolders.differ,
    filesMissing: () => files.problem !== undefined,
    servesSockets: () => services.isOn,
    socketServiceEntries: () => services.size,
    socketServiceCounts: () => services.totals(),
    running: () => gate.running,
    waiting: () => gate.waiting,
    stuck: () => gate.stuck,
    queuedDels: () => replay.waiting,
    attachments: () => attachments.all(),
  });
  const namespace = options.agentNamespace;
  const account = { namespace, name: options.serviceAccount };
  const token = new LeaderToken({ client: options.client, clock, account, node: options.nodeName });
  const leader = new LeaderLink({
    ...options,
    lease: { namespace, name: CONTROLLER_LEASE },
    token: () => token.get(),
  });
  const ipam = new Allocator({
    ...options,
    leader,
    view,
    metrics: metrics.ipam,
    requests: gate,
    families: familiesOf(config),
    automaticPools: automaticPoolSettings(config),
    fixedForStatefulSets: config.enableStatefulSet,
    fixedForVirtualMachines: config.enableKubevirtStaticIP,
    addressRestMs: config.orbweaver.addressRestSeconds * 1000,
  });
  const neutron = new NeutronSource({
    cloud: options.cloud,
    folder: join(state, 'openstack'),
    node,
    providerId: () => view.node?.spec?.providerID,
    isLiving: (podUid, nic) => attachments.ofPod(podUid).some(({ interfaceName }) => interfaceName === nic),
    families: familiesOf(config),
    warm: { low: config.orbweaver.neutronReadyLow, high: config.orbweaver.neutronReadyHigh },
    restMs: config.orbweaver.addressRestSeconds * 1000,
    ...{ clock, log },
  });
  const cniReport = new ClusterCniReport({
    ...options,
    node: () => view.node,
    files: () => readCniFiles(config.orbweaver.cniConfDirectory),
  });
  const quarantines = new QuarantineReport({ ...options, node: () => view.node });
  const events = new EventRecorder({ ...options, component: 'orbweaver-agent', host: options.nodeName });
  const detection: Detection = {
    conflict: config.enableIPConflictDetection,
    gateway: config.enableGatewayDetection,
    deadlineMs: config.orbweaver.probeDeadlineMs,
    probe: (request) => probeNic(request, clock),
    conflicted: (conflict) => {
      tellConflict(conflict, { events, log, count: (outcome) => metrics.addressConflict(outcome) });
      quarantines.note(conflict);
    },
    announce: (announcement) => announce(announcement, clock),
  };
  const parts: AgentParts = {
    attachments,
    openNamespace: openGivenNamespace,
    parentNetworks: (pod, nic) => parentNetworks(pod, node, nic),
    notReady: () => started.notReady(),
    timestamp: () => new Date(clock.now()).toISOString(),
    sources: new Map<string, Ipam>([
      ['spiderpool', ipam],
      ['neutron', neutron],
    ]),
    detection,
    node,
    pod: ({ namespace, name }, signal) => view.pod(namespace, name, undefined, signal),
    spiderCoordinator: () => view.coordinator,
    nodeAddresses: () => facts.addresses(),
  };
  const dispatcher: Dispatcher = new Dispatcher(pluginsOf(servedTypes, parts), {
    isOwnNetns,
    ready: (signal) => started.ready(signal),
    keep: (request) => replay.keep(request),
  });
  const isBusy = (record: AttachmentRecord) => orderKeysOf(record).some((key) => gate.isBusy(key));
  const repair = new Repair({
    ...parts,
    nodeName: options.nodeName,
    node,
    facts,
    coordinator: () => view.coordinator,
    families: familiesOf(config),
    tuneSysctls: config.tuneSysctlConfig,
    isBusy: (containerId) => attachments.ofContainer(containerId).some(isBusy),
    requests: gate,
    metrics: metrics.repair,
    events,
    clock,
    log,
  });
  const sandboxAnswers = new SandboxAnswers({ ...parts, leader, isBusy, clock, log });
  const missedDels = new MissedDels({
    ...parts,
    isBusy,
    isKnown: (podUid) => view.podWithUid(podUid) !== undefined,
    keep: (request) => replay.keep(request),
    types: servedTypes,
    ...{ clock, log },
  });
  const services = serviceSwitch({
    ...{ ...options, attachments, metrics, pods: () => view.pods() },
    node: () => view.node,
    coordinator: () => view.coordinator,
    nodeName: options.nodeName,
    tell: (message) => warnOnNode('SocketServicesOff', message),
  });
  view.onNode = () => {
    repair.nodeChanged();
    services.nodeChanged();
  };
  view.onCoordinator = () => {
    repair.settingsChanged();
    services.settingsChanged();
  };
  const verbs = new VerbServer({
    ...{ dispatcher, gate, clock, metrics, log },
    worthwhile: (pod, signal) => ipam.refused.untilWorthwhile(pod, signal),
  });
  const questions = new Map<string, Pick<ServiceAnswers, 'serve'>>([
    [NODE_CHECK_TYPE, repair.check],
    [SERVICE_QUESTION_TYPE, new ServiceAnswers(options.nodeName, services)],
  ]);
  const server = new ConnectionServer(
    (request, gone) => questions.get(request.type)?.serve(request) ?? verbs.serve(request, gone),
    (socket) => peerCredentials(socket).uid,
    log,
  );
  const health =
    options.healthPort === undefined
      ? undefined
      : await serveHealth(options.healthPort, metrics.registry, () => parts.notReady() ?? files.problem);
  await files.look();
  await server.listen(config.orbweaver.socketPath);
  repair.start();
  const leaving = new AbortController();
  void memory.run(clock, leaving.signal);
  const keepingFiles = files.run(leaving.signal);
  const reporting = view.listed(leaving.signal).then(
    () =>
      Promise.all([
        cniReport.run(leaving.signal),
        quarantines.run(leaving.signal),
        runtimeFolders.run(leaving.signal),
        missedDels.run(leaving.signal),
      ]),
    () => {}, // the agent leaves
  );
  const answering = sandboxAnswers.run(leaving.signal);
  const serving = view.listed(leaving.signal).then(
    () => services.run(leaving.signal),
    () => {}, // the agent leaves
  );
  log.info({ socket: config.orbweaver.socketPath, attachments: attachments.all().length }, 'agent serves');
  void started
    .run(async () => {
      // ADDs wait for the allocator, and at most ten seconds for each look at the queue: most addresses of the DELs are then
      // free again. A later DEL does no harm, because it releases by the pod's UID.
      await Promise.all([ipam.start(), replay.start()]);
      await replay.clusterKnown();
      repair.clusterKnown();
      neutron.start();
      log.info({}, 'the agent is ready for new pods');
    })
    .then(() => {
      // The configuration waited for this.
      if (!leaving.signal.aborted) void files.look();
    });

  return {
    async stop() {
      started.stop();
      leaving.abort();
      ipam.refused.stop();
      await server.close();
      await Promise.all([reporting, answering, serving, keepingFiles]);
      await replay.stop();
      await repair.stop();
      await gate.drained();
      await ipam.stop();
      neutron.stop();
      leader.close();
      health?.close();
      node.close();
    },
  };
}

function familiesOf(config: AgentConfig): Family[] {
  return [...(config.enableIPv4 ? [4 as const] : []), ...(config.enableIPv6 ? [6 as const] : [])];
}

async function isOwnNetns(path: string): Promise<boolean> {
  using own = openNetns('current');
  try {
    return await leadsToNetns(path, own);
  } catch {
    // The verb itself reports that the namespace is gone.
    return false;
  }
}
