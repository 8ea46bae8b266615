// The reference for the coordinator's ADD. It records the changes of an ADD once, and repeats them without other work.

import { parseCoordinatorConf, parseNetConf, type SpiderCoordinator } from '#api';
import { parseAddress } from '#ip';
import { openNamespace } from '#kernel';
import type { NetworkNamespace } from '#net';
import { applyNetwork, seePod, undoNode, undoPod } from '#node';
import { mergeOptions, nicRoutes, planPod, readSettings } from '#plan/network';
import { nodeAddress } from '../test/e2e/one-node.ts';
import type { BenchPod } from './pod-nics.ts';

type Step = () => void;
/** Calls that change a namespace. All other calls only read. */
const changing = new Set<PropertyKey>(['change', 'setSysctl', 'nft']);

export class KernelWork {
  readonly #containerId: string;
  readonly #pod: NetworkNamespace;
  readonly #node: NetworkNamespace;
  readonly #steps: Step[] = [];

  /** Records what an ADD changes for the pod's one NIC. The namespaces stay open until the process ends. */
  constructor(pod: BenchPod, conf: object, coordinator: SpiderCoordinator) {
    this.#containerId = pod.name;
    this.#pod = openNamespace(pod.netns);
    this.#node = openNamespace('current');
    const [nic] = pod.nics;
    if (nic === undefined) throw new Error(`pod ${pod.name} has no NIC`);
    const netConf = parseCoordinatorConf(parseNetConf(JSON.stringify(conf)));
    const settings = readSettings(mergeOptions({ netConf, podAnnotations: {}, coordinator }));
    const routes = nicRoutes(nic, seePod(this.#pod).routes, undefined);
    const desired = planPod({
      containerId: pod.name,
      nics: [{ ...nic, routes, settings }],
      nodeAddresses: nic.addresses.map(({ address }) => parseAddress(nodeAddress[address.family])),
    });
    applyNetwork(desired, { pod: this.#recording(this.#pod), node: this.#recording(this.#node) });
  }

  /** Undoes the changes. */
  async undo(): Promise<void> {
    await undoNode(this.#node, this.#containerId);
    undoPod(this.#pod);
  }

  /** Repeats the changes; returns microseconds. */
  again(): number {
    const began = performance.now();
    for (const step of this.#steps) step();
    return (performance.now() - began) * 1000;
  }

  /** The namespace, with a record of every call that changes it. */
  #recording(namespace: NetworkNamespace): NetworkNamespace {
    return new Proxy(namespace, {
      get: (_, key) => {
        const member: unknown = Reflect.get(namespace, key);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          const step = () => Reflect.apply(member, namespace, args) as unknown;
          if (changing.has(key)) this.#steps.push(step);
          return step();
        };
      },
    });
  }
}
