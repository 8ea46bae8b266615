// A cluster in memory for the tests of commands that ask about addresses.

import { type KubeObject, type ResourceType, resources } from '#api';
import { OrbError } from '#base';
import { FakeKube } from '#kube/testing';
import { PartialReader } from './partial-reader.ts';

export class AskedCluster extends FakeKube {
  /** A user who may not list these kinds. */
  readonly forbidden = new Set<string>();

  constructor() {
    super();
    this.before = ({ verb, plural }) => {
      if (!this.forbidden.has(plural) || verb === 'create') return;
      throw new OrbError('KUBE_FORBIDDEN', { message: `the API server answered 403 to list ${plural}` });
    };
  }

  reader(): PartialReader {
    return new PartialReader(() => this);
  }

  /** Stores the object with the defaults of its schema. */
  async put<T extends KubeObject>(type: ResourceType<T>, object: object): Promise<void> {
    await this.create(type, type.schema.parse(object));
  }

  /** A pool of 10.6.0.0/24 with nine addresses by default. */
  async pool(name: string, spec: object = {}, records: object = {}, metadata: object = {}): Promise<void> {
    await this.put(resources.spiderIPPools, {
      metadata: { name, ...metadata },
      spec: { subnet: '10.6.0.0/24', ips: ['10.6.0.1-10.6.0.9'], ...spec },
      status: { allocatedIPs: JSON.stringify(records) },
    });
  }

  /** A running pod on node1. */
  async pod(name: string, more: { owner?: object; status?: object } = {}): Promise<void> {
    await this.put(resources.pods, {
      metadata: {
        ...{ name, namespace: 'ns', uid: `uid-${name}`, creationTimestamp: '2026-06-01T11:00:00Z' },
        ...(more.owner !== undefined && { ownerReferences: [more.owner] }),
      },
      spec: { nodeName: 'node1', containers: [] },
      status: { phase: 'Running', podIPs: [{ ip: '10.6.0.1' }], ...more.status },
    });
  }

  async endpoint(
    name: string,
    owner: readonly [kind: string, name: string],
    ips: readonly object[] = [],
  ): Promise<void> {
    const [ownerControllerType, ownerControllerName] = owner;
    await this.put(resources.spiderEndpoints, {
      metadata: { name, namespace: 'ns', creationTimestamp: '2026-06-01T11:00:05Z' },
      status: {
        current: { uid: `uid-${name}`, node: 'node1', ips },
        ownerControllerType,
        ownerControllerName,
      },
    });
  }
}

/** The record of a pod of {@link AskedCluster.pod}. */
export const recordOf = (name: string, nic = 'eth0') => ({ pod: `ns/${name}`, podUid: `uid-${name}`, nic });
