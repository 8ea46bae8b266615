// What a VM is told of itself in OpenStack's format: by the metadata service, or on a config drive.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { OrbError } from '#base';
import type { Connections } from '#http';
import type { VmDocument } from '#plan/openstack';
import { decoded } from './decode.ts';
import { type CloudRequest, exchanged, jsonOf } from './exchange.ts';
import type { Sight } from './service.ts';

/** The address of the metadata service in every VM. */
export const metadataUrl = new URL('http://169.254.169.254');

const FILES = { meta: 'openstack/latest/meta_data.json', network: 'openstack/latest/network_data.json' };
/** Where no metadata service is, nobody answers. */
const METADATA_TIMEOUT_MS = 5_000;

const metaSchema = z.object({ uuid: z.string().regex(/^[\w-]{1,64}$/) });
const networkSchema = z.object({
  links: z.array(
    z.object({
      /** Neutron's id of the port. A link that is made of others, as a bond, has none. */
      vif_id: z.string().nullish(),
      ethernet_mac_address: z.string().nullish(),
    }),
  ),
});

/**
 * The document of the metadata service. `absent`: something else answers at its address. Throws OPENSTACK_UNREACHABLE
 * where nothing answers.
 */
export async function metadataDocument(
  connections: Connections,
  server = metadataUrl,
): Promise<Sight<VmDocument>> {
  const read = async (path: string): Promise<unknown> => {
    const request: CloudRequest = {
      service: 'the metadata service',
      server,
      method: 'GET',
      path: `/${path}`,
      headers: {},
      action: `read ${path}`,
      lifeMs: METADATA_TIMEOUT_MS,
      secrets: [],
    };
    const answer = await exchanged(connections, request);
    if (answer.status === 200) return jsonOf(answer, request);
    if (answer.status === 404) return undefined;
    throw new OrbError('OPENSTACK_UNREACHABLE', {
      message: `the metadata service answered ${answer.status} to ${request.action}`,
      subject: server.origin,
    });
  };
  const meta = await read(FILES.meta);
  if (meta === undefined) return { is: 'absent' };
  return { is: 'there', value: documentOf(meta, await read(FILES.network), 'the metadata service') };
}

/** The document of a config drive that is mounted at `folder`. Throws OPENSTACK_CONFIG_INVALID. */
export async function driveDocument(folder: string): Promise<VmDocument> {
  const read = async (name: string): Promise<unknown> => {
    try {
      return JSON.parse(await readFile(join(folder, name), 'utf8'));
    } catch (cause) {
      const message = `the config drive at ${folder} has no readable ${name}`;
      throw new OrbError('OPENSTACK_CONFIG_INVALID', { message, subject: folder, cause });
    }
  };
  return documentOf(await read(FILES.meta), await read(FILES.network), 'the config drive');
}

function documentOf(meta: unknown, network: unknown, service: string): VmDocument {
  const { uuid } = decoded(metaSchema, meta, service, `read ${FILES.meta}`);
  const { links } = decoded(networkSchema, network, service, `read ${FILES.network}`);
  return {
    serverId: uuid,
    links: links.flatMap(({ vif_id: portId, ethernet_mac_address: mac }) =>
      portId == null || mac == null ? [] : [{ portId, mac: mac.toLowerCase() }],
    ),
  };
}
