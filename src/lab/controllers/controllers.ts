// The controllers of the lab: those parts of kube-controller-manager and kube-scheduler that it needs.

import type { Clock, Logger } from '#base';
import type { KubeClient } from '#kube';
import { Controllers, Informers } from '#reconcile';
import { type LabController, watchedKinds } from './cluster-state.ts';
import { cronJobController } from './cron-job.ts';
import { daemonSetController } from './daemon-set.ts';
import { deploymentController } from './deployment.ts';
import { disruptionBudgetController } from './disruption-budget.ts';
import { endpointSliceController } from './endpoint-slices.ts';
import { jobController } from './job.ts';
import { replicaSetController } from './replica-set.ts';
import { scheduler } from './scheduler.ts';
import { statefulSetController } from './stateful-set.ts';

export interface ControllersOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Each has one worker: the scheduler must see one pod placed before it places the next. */
const controllers: readonly LabController[] = [
  deploymentController,
  replicaSetController,
  statefulSetController,
  daemonSetController,
  jobController,
  cronJobController,
  disruptionBudgetController,
  scheduler,
  endpointSliceController,
];

/** Starts all controllers. Resolves when they have read the state of the cluster. */
export async function runControllers(options: ControllersOptions): Promise<{ stop(): Promise<void> }> {
  const informers = new Informers(options, watchedKinds);
  const backOff = { firstMs: 50, maximumMs: 2000 };
  const all = new Controllers({ ...options, informers, controllers, backOff });
  const end = new AbortController();
  await informers.start();
  const running = all.run(end.signal);
  return {
    async stop() {
      end.abort(new Error('the controllers were stopped'));
      await running;
      await informers.stop();
      await all.eventsWritten();
    },
  };
}
