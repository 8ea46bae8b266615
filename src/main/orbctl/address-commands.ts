// The commands that ask the API server about addresses, pools and subnets.

import { type KubeObject, type ResourceType, resources } from '#api';
import { type Logger, systemClock } from '#base';
import { type Commands, PartialReader, runFree, runHistory, runTop, runTree, runWho } from '#cli';
import type { Screen } from '#program';
import { clientOf } from './site.ts';

type AddressCommands = Pick<
  Commands,
  'ipWho' | 'ipFree' | 'ipHistory' | 'poolTop' | 'subnetTree' | 'poolNames' | 'subnetNames'
>;

/** A user at the Tab key waits no longer. */
const COMPLETION_MS = 1500;

export function addressCommands(env: NodeJS.ProcessEnv, stdout: Screen): AddressCommands {
  const reader = () => new PartialReader((log: Logger) => clientOf(env, { log }));
  const say = (text: string, exitCode = 0) => {
    stdout.write(`${text}\n`);
    return exitCode;
  };
  const names = async (type: ResourceType<KubeObject>) => {
    try {
      const limit = { signal: AbortSignal.timeout(COMPLETION_MS) };
      const { items } = await clientOf(env).list(type, {}, limit);
      return items.map(({ metadata }) => metadata.name ?? '').sort();
    } catch {
      // Completion says nothing where it knows nothing.
      return [];
    }
  };
  return {
    ipWho: async (flags, address) => say(await runWho(reader(), systemClock, address, flags)),
    async ipFree(flags, pool) {
      const { text, exitCode } = await runFree(reader(), systemClock, pool, flags);
      return say(text, exitCode);
    },
    async ipHistory(flags, address) {
      const { text, exitCode } = await runHistory(reader(), systemClock, address, flags);
      return say(text, exitCode);
    },
    poolTop: async (flags, pools) => say(await runTop(reader(), pools, flags)),
    subnetTree: async (flags, subnet) => say(await runTree(reader(), subnet, flags)),
    poolNames: () => names(resources.spiderIPPools),
    subnetNames: () => names(resources.spiderSubnets),
  };
}
