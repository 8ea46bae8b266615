// The objects that a cluster has from the start: namespaces, the objects of each namespace, and the Service of the API.
// On a real cluster, kube-apiserver and kube-controller-manager make them.

import { errorText, type Logger } from '#base';
import { WorkQueue } from '#kube';
import { equal, type Json, type JsonObject, objectAt } from '../json.ts';
import { firstNamespaces } from '../kinds/index.ts';
import type { Resource } from '../resource.ts';
import type { StoreEvent } from '../store/index.ts';
import { asServer, changeAsServer } from './cleanup.ts';
import type { Objects } from './objects.ts';
import { keyOf } from './target.ts';

/** An object that the server makes and keeps in this form. */
interface OwnObject {
  readonly group: string;
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels?: JsonObject;
  /** Top-level fields. */
  readonly fields: JsonObject;
}

/** Where clients reach the API. */
export interface ApiAddress {
  readonly address: string;
  readonly port: number;
}

/** The server's own data that the objects contain. */
export interface OwnFacts {
  /** The certificate, in PEM, that clients trust. Without one, namespaces get no ConfigMap with it. */
  readonly authority?: string;
  /** The address of the Service `kubernetes`. */
  readonly clusterIp: string;
}

const ACCOUNT_NAME = 'default';
const AUTHORITY_NAME = 'kube-root-ca.crt';

export class OwnObjects {
  readonly #objects: Objects;
  readonly #logger: Logger;
  readonly #facts: OwnFacts;
  /** Namespaces that still lack objects. A webhook may refuse an object now and allow it later. */
  readonly #queue: WorkQueue;

  constructor(objects: Objects, logger: Logger, facts: OwnFacts) {
    this.#objects = objects;
    this.#logger = logger;
    this.#facts = facts;
    const { clock } = objects.context;
    this.#queue = new WorkQueue({
      clock,
      log: logger,
      workers: 8,
      work: (namespace) => this.#fill(namespace),
    });
  }

  /** Makes the missing objects. From then on it also makes the objects of every new namespace. */
  async start(): Promise<void> {
    const { store } = this.#objects.context;
    for (const name of firstNamespaces) {
      await this.#tryTo(name, { group: '', plural: 'namespaces', namespace: '', name, fields: {} });
    }
    for (const { key } of store.list('namespaces.')) this.#queue.add(key.name);
    store.subscribe((events) => {
      for (const event of events) this.#observe(event);
    });
  }

  async close(): Promise<void> {
    await this.#queue.stop();
  }

  /** The Service `kubernetes`, in front of the addresses that serve the API. */
  async advertise(places: readonly ApiAddress[]): Promise<void> {
    const [first] = places;
    if (first === undefined) return;
    const about = { namespace: 'default', name: 'kubernetes' };
    const labels = { component: 'apiserver', provider: 'kubernetes' };
    const ports = [{ name: 'https', port: first.port, protocol: 'TCP' }];
    const service = { type: 'ClusterIP', clusterIP: this.#facts.clusterIp, sessionAffinity: 'None' };
    const port = { name: 'https', port: 443, protocol: 'TCP', targetPort: first.port };
    const mirror = { 'kubernetes.io/service-name': 'kubernetes' };
    const addressType = first.address.includes(':') ? 'IPv6' : 'IPv4';
    const same = places.filter((it) => it.address.includes(':') === (addressType === 'IPv6'));
    const addresses = same.map(({ address }) => address);
    const endpoints: Json = addresses.map((address) => ({
      addresses: [address],
      conditions: { ready: true },
    }));
    const subsets = [{ addresses: addresses.map((ip) => ({ ip })), ports }];
    for (const object of [
      { ...about, group: '', plural: 'services', labels, fields: { spec: { ...service, ports: [port] } } },
      { ...about, group: '', plural: 'endpoints', fields: { subsets } },
      {
        ...about,
        group: 'discovery.k8s.io',
        plural: 'endpointslices',
        labels: mirror,
        fields: { addressType, endpoints, ports },
      },
    ])
      await this.#tryTo(object.name, object);
  }

  #observe({ type, entry: { key } }: StoreEvent): void {
    const madeNamespace = type === 'ADDED' && key.resource === 'namespaces.';
    const lost =
      type === 'DELETED' &&
      ((key.resource === 'serviceaccounts.' && key.name === ACCOUNT_NAME) ||
        (key.resource === 'configmaps.' && key.name === AUTHORITY_NAME));
    if (madeNamespace || lost) this.#queue.add(madeNamespace ? key.name : key.namespace);
  }

  async #fill(namespace: string): Promise<void> {
    const found = this.#objects.context.store.get({
      resource: 'namespaces.',
      namespace: '',
      name: namespace,
    });
    if (found === undefined || found.object.metadata.deletionTimestamp !== undefined) return;
    await this.#ensure({ group: '', plural: 'serviceaccounts', namespace, name: ACCOUNT_NAME, fields: {} });
    const { authority } = this.#facts;
    if (authority === undefined) return;
    const fields = { data: { 'ca.crt': authority } };
    await this.#ensure({ group: '', plural: 'configmaps', namespace, name: AUTHORITY_NAME, fields });
  }

  async #ensure({ group, plural, namespace, name, labels, fields }: OwnObject): Promise<void> {
    const { registry, store } = this.#objects.context;
    const resource = registry.find(group, 'v1', plural) as Resource;
    const target = { resource, namespace, name };
    const present = store.get(keyOf(target))?.object;
    if (present !== undefined) {
      const kept = (from: JsonObject, field: string, wanted: Json): Json =>
        field === 'spec' ? { ...objectAt(from, 'spec'), ...(wanted as JsonObject) } : wanted;
      const changed = Object.entries(fields).filter(
        ([field, it]) => !equal(present[field], kept(present, field, it)),
      );
      if (changed.length === 0) return;
      await changeAsServer(this.#objects, target, (next) => {
        for (const [field, wanted] of changed) next[field] = kept(next, field, wanted);
      });
      return;
    }
    const metadata = { name, ...(labels !== undefined && { labels }) };
    const apiVersion = group === '' ? 'v1' : `${group}/v1`;
    const object = { apiVersion, kind: resource.kind, metadata, ...fields };
    await this.#objects.create(resource, namespace, object, asServer);
  }

  /** The server still serves when one of these objects cannot be made now. */
  async #tryTo(about: string, object: OwnObject): Promise<void> {
    try {
      await this.#ensure(object);
    } catch (error) {
      this.#logger.error(
        { about, error: errorText(error) },
        'the server could not create one of its own objects',
      );
    }
  }
}
