// The cloud that this node is a VM of: the agent's login, as it was read first, and which port a NIC of the node is.

import { type Clock, isOrbError, type Logger } from '#base';
import {
  type CloudClient,
  type CloudConfig,
  cloudClient,
  type FoundIdentity,
  metadataDocument,
  type NodeNic,
} from '#openstack';
import { knownIdentity } from '#openstack/own-port';

export interface NodeCloudParts {
  /** Throws OPENSTACK_CONFIG_INVALID. It is first called by the first ADD: most nodes are in no cloud. */
  readonly cloud: () => CloudConfig;
  /** Of what is known of NICs. */
  readonly folder: string;
  /** The Node's `spec.providerID`, if the cluster knows it. */
  readonly providerId: () => string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A providerID of another cloud says nothing here. */
const OWN_CLOUD = 'openstack://';

export class NodeCloud {
  readonly #parts: NodeCloudParts;
  #login: { readonly client: CloudClient; readonly config: CloudConfig } | undefined;

  constructor(parts: NodeCloudParts) {
    this.#parts = parts;
  }

  /** Whether there is a login, and it can be read. */
  get hasLogin(): boolean {
    try {
      this.login();
      return true;
    } catch (error) {
      if (isOrbError(error, 'OPENSTACK_CONFIG_INVALID')) return false;
      throw error;
    }
  }

  /** Throws OPENSTACK_CONFIG_INVALID. */
  login(): { readonly client: CloudClient; readonly config: CloudConfig } {
    if (this.#login === undefined) {
      const config = this.#parts.cloud();
      this.#login = { config, client: cloudClient(config, this.#parts) };
    }
    return this.#login;
  }

  /** Throws OPENSTACK_NODE_UNKNOWN, and the errors of Neutron. */
  identityOf(nic: NodeNic, networkId?: string): Promise<FoundIdentity> {
    const { client } = this.login();
    const given = this.#parts.providerId();
    const hints = { networkId, ...(given?.startsWith(OWN_CLOUD) === true && { providerId: given }) };
    return knownIdentity(this.#parts.folder, nic, hints, {
      neutron: client.neutron,
      metadata: () => metadataDocument(client.connections),
      configDrive: undefined,
    });
  }

  close(): void {
    this.#login?.client.close();
  }
}
