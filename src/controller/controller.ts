// The controller: of several replicas, the leader works. This file creates its parts, starts them and stops them in order.

import type { AddressInfo } from 'node:net';
import type { Clock, Logger } from '#base';
import type { IaasProvider } from '#iaas';
import type { KubeClient } from '#kube';
import { type CiliumConfigName, defaultCiliumConfig, sourcesOf } from '#plan/discovery';
import { CONTROLLER_LEASE } from '#plan/installation';
import type { ReclaimSettings } from '#plan/reclaim';
import type { AutomaticPoolSettings } from '#plan/subnet';
import { serveHealth } from '#program';
import type { AskNode } from '#reclaim';
import { Controllers, Informers, LeaderElection, type LeaseTimes } from '#reconcile';
import { Admission } from './admission/index.ts';
import { conditionsController, unreadableController } from './conditions/index.ts';
import { coordinatorController, Sources } from './coordinator/index.ts';
import { applyDefaults, type DefaultObject, Kinds } from './installation/index.ts';
import { addressKinds, claimKinds, namespaceKinds, networkKinds, settingKinds } from './kinds.ts';
import { ControllerMetrics } from './metrics.ts';
import { multusConfigController } from './multus-config/index.ts';
import { type CloudOptions, cloudControllers } from './openstack/index.ts';
import { CommitListener, type CommitOptions, NodeQuestions } from './pools/index.ts';
import { reclaimControllers } from './reclaim/index.ts';
import { RecordChecks } from './record-checks.ts';
import { subnetControllers } from './subnet/index.ts';

export interface ControllerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** The namespace of the Lease. */
  readonly namespace: string;
  /** Unique among all replicas and all their starts. */
  readonly identity: string;
  readonly leaseTimes: LeaseTimes;
  /** The name of the SpiderCoordinator whose status is written. */
  readonly coordinatorName: string;
  readonly ciliumConfig?: CiliumConfigName;
  readonly automaticPools: AutomaticPoolSettings;
  /** Without it, no address is reclaimed. `scanIntervalMs`: how often every record of every pool is judged. */
  /** The provider of an IaaS, which lets go of an address before its pool does. */
  readonly iaas: IaasProvider;
  readonly reclaiming?: { readonly settings: ReclaimSettings; readonly scanIntervalMs: number };
  readonly readYaml: (text: string) => unknown;
  /** The port of `/v1/runtime/...` and `/metrics`; undefined for none. 0 picks a free one. */
  readonly healthPort: number | undefined;
  /** The port of the webhooks; undefined for none. 0 picks a free one. */
  readonly webhookPort: number | undefined;
  /** A Secret with certificates of the webhooks that others make; without it the controller makes them. */
  readonly webhookSecret?: string | undefined;
  /** Whether a pod or namespace with annotations that make no sense is refused, or its author is warned. */
  readonly invalidAnnotations: 'refuse' | 'warn';
  /** The version of Orbweaver whose CustomResourceDefinitions are applied first; undefined if others install them. */
  readonly kindsVersion: string | undefined;
  /** The objects that an installation begins with. */
  readonly defaults: readonly DefaultObject[];
  /** The cloud that has routes and floating IPs for pods. Undefined: there are none. */
  readonly cloud?: CloudOptions | undefined;
  /** How agents reach the leader, which then writes pools for them; undefined if each agent writes by itself. */
  readonly commits: CommitOptions | undefined;
}

export interface RunningController {
  readonly healthPort: number | undefined;
  readonly webhookPort: number | undefined;
  stop(): Promise<void>;
}

