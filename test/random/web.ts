// A Deployment whose pods ask for addresses of subnets. It is scaled, moved to other subnets, deleted and created again.

import { resources } from '#api';
import type { FakeKube } from '#kube/testing';
import { namespace } from './objects.ts';

const subnets = {
  a4: { ipVersion: 4, subnet: '10.8.0.0/16', ips: ['10.8.1.1-10.8.1.14'] },
  a6: { ipVersion: 6, subnet: 'fd00:8::/64', ips: ['fd00:8::1-fd00:8::e'] },
  san4: { ipVersion: 4, subnet: '10.9.0.0/16', ips: ['10.9.1.1-10.9.1.14'] },
  b4: { ipVersion: 4, subnet: '10.10.0.0/16', ips: ['10.10.1.1-10.10.1.14'] },
} as const;

const P = 'ipam.spidernet.io/';

export class Web {
  readonly #kube: FakeKube;
  /** Undefined if it is deleted. */
  replicas: number | undefined;
  /** The subnet of the first NIC. */
  #first: 'a4' | 'b4' = 'a4';
  #life = 0;

  constructor(kube: FakeKube) {
    this.#kube = kube;
  }

  async start(): Promise<void> {
    for (const [name, spec] of Object.entries(subnets)) {
      await this.#kube.create(resources.spiderSubnets, {
        metadata: { name },
        spec: { ...spec, ips: [...spec.ips] },
      });
    }
    await this.scale(3);
  }

  /** What a pod asks for that is made now. One NIC has both families. */
  get annotations(): Record<string, string> {
    const wishes = [
      { interface: 'eth0', ipv4: [this.#first], ipv6: ['a6'] },
      { interface: 'net1', ipv4: ['san4'] },
    ];
    return {
      [`${P}subnets`]: JSON.stringify(wishes),
      [`${P}ippool-ip-number`]: '+1',
      'k8s.v1.cni.cncf.io/networks': 'san',
    };
  }

  get owner() {
    const name = `web-${this.#life}`;
    return { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: `uid-${name}`, controller: true };
  }

  /** How many addresses each of its pools has in the end, by NIC, family and subnet. */
  get sizes(): ReadonlyMap<string, number> {
    const { replicas } = this;
    if (replicas === undefined) return new Map();
    return new Map([`eth0 4 ${this.#first}`, 'eth0 6 a6', 'net1 4 san4'].map((key) => [key, replicas + 1]));
  }

  async scale(replicas: number): Promise<void> {
    const isDeleted = this.replicas === undefined;
    this.replicas = replicas;
    if (isDeleted) return await this.#create(replicas);
    await this.#patch({ replicas });
  }

  async move(): Promise<void> {
    if (this.replicas === undefined) return;
    this.#first = this.#first === 'a4' ? 'b4' : 'a4';
    await this.#patch({ template: { metadata: { annotations: this.annotations } } });
  }

  async delete(): Promise<void> {
    if (this.replicas === undefined) return;
    this.replicas = undefined;
    await this.#kube.delete(resources.deployments, { namespace, name: 'web' });
    await this.#kube.delete(resources.replicaSets, { namespace, name: this.owner.name });
  }

  async #create(replicas: number): Promise<void> {
    this.#life += 1;
    const uid = `c8f2a0d4-0d2b-4a3e-9f5c-${String(this.#life).padStart(12, '0')}`;
    const template = { metadata: { annotations: this.annotations }, spec: { containers: [] } };
    const spec = { selector: {}, template, replicas };
    await this.#kube.create(resources.deployments, { metadata: { name: 'web', namespace, uid }, spec });
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid, controller: true };
    const metadata = { name: this.owner.name, uid: this.owner.uid, namespace, ownerReferences: [owner] };
    await this.#kube.create(resources.replicaSets, { metadata, spec });
  }

  async #patch(spec: object): Promise<void> {
    const patch = { type: 'merge', body: { spec } } as const;
    await this.#kube.patch(resources.deployments, { namespace, name: 'web' }, patch);
  }
}
