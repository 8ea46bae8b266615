// Nova: a VM, and the NICs that it has.

import { z } from 'zod';
import { isOrbError, OrbError } from '#base';
import { decoded } from './decode.ts';
import { CloudService, type ServiceParts, type Sight } from './service.ts';

const serverSchema = z.object({ id: z.string(), name: z.string(), status: z.string() });
const interfaceSchema = z.object({
  port_id: z.string(),
  net_id: z.string(),
  mac_addr: z.string().transform((mac) => mac.toLowerCase()),
});

export type Server = z.infer<typeof serverSchema>;
export type ServerInterface = z.infer<typeof interfaceSchema>;

export class Nova {
  readonly #service: CloudService;

  constructor(parts: ServiceParts) {
    this.#service = new CloudService(parts, 'compute', 'Nova', '/v2.1');
  }

  async server(id: string, signal?: AbortSignal): Promise<Sight<Server>> {
    const action = `read server ${id}`;
    const path = `/servers/${encodeURIComponent(id)}`;
    const sight = await this.#service.look({ method: 'GET', path, action, signal });
    if (sight.is === 'absent') return sight;
    const { server } = decoded(z.object({ server: serverSchema }), sight.value, this.#service.name, action);
    return { is: 'there', value: server };
  }

  /** The NICs of a VM. */
  async interfaces(serverId: string, signal?: AbortSignal): Promise<Sight<readonly ServerInterface[]>> {
    const action = `list the NICs of server ${serverId}`;
    const sight = await this.#service.look({ method: 'GET', path: pathOf(serverId), action, signal });
    if (sight.is === 'absent') return sight;
    const schema = z.object({ interfaceAttachments: z.array(interfaceSchema) });
    const { interfaceAttachments } = decoded(schema, sight.value, this.#service.name, action);
    return { is: 'there', value: interfaceAttachments };
  }

  /** One NIC of a VM. */
  async interface(serverId: string, portId: string, signal?: AbortSignal): Promise<Sight<ServerInterface>> {
    const action = `read the NIC of server ${serverId} on port ${portId}`;
    const sight = await this.#service.look({ method: 'GET', path: pathOf(serverId, portId), action, signal });
    if (sight.is === 'absent') return sight;
    const schema = z.object({ interfaceAttachment: interfaceSchema });
    const { interfaceAttachment } = decoded(schema, sight.value, this.#service.name, action);
    return { is: 'there', value: interfaceAttachment };
  }

  /** Gives a VM a NIC on a port. Throws OPENSTACK_NICS_FULL if its machine refuses one more. */
  async attach(serverId: string, portId: string, signal?: AbortSignal): Promise<void> {
    const action = `attach port ${portId} to server ${serverId}`;
    const body = { interfaceAttachment: { port_id: portId } };
    try {
      await this.#service.call({ method: 'POST', path: pathOf(serverId), action, body, signal });
    } catch (error) {
      if (!isOrbError(error, 'OPENSTACK_UNREACHABLE') || !SLOTS_FULL.test(error.said ?? '')) throw error;
      const { message, said = '' } = error;
      throw new OrbError('OPENSTACK_NICS_FULL', { message, said, subject: serverId, cause: error });
    }
  }

  /** Asks for it: the VM loses the NIC some time later, and the port stays. A NIC that it does not have is no failure. */
  async detach(serverId: string, portId: string, signal?: AbortSignal): Promise<void> {
    const action = `detach port ${portId} from server ${serverId}`;
    await this.#service.look({ method: 'DELETE', path: pathOf(serverId, portId), action, signal });
  }
}

/**
 * Nova's words where the hypervisor refuses a NIC, with status 500 (nova.exception.InterfaceAttachFailed). It has no code
 * of its own for a machine whose PCI slots are full.
 */
const SLOTS_FULL = /Failed to attach network adapter device/;

function pathOf(serverId: string, portId?: string): string {
  const server = `/servers/${encodeURIComponent(serverId)}/os-interface`;
  return portId === undefined ? server : `${server}/${encodeURIComponent(portId)}`;
}
