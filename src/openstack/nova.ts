// Nova: a VM, and the NICs that it has.

import { z } from 'zod';
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
    const path = `/servers/${encodeURIComponent(serverId)}/os-interface`;
    const sight = await this.#service.look({ method: 'GET', path, action, signal });
    if (sight.is === 'absent') return sight;
    const schema = z.object({ interfaceAttachments: z.array(interfaceSchema) });
    const { interfaceAttachments } = decoded(schema, sight.value, this.#service.name, action);
    return { is: 'there', value: interfaceAttachments };
  }
}
