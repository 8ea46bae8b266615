// One controller on an API server in memory, for the tests of the kit.

import { type ConfigMap, type KubeObject, type ResourceType, resources } from '#api';
import { type ErrorCode, type LogFields, type Logger, OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { type CallOptions, keyOf, type Selection, type WatchEvent } from '#kube';
import { FakeKube } from '#kube/testing';
import type { Action } from './action.ts';
import { type Controller, type Plan, splitKey } from './controller.ts';
import { Controllers } from './controllers.ts';
import { Informers } from './informers.ts';
import type { ReconcileMetrics } from './metrics.ts';

export const type = resources.configMaps;
export const kinds = { configMaps: type };
export const namespace = 'default';
export const configMap = (name: string, value = '1'): ConfigMap => ({
  metadata: { name, namespace },
  data: { value },
});

export const failure = (code: ErrorCode) => new OrbError(code, { message: code });
export const patch = (object: ConfigMap, value: string, resourceVersion?: string): Action => ({
  verb: 'patch',
  type,
  object,
  body: { data: { value }, ...(resourceVersion !== undefined && { metadata: { resourceVersion } }) },
});

/** Lets everything run that does not wait for the clock. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Holds watch events back while `gate` is closed. */
class LaggingKube extends FakeKube {
  gate = Promise.resolve();

  override async *watch<T extends KubeObject>(
    ...given: [ResourceType<T>, Selection & { readonly resourceVersion: string }, CallOptions]
  ): AsyncGenerator<WatchEvent<T>> {
    for await (const event of super.watch(...given)) {
      await this.gate;
      yield event;
    }
  }
}

type Planned = (object: ConfigMap | undefined, nth: number, signal: AbortSignal) => Plan | Promise<Plan>;

/** Runs one controller that plans every config map. */
export async function run(
  plan: Planned,
  more: Partial<Controller<typeof kinds>> = {},
  worked: ReconcileMetrics['worked'] = () => {},
) {
  const kube = new LaggingKube();
  const clock = new FakeClock();
  const lines: LogFields[] = [];
  const note = (fields: LogFields) => void lines.push(fields);
  const log: Logger = { ...silentLogger, warn: note, error: note, child: () => log };
  const results: string[] = [];
  const plans: string[] = [];
  const controller: Controller<typeof kinds> = {
    name: 'test',
    concerns: (_, object) => [keyOf(object)],
    plan: (key, state, _, signal) => {
      const { name } = splitKey(key);
      const object = state.configMaps.get(name, namespace);
      plans.push(`${name} ${object?.data?.value ?? 'gone'}`);
      return plan(object, plans.length, signal);
    },
    ...more,
  };
  const shared = { client: kube, clock, log };
  const informers = new Informers(shared, kinds);
  const metrics: ReconcileMetrics = {
    worked(controllerName, result, seconds) {
      results.push(result);
      worked(controllerName, result, seconds);
    },
    leads: () => {},
  };
  const controllers = new Controllers({ ...shared, informers, controllers: [controller], metrics });
  const end = new AbortController();
  await kube.create(type, configMap('a'));
  void informers.start();
  const running = controllers.run(end.signal);
  await turns();
  return {
    ...{ kube, clock, lines, results, plans, informers, controllers },
    /** Another program changes the object. */
    async set(value: string, name = 'a') {
      await kube.patch(type, { name, namespace }, { type: 'merge', body: { data: { value } } });
      await turns();
    },
    async pass(ms: number) {
      await clock.advance(ms);
      await turns();
    },
    async stop() {
      end.abort();
      await Promise.all([running, informers.stop()]);
      await controllers.eventsWritten();
    },
  };
}
