// The agent: one process per node. This file creates its parts, starts them and stops them in order.

import { join } from 'node:path';
import { type AgentConfig, NODE_CHECK_TYPE, resources, SERVICE_QUESTION_TYPE } from '#api';
import { type AgentParts, type Detection, Dispatcher, partsOf, pluginsOf, servedTypes } from '#cni';
import type { Family } from '#ip';
import {
  deviceNics,
  leadsToNetns,
  namespacePaths,
  openGivenNamespace,
  openNamespace,
  openNetns,
  peerCredentials,
  primeThreads,
} from '#kernel';
import { EventRecorder } from '#kube';
import {
  type AttachmentRecord,
  Attachments,
  announce,
  askRuntime,
  DelQueue,
  linkArrives,
  type NodeFiles,
  openStateDirectory,
  parentNetworks,
  probeNic,
  readCniFiles,
} from '#node';
import { serveHealth } from '#program';
import { type AddressOptions, AddressSources } from './address-sources.ts';
import { ClusterCniReport } from './cluster-cni-report.ts';
import { ClusterView } from './cluster-view.ts';
import { tellConflict } from './conflicts.ts';
import { ConnectionServer } from './connection-server.ts';
import { DelReplay } from './del-replay.ts';
import { Gate } from './gate.ts';
import { MemoryWatch } from './memory-watch.ts';
import { AgentMetrics } from './metrics/index.ts';
import { MissedDels } from './missed-dels.ts';
import { NodeFacts } from './node-facts.ts';
import { NodeFilesWatch } from './node-files-watch.ts';
import { NodeResources } from './node-resources.ts';
import { QuarantineReport } from './quarantine-report.ts';
import { Repair } from './repair/index.ts';
import { RuntimeFoldersWatch } from './runtime-folders-watch.ts';
import { SandboxAnswers } from './sandbox-answers.ts';
import { NodeServices, ServiceAnswers } from './services/index.ts';
import { Start } from './start.ts';
import { orderKeysOf, VerbServer } from './verbs.ts';

export interface AgentOptions extends AddressOptions {
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
  const events = new EventRecorder({ ...options, component: 'orbweaver-agent', host: options.nodeName });
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
    servesSockets: () => services.sockets.isOn,
    socketServiceEntries: () => services.sockets.size,
    socketServiceCounts: () => services.sockets.totals(),
    servesPackets: () => services.packets.isOn,
    packetServiceEntries: () => services.packets.size,
    running: () => gate.running,
    waiting: () => gate.waiting,
    stuck: () => gate.stuck,
    queuedDels: () => replay.waiting,
    attachments: () => attachments.all(),
  });
  const addresses = new AddressSources({
    ...options,
    ...{ node, view, attachments, metrics, gate, events, warnOnNode },
    changed: () => nodeResources.changed(),
    families: familiesOf(config),
  });
  const cniReport = new ClusterCniReport({
    ...options,
    node: () => view.node,
    files: () => readCniFiles(config.orbweaver.cniConfDirectory),
  });
  const nodeResources = new NodeResources({
    ...options,
    node: () => view.node,
    amounts: () => addresses.amounts(),
  });
  const quarantines = new QuarantineReport({ ...options, node: () => view.node });
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
    namespacePaths,
    parentNetworks: (pod, nic) => parentNetworks(pod, node, nic),
    notReady: () => started.notReady(),
    timestamp: () => new Date(clock.now()).toISOString(),
    sources: addresses.byType,
    cloudNics: addresses.nics,
    deviceNics,
    linkArrives: (isIt, signal) => linkArrives(node, isIt, signal),
    detection,
    node,
    nodeNetns: `/proc/${process.pid}/ns/net`,
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
  const sandboxAnswers = new SandboxAnswers({ ...parts, leader: addresses.leader, isBusy, clock, log });
  const missedDels = new MissedDels({
    ...parts,
    isBusy,
    isKnown: (podUid) => view.podWithUid(podUid) !== undefined,
    keep: (request) => replay.keep(request),
    types: servedTypes,
    ...{ clock, log },
  });
  const services: NodeServices = new NodeServices({
    ...{ ...options, attachments, metrics, pods: () => view.pods() },
    node: () => view.node,
    coordinator: () => view.coordinator,
    nodeName: options.nodeName,
    tell: warnOnNode,
  });
  view.onNode = () => {
    repair.nodeChanged();
    services.nodeChanged();
  };
  view.onPods = () => nodeResources.changed();
  view.onCoordinator = () => {
    repair.settingsChanged();
    services.settingsChanged();
  };
  const verbs = new VerbServer({
    ...{ dispatcher, gate, clock, metrics, log },
    worthwhile: (pod, signal) => addresses.refused.untilWorthwhile(pod, signal),
  });
  const questions = new Map<string, Pick<ServiceAnswers, 'serve'>>([
    [NODE_CHECK_TYPE, repair.check],
    [SERVICE_QUESTION_TYPE, new ServiceAnswers(options.nodeName, services.sockets)],
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
        nodeResources.run(leaving.signal),
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
      await Promise.all([addresses.start(), replay.start()]);
      await replay.clusterKnown();
      repair.clusterKnown();
      addresses.clusterKnown();
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
      addresses.refused.stop();
      await server.close();
      await Promise.all([reporting, answering, serving, keepingFiles]);
      await replay.stop();
      await repair.stop();
      await gate.drained();
      await addresses.stop();
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
