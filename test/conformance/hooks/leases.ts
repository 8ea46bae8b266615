// leases.ts FOLDER: prints the addresses that pools hold, one per line.
// leases.ts FOLDER lose CONTAINER: removes the addresses of the container's pod.

import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';

// It uses plain HTTP requests, because it runs hundreds of times. The project's client takes longer to load than to answer.

interface Pool {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly allocatedIPs?: string };
}

const [folder = '', verb, container = ''] = process.argv.slice(2);
const path = '/apis/spiderpool.spidernet.io/v2beta1/spiderippools';
const kubeconfig = JSON.parse(readFileSync(join(folder, 'kubeconfig'), 'utf8')) as {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
};

function ask(method: string, at: string, body?: unknown): Promise<unknown> {
  const { server, 'certificate-authority-data': authority } = kubeconfig.clusters[0].cluster;
  const headers = {
    authorization: `Bearer ${kubeconfig.users[0].user.token}`,
    'content-type': 'application/merge-patch+json',
  };
  return new Promise((resolve, reject) => {
    const sent = request(
      `${server}${at}`,
      { method, headers, ca: Buffer.from(authority, 'base64') },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (answer.statusCode === 200) resolve(JSON.parse(text));
          else reject(new Error(`${method} ${at}: ${answer.statusCode} ${text}`));
        });
      },
    );
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

for (const { metadata, status } of ((await ask('GET', path)) as { items: Pool[] }).items) {
  const held = Object.entries(JSON.parse(status?.allocatedIPs ?? '{}') as Record<string, { pod: string }>);
  if (verb === undefined) {
    for (const [address, { pod }] of held) console.log(`${metadata.name} ${address} ${pod}`);
    continue;
  }
  const pod = `default/p${container.split('-').at(-1)}`;
  const allocatedIPs = JSON.stringify(Object.fromEntries(held.filter(([, holder]) => holder.pod !== pod)));
  await ask('PATCH', `${path}/${metadata.name}/status`, { status: { allocatedIPs } });
}
