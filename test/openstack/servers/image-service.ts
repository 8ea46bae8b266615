// The least of an image service that Nova needs to make a VM: one image without bits.

import { createServer, type Server } from 'node:http';
import { cloudAddress, imageId, ports } from './place.ts';

const base = `http://${cloudAddress}:${ports.images}`;
const time = '2026-01-01T00:00:00Z';

const image = {
  id: imageId,
  name: 'empty',
  status: 'active',
  visibility: 'public',
  container_format: 'bare',
  disk_format: 'raw',
  min_disk: 0,
  min_ram: 0,
  size: 1,
  checksum: 'd41d8cd98f00b204e9800998ecf8427e',
  protected: false,
  tags: [],
  created_at: time,
  updated_at: time,
  file: `/v2/images/${imageId}/file`,
  schema: '/v2/schemas/image',
  self: `/v2/images/${imageId}`,
  owner: null,
  virtual_size: null,
};

/** Nova's client reads fields that the schema calls basic, and fails where the schema has none. */
const schema = {
  name: 'image',
  properties: Object.fromEntries(
    Object.keys(image).map((name) => [name, { type: ['string', 'null'], is_base: true }]),
  ),
  additionalProperties: { type: 'string' },
  links: [],
};

const versions = {
  versions: [{ id: 'v2.15', status: 'CURRENT', links: [{ rel: 'self', href: `${base}/v2/` }] }],
};

const answers = new Map<string, readonly [status: number, body: unknown]>([
  ['', [300, versions]],
  ['/versions', [300, versions]],
  ['/v2/schemas/image', [200, schema]],
  ['/v2/images', [200, { images: [image] }]],
  [`/v2/images/${imageId}`, [200, image]],
]);

/** Serves until it is closed. */
export function serveImages(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/\?.*$/, '').replace(/\/$/, '');
    const [status, body] = answers.get(path) ?? [404, { message: `no ${path}` }];
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(ports.images, cloudAddress, () => resolve(server));
  });
}
