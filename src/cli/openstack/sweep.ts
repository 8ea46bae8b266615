// The work of `orbctl openstack sweep`: what this cluster has in the cloud, and its removal. One thing that fails stops no
// other.

import { resources } from '#api';
import { type Clock, errorText, OrbError } from '#base';
import { ifFound, type KubeClient } from '#kube';
import { type CloudClient, SECOND_LOOK_MS, type Sight } from '#openstack';
import {
  CloudLedger,
  type FloatingEntry,
  floatingLedger,
  type LedgerPlace,
  type Routes,
  routesLedger,
  takeBackFloating,
} from '#openstack/cluster-ledger';
import { AGENTS, CONTROLLER } from '#plan/installation';
import { markedAddresses, routeText, serverOfProviderId } from '#plan/openstack';
import { counted } from '../number-text.ts';
import type { OpenStackSweepFlags } from '../openstack.ts';
import { type LeftPort, leftPorts } from './left-ports.ts';

export interface SweepParts {
  readonly client: KubeClient;
  readonly cloud: Pick<CloudClient, 'neutron'>;
  readonly clock: Clock;
  /** Prints a line. */
  readonly say: (line: string) => void;
}

interface Leftover {
  readonly what: string;
  readonly remove: () => Promise<void>;
}

/** Resolves with the exit code. Throws if the cluster or the cloud cannot be asked what there is. */
export async function runOpenStackSweep(parts: SweepParts, flags: OpenStackSweepFlags): Promise<number> {
  const { say } = parts;
  const program = await runningProgram(parts.client, flags.namespace);
  const sweep = new Sweep(parts, flags);
  const ports = await sweep.ownPorts(program);
  const leftovers = [...(await sweep.routes()), ...(await sweep.floatingIps()), ...ports.leftovers];
  const marked = [...(await sweep.markedPorts(program)), ...ports.lines];
  if (!flags.apply) {
    for (const { what } of leftovers) say(`would be removed: ${what}`);
    for (const line of marked) say(line);
    if (leftovers.length + marked.length === 0) say('this cluster has nothing in the cloud');
    else if (program !== undefined) say(`${program} runs: orbctl uninstall comes first`);
    return leftovers.length + marked.length === 0 ? 0 : 1;
  }
  if (program !== undefined) {
    say(`nothing was removed: ${program} runs and would add it again. Run orbctl uninstall first`);
    return 1;
  }
  let failed = 0;
  for (const { what, remove } of leftovers) {
    try {
      await remove();
      say(`removed: ${what}`);
    } catch (error) {
      failed += 1;
      say(`not removed: ${what}: ${errorText(error)}`);
    }
  }
  for (const line of marked) say(line);
  if (failed > 0) say(`${counted(failed, 'thing')} could not be removed: look why, and repeat the command`);
  return failed + marked.length === 0 ? 0 : 1;
}

/** What would make again what a sweep removes, in words. */
async function runningProgram(client: KubeClient, namespace: string): Promise<string | undefined> {
  const deployment = await ifFound(client.get(resources.deployments, { namespace, name: CONTROLLER }));
  if (deployment !== undefined) return `Deployment ${namespace}/${CONTROLLER}`;
  const daemonSet = await ifFound(client.get(resources.daemonSets, { namespace, name: AGENTS }));
  return daemonSet && `DaemonSet ${namespace}/${AGENTS}`;
}

class Sweep {
  readonly #parts: SweepParts;
  readonly #flags: OpenStackSweepFlags;
  readonly #signal = new AbortController().signal;

  constructor(parts: SweepParts, flags: OpenStackSweepFlags) {
    this.#parts = parts;
    this.#flags = flags;
  }

