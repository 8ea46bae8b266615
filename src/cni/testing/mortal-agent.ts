// An agent that can die at any step, for tests: every write of a file and every change of the kernel is a step.

import type { NetworkNamespace } from '#net';
import type { MemoryStateFiles, StateFiles } from '#node';

/** Files whose agent can die before each write. `step` throws when it dies. */
export function dying(files: MemoryStateFiles, step: () => void): StateFiles {
  return {
    list: () => files.list(),
    read: (name) => files.read(name),
    rename: (from, to) => files.rename(from, to),
    write: async (name, bytes) => {
      step();
      await files.write(name, bytes);
    },
    writeFromReserve: async (name, bytes) => {
      step();
      await files.writeFromReserve(name, bytes);
    },
    writeSoon: async (name, bytes) => {
      step();
      await files.writeSoon(name, bytes);
    },
    remove: async (name) => {
      step();
      await files.remove(name);
    },
  };
}

/** A namespace whose agent can die before each change. */
export function mortal(namespace: NetworkNamespace, step: () => void): NetworkNamespace {
  return new Proxy(namespace, {
    get(target, name) {
      if (name === 'change')
        return (changes: Parameters<NetworkNamespace['change']>[0]) => {
          for (const change of changes) {
            step();
            target.change([change]);
          }
        };
      if (name === 'deleteLink')
        return async (link: string) => {
          step();
          await target.deleteLink(link);
        };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
