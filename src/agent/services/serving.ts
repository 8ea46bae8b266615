// The loop of what serves Services of a node: it begins again after each failure.

import type { BackOff, Clock } from '#base';
import type { ServiceView } from './service-view.ts';

export interface Serving {
  readonly view: Pick<ServiceView, 'start' | 'stop'>;
  readonly clock: Clock;
  readonly backOff: BackOff;
  /** Serves until the signal aborts, or something fails. */
  readonly serve: (signal: AbortSignal) => Promise<void>;
  /** Called after each failure, but not when the agent leaves. */
  readonly failed: (error: unknown) => void;
}

/** Resolves when the signal has aborted and the view has stopped. */
export async function serveUntil(
  signal: AbortSignal,
  { view, clock, backOff, serve, failed }: Serving,
): Promise<void> {
  await view.start(signal).catch(() => {}); // the agent leaves
  while (!signal.aborted) {
    try {
      await serve(signal);
    } catch (error) {
      if (signal.aborted) break;
      failed(error);
      await clock.sleep(backOff.next(), signal).catch(() => {}); // the agent leaves
    }
  }
  await view.stop();
}