/** Follows the cluster and competes for the lease. Resolves when it serves; `stop` gives the lease up. */
export async function startController(options: ControllerOptions): Promise<RunningController> {
  const { client, clock, log, automaticPools, ciliumConfig = defaultCiliumConfig } = options;
  const stopping = new AbortController();
  const sources = new Sources({ client, clock, log }, sourcesOf(ciliumConfig));
  // A cluster without Multus does not have the kind of its definitions. That must not stop the other controllers.
  const networks = new Informers({ client, clock, log }, networkKinds);
  const settings = new Informers({ client, clock, log }, settingKinds);
  const addresses = new Informers({ client, clock, log }, addressKinds);
  const namespaces = new Informers({ client, clock, log }, namespaceKinds);
  // As with Multus, a cluster without the kind runs all the same.
  const claims = new Informers({ client, clock, log }, claimKinds);
  const metrics: ControllerMetrics = new ControllerMetrics({
    waiting: () =>
      new Map(
        groups.flatMap((group) => Array.from(group.queues(), ([name, { waiting }]) => [name, waiting])),
      ),
    objects: () =>
      new Map(
        [networks, settings, addresses, namespaces, claims].flatMap((informers) =>
          Array.from(informers.statistics(), ([kind, { objects }]) => [kind, objects] as const),
        ),
      ),
    use: { pools: () => addresses.state.pools.list(), subnets: () => addresses.state.subnets.list() },
  });
  const shared = { client, clock, log, metrics };
  const coordinator = coordinatorController({
    name: options.coordinatorName,
    readYaml: options.readYaml,
    ciliumConfig,
    sources,
  });
  const records = new RecordChecks();
  const questions = new NodeQuestions(clock);
  const askNode: AskNode = (node, podUid) => questions.ask(node?.metadata.name, podUid);
  const groups = [
    new Controllers({ ...shared, informers: networks, controllers: [multusConfigController] }),
    new Controllers({ ...shared, informers: settings, controllers: [coordinator] }),
    new Controllers({
      ...{ ...shared, informers: addresses },
      controllers: [
        conditionsController(records),
        unreadableController(),
        ...subnetControllers({ client, clock, log, informers: addresses, automaticPools, records }),
        ...reclaimControllers(
          { client, clock, log, askNode, claims, metrics: metrics.reclaim, iaas: options.iaas },
          options.reclaiming,
        ),
        ...cloudControllers({ client, clock, log, namespace: options.namespace }, options.cloud),
      ],
    }),
  ];
  const commits =
    options.commits &&
    (await CommitListener.open(
      { ...shared, informers: addresses, questions, namespace: options.namespace },
      options.commits,
    ));
  const election = new LeaderElection({
    ...shared,
    lease: { namespace: options.namespace, name: CONTROLLER_LEASE },
    identity: options.identity,
    times: options.leaseTimes,
    ...(commits && { annotations: commits.annotations }),
    lead: async (signal) => {
      void commits?.lead(signal);
      const defaults = applyDefaults({ client, clock, log }, options.defaults, signal);
      await Promise.all([...groups.map((group) => group.run(signal)), defaults]);
    },
  });
  const { kindsVersion: version } = options;
  const kinds = version === undefined ? undefined : new Kinds({ client, clock, log, version });
  let isReady = false;
  const unready = () =>
    kinds?.problem ?? (isReady ? undefined : 'the controller is still reading the cluster');
  const admission =
    options.webhookPort === undefined
      ? undefined
      : new Admission({
          ...{ client, clock, log, namespace: options.namespace, port: options.webhookPort },
          providedSecret: options.webhookSecret,
          cluster: {
            pools: () => addresses.state.pools.list(),
            subnets: () => addresses.state.subnets.list(),
            nodes: () => addresses.state.nodes.list(),
            multusConfigs: () => networks.state.configs.list(),
            definitions: () => networks.state.definitions.list(),
            families: [4, 6],
          },
          unready,
          namespaceNamed: (name) => namespaces.state.namespaces.get(name),
          invalidAnnotations: options.invalidAnnotations,
        });
  const health =
    options.healthPort === undefined
      ? undefined
      : await serveHealth(options.healthPort, metrics.registry, () => unready() ?? admission?.problem);
  addresses.subscribe((_, change, type) => admission?.shows(type.plural, change));
  await admission?.start();
  const reading = async () => {
    await kinds?.install();
    void networks.start();
    if (options.reclaiming !== undefined) void claims.start();
    await Promise.all([networks.known, settings.start(), addresses.start(), namespaces.start()]);
    isReady = true;
    log.info({}, 'the controller has read the cluster');
  };
  void reading();
  const competing = election.run(stopping.signal);
  return {
    healthPort: (health?.address() as AddressInfo | undefined)?.port,
    webhookPort: admission?.port,
    async stop() {
      isReady = false;
      await Promise.all([admission?.stop(), kinds?.stop()]);
      stopping.abort(new Error('the controller stops'));
      await competing;
      await Promise.all([
        networks.stop(),
        settings.stop(),
        addresses.stop(),
        namespaces.stop(),
        claims.stop(),
      ]);
      commits?.stop();
      options.iaas.close();
      await Promise.all(groups.map((group) => group.eventsWritten()));
      health?.close();
      options.cloud?.cloud.close();
    },
  };
}
