// A virtual machine of KubeVirt, whose pods come and go. While it migrates, two of them live.

import { foreignResources } from '#api';
import type { FakeKube } from '#kube/testing';
import { namespace } from './objects.ts';

const { virtualMachines, virtualMachineInstances } = foreignResources;
const metadata = { namespace, name: 'vm' } as const;

export class Machine {
  readonly #kube: FakeKube;
  /** Whether it exists. It keeps its addresses while it is stopped. */
  isThere = false;
  #isRunning = false;

  constructor(kube: FakeKube) {
    this.#kube = kube;
  }

  async run(): Promise<void> {
    if (!this.isThere) {
      this.isThere = true;
      await this.#kube.create(virtualMachines, { metadata });
    }
    if (this.#isRunning) return;
    this.#isRunning = true;
    await this.#kube.create(virtualMachineInstances, { metadata });
  }

  async halt(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    await this.#kube.delete(virtualMachineInstances, metadata);
  }

  async delete(): Promise<void> {
    if (!this.isThere) return;
    this.isThere = false;
    await this.#kube.delete(virtualMachines, metadata);
  }
}
