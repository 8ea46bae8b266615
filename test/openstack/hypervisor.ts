// What a hypervisor and the agent of its network do for a VM, whose Nova and Neutron are real: the VM gets a NIC for each
// port that Nova has attached, and loses it when Nova has detached the port.

import { runProgram } from '../e2e/program.ts';
import type { NeutronDatabase } from './neutron-database.ts';
import type { Api, PortObject } from './scene.ts';

/** Plugging a NIC in takes time. */
const LOOK_MS = 50;

interface HypervisorParts {
  /** Of an administrator: no other login is told whether a port is bound. */
  readonly operator: Api;
  readonly database: NeutronDatabase;
  readonly serverId: string;
  /** The bridge that the cables of the NICs lead to. */
  readonly bridge: string;
  /** The ports of NICs that the VM has from the start. */
  readonly known: readonly string[];
}

interface BoundPort extends PortObject {
  readonly 'binding:vif_type': string;
}

export class Hypervisor {
  readonly #parts: HypervisorParts;
  /** By the port's id: the end of the cable that is in the bridge. */
  readonly #plugged = new Map<string, string>();
  readonly #running: Promise<void>;
  #next = 0;
  #stopped = false;
  /** While false, NICs do not come up: their ports stay DOWN. */
  wires = true;

  constructor(parts: HypervisorParts) {
    this.#parts = parts;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    for (const id of this.#plugged.keys()) this.#unplug(id);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const ports = await this.#ports().catch(() => undefined); // a request that failed is asked again
      if (ports !== undefined) this.#make(ports);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  #make(ports: readonly PortObject[]): void {
    const wanted = ports.filter(({ id }) => !this.#parts.known.includes(id));
    for (const id of this.#plugged.keys()) if (!wanted.some((port) => port.id === id)) this.#unplug(id);
    for (const port of wanted) if (this.wires && !this.#plugged.has(port.id)) this.#plug(port);
  }

  /** Neutron binds a port after it says which VM has it. Until then, its own write must not meet another. */
  async #ports(): Promise<PortObject[]> {
    const { operator, serverId } = this.#parts;
    const path = `/ports?device_id=${serverId}`;
    const { ports } = await operator.neutron<{ ports: BoundPort[] }>('GET', path);
    return ports.filter((port) => port['binding:vif_type'] !== 'unbound');
  }

  #plug({ id, mac_address }: PortObject): void {
    const [nic, cable] = [`ens${this.#next}`, `cable${this.#next++}`];
    const lines = [
      `link add ${nic} address ${mac_address} type veth peer name ${cable}`,
      `link set ${cable} master ${this.#parts.bridge} up`,
    ];
    runProgram('ip', ['-batch', '-'], `${lines.join('\n')}\n`);
    this.#plugged.set(id, cable);
    this.#parts.database.setActive(id);
  }

  /** The NIC goes with its cable, wherever it is. It may have ended with a pod's namespace. */
  #unplug(id: string): void {
    const cable = this.#plugged.get(id);
    this.#plugged.delete(id);
    const links = JSON.parse(runProgram('ip', ['-j', 'link'])) as { ifname: string }[];
    if (cable !== undefined && links.some(({ ifname }) => ifname === cable))
      runProgram('ip', ['link', 'delete', cable]);
  }
}