  /** One for each router: its routes are removed by one call. */
  async routes(): Promise<Leftover[]> {
    const { neutron } = this.#parts.cloud;
    return this.#entries(routesLedger(this.#place), async (routerId, owned) => {
      const texts = owned.map(routeText).join(', ');
      return {
        what: `${counted(owned.length, 'route')} of router ${routerId}: ${texts}`,
        remove: async () => {
          if (await this.#isThere(`router ${routerId}`, () => neutron.router(routerId)))
            await neutron.removeRoutes(routerId, owned);
        },
      };
    });
  }

  async floatingIps(): Promise<Leftover[]> {
    const { neutron } = this.#parts.cloud;
    return this.#entries(floatingLedger(this.#place), async (uid, entry) => ({
      what: floatingText(entry),
      remove: async () => {
        const { floatingIpId: id } = entry;
        if (id !== null) await this.#isThere(`floating IP ${id}`, () => neutron.floatingIp(id));
        await takeBackFloating(neutron, uid, entry, this.#signal);
      },
    }));
  }

  /** Ports that reserve addresses of pods. Two looks must agree that nobody has them. In words: those that stay. */
  async ownPorts(program: string | undefined): Promise<{ leftovers: Leftover[]; lines: string[] }> {
    const { client, cloud } = this.#parts;
    const look = (isRunning: boolean) => leftPorts({ client, neutron: cloud.neutron, isRunning });
    const { unclaimed, lines } = await look(program !== undefined);
    if (program !== undefined) {
      const ofNoNode = unclaimed.map(
        (port) =>
          `${portText(port)}, is of no node of the cluster. If nothing uses it: openstack port delete ${port.id}`,
      );
      return { leftovers: [], lines: [...lines, ...ofNoNode] };
    }
    const lookAgain = async (): Promise<ReadonlySet<string>> => {
      await this.#parts.clock.sleep(SECOND_LOOK_MS);
      const isRunning = (await runningProgram(client, this.#flags.namespace)) !== undefined;
      return new Set((await look(isRunning)).unclaimed.map(({ id }) => id));
    };
    let second: Promise<ReadonlySet<string>> | undefined;
    const leftovers = unclaimed.map((port) => ({
      what: portText(port),
      remove: async () => {
        second ??= lookAgain();
        if ((await second).has(port.id)) return await cloud.neutron.deletePort(port.id);
        const message = `port ${port.id} is gone, or has an owner, at the second look`;
        throw new OrbError('OPENSTACK_CHANGED', { message, subject: port.id });
      },
    }));
    return { leftovers, lines: [...lines] };
  }

  /** What only an agent can remove, in words: the ledger of the port is on its node. */
  async markedPorts(program: string | undefined): Promise<string[]> {
    const { client, cloud } = this.#parts;
    const lines: string[] = [];
    for (const node of (await client.list(resources.nodes)).items) {
      const server = serverOfProviderId(node.spec?.providerID ?? '');
      if ('why' in server) continue;
      for (const port of await cloud.neutron.ports({ device_id: server.value })) {
        const addresses = markedAddresses(port, node);
        if (addresses.length === 0) continue;
        const what = `port ${port.id} of node ${node.metadata.name} has ${addresses.join(', ')} beside the node's own`;
        const unset = addresses.map((address) => `--fixed-ip ip-address=${address}`).join(' ');
        lines.push(
          program === undefined
            ? `${what}, and the mark of an agent. If nothing uses them: openstack port unset ${unset} ${port.id}`
            : `${what}: its agent takes off those that it added, when Orbweaver is uninstalled`,
        );
      }
    }
    return lines;
  }

  get #place(): { readonly client: KubeClient; readonly namespace: string } {
    return { client: this.#parts.client, namespace: this.#flags.namespace };
  }

  /** The entry leaves the ledger once the thing is removed. */
  async #entries<T extends Routes | FloatingEntry>(
    place: LedgerPlace<T>,
    leftover: (key: string, entry: T) => Promise<Leftover>,
  ): Promise<Leftover[]> {
    let ledger = await CloudLedger.read(place, this.#signal);
    const readable = new Map(ledger.readable);
    const found: Leftover[] = [];
    for (const key of ledger.keys) {
      const entry = readable.get(key);
      const { what, remove } =
        entry === undefined ? this.#unreadable(key, place, ledger) : await leftover(key, entry);
      const removeAndForget = async () => {
        await remove();
        ledger = await ledger.with(key, undefined, this.#signal);
      };
      found.push({ what, remove: removeAndForget });
    }
    return found;
  }

  /** Somebody edited it: it stops no other, and is told. */
  #unreadable<T>(key: string, { name }: LedgerPlace<T>, ledger: CloudLedger<T>): Leftover {
    return { what: `key ${key} of ConfigMap ${name}`, remove: async () => void ledger.get(key) };
  }

  /** A login of another project sees nothing either. So absence is believed if the user says so, and twice. */
  async #isThere(what: string, look: () => Promise<Sight<unknown>>): Promise<boolean> {
    if ((await look()).is === 'there') return true;
    await this.#parts.clock.sleep(SECOND_LOOK_MS);
    if ((await look()).is === 'there') return true;
    if (this.#flags.forget) return false;
    const message = `Neutron does not show ${what} to this login. If it is gone, use --forget`;
    throw new OrbError('OPENSTACK_NOT_FOUND', { message, subject: what });
  }
}

const portText = ({ id, addresses }: LeftPort): string =>
  `port ${id}, which reserved ${addresses.join(', ')} for a pod`;

function floatingText({ pod, isMade, floatingIpId, address }: FloatingEntry): string {
  if (floatingIpId === null) return `the floating IP that was being made for pod ${pod}`;
  if (isMade) return `floating IP ${floatingIpId}, which was made for pod ${pod}`;
  return `the way of floating IP ${floatingIpId} to ${address} of pod ${pod}`;
}
