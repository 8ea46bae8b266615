// A server whose certificate is of another authority than the one of our webhooks is asked nothing by kube-apiserver, and what would
// have been asked is refused.

import type { Cluster } from './cluster.ts';
import { home } from './cluster.ts';
import { until } from './command.ts';

const kind = 'validatingwebhookconfiguration';
const pool = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name: 'tried' },
  spec: { subnet: '192.168.70.0/24', ips: ['192.168.70.2'] },
};

/**
 * A copy of our configuration names the authority of the API server, which has not signed the controller's certificate. The
 * controller looks after its own configuration alone, and puts the authority back there.
 */
export async function expectForeignAuthorityRefused(cluster: Cluster): Promise<void> {
  const foreign = (await cluster.hub(['base64', '-w0', `${home}/pki/ca.crt`])).trim();
  const own = (await cluster.get(kind, 'orbweaver')) as Configuration;
  const withBundle = (caBundle: string) =>
    own.webhooks.map((webhook) => ({ ...webhook, clientConfig: { ...webhook.clientConfig, caBundle } }));
  const copy = { ...own, metadata: { name: 'foreign' }, webhooks: withBundle(foreign) };
  const create = () =>
    cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pool)).then(
      () => 'it was stored',
      (error: unknown) => String(error),
    );
  await cluster.kubectl(['create', '-f', '-'], JSON.stringify(copy));
  try {
    await until('a pool is refused', 10, async () => {
      const said = await create();
      if (!said.includes('certificate signed by unknown authority')) throw new Error(said);
      return true;
    });
  } finally {
    await cluster.kubectl(['delete', kind, 'foreign']);
  }
  const patch = JSON.stringify({ webhooks: withBundle(foreign) });
  await cluster.kubectl(['patch', kind, 'orbweaver', '--type=merge', '-p', patch]);
  await until('our configuration has its authority again', 10, async () => {
    const { webhooks } = (await cluster.get(kind, 'orbweaver')) as Configuration;
    return JSON.stringify(webhooks) === JSON.stringify(own.webhooks) && (await create()) === 'it was stored';
  });
}

interface Configuration {
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}
