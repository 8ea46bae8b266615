// A program's connection to the fake API server: it fails when a test says so, and ends with its program.

import { OrbError } from '#base';
import type { FakeKube } from '#kube/testing';

/** What the next calls meet. */
export interface Faults {
  /** So many writes are refused before they take effect. */
  refused: number;
  /** So many writes take effect, but their answers are lost. */
  lost: number;
  /** Until then, the server answers nothing. */
  awayUntilMs: number;
  /** Requests of agents that the leader has not answered yet. Each ends when its controller aborts. */
  readonly linksAtWork: Set<AbortController>;
  readonly now: () => number;
}

export interface Connection {
  readonly client: FakeKube;
  /** The program is dead: nothing that it asks reaches the server any more. */
  readonly cut: () => void;
}

const writes = ['create', 'update', 'updateStatus', 'patch', 'delete'];

const noAnswer = () => new OrbError('KUBE_UNREACHABLE', { message: 'the connection was reset' });

/** How long an answer to a write is on its way. */
async function someTurns(): Promise<void> {
  for (let turns = Math.floor(Math.random() * 4); turns > 0; turns--)
    await new Promise((resolve) => setImmediate(resolve));
}

export function connectTo(kube: FakeKube, faults: Faults): Connection {
  let isCut = false;
  const client = new Proxy(kube, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== 'function') return method;
      const call = method.bind(target) as (...given: unknown[]) => unknown;
      const refuseIfAway = () => {
        if (isCut || faults.now() < faults.awayUntilMs) throw noAnswer();
      };
      if (name === 'watch') {
        return (...given: unknown[]) => {
          refuseIfAway();
          return call(...given);
        };
      }
      if (!writes.includes(String(name))) {
        return async (...given: unknown[]) => {
          refuseIfAway();
          return call(...given);
        };
      }
      return async (...given: unknown[]) => {
        refuseIfAway();
        if (faults.refused > 0) {
          faults.refused -= 1;
          throw noAnswer();
        }
        const isLost = faults.lost > 0;
        if (isLost) faults.lost -= 1;
        const answer = await call(...given);
        await someTurns();
        if (isLost || isCut) throw noAnswer();
        return answer;
      };
    },
  });
  const cut = () => {
    isCut = true;
  };
  return { client, cut };
}
