// NetworkAttachmentDefinitions that the controller makes of SpiderMultusConfigs, and keeps.

import type { Cluster } from './cluster.ts';
import { until } from './command.ts';

const [kind, name] = ['net-attach-def', 'macvlan-underlay'];
const inSystem = ['-n', 'kube-system'];

/** The configuration of the definition that the underlay's pods name. Undefined if there is none. */
async function configuration(cluster: Cluster, of = name): Promise<string> {
  return cluster.kubectl([
    'get',
    kind,
    of,
    ...inSystem,
    '--ignore-not-found',
    '-o',
    'jsonpath={.spec.config}',
  ]);
}

/** Waits until a definition of the underlay is there. */
export async function untilDefined(cluster: Cluster, of = name): Promise<void> {
  await until(`${kind} ${of} is made`, 20, async () => {
    return (await configuration(cluster, of)).includes('"type":"coordinator"');
  });
}

/** A definition that somebody edits or deletes is as before. */
export async function expectDefinitionsKept(cluster: Cluster): Promise<void> {
  const before = await configuration(cluster);
  const asBefore = (deed: string) =>
    until(`the definition is as before after ${deed}`, 10, async () => {
      const found = await configuration(cluster);
      if (found !== before) throw new Error(`it is ${found}, not ${before}`);
      return true;
    });
  const edited = JSON.stringify({ spec: { config: '{"cniVersion":"1.0.0","name":"x","type":"bridge"}' } });
  await cluster.kubectl(['patch', kind, name, ...inSystem, '--type=merge', '-p', edited]);
  await asBefore('an edit');
  await cluster.kubectl(['delete', kind, name, ...inSystem, '--timeout=20s']);
  await asBefore('its deletion');
}

/** The API server asks the controller by HTTPS before it stores an object of ours. */
export async function expectAdmission(cluster: Cluster): Promise<void> {
  const pool = (spec: object) => ({
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { name: 'tried' },
    spec: { subnet: '192.168.70.0/24', ...spec },
  });
  const applied = (object: object) =>
    cluster.kubectl(['apply', '-o', 'json', '-f', '-'], JSON.stringify(object));
  const made = JSON.parse(await applied(pool({ ips: ['192.168.70.3', '192.168.70.2'] }))) as {
    spec: { ips: readonly string[]; ipVersion?: number };
  };
  if (made.spec.ipVersion !== 4 || made.spec.ips.join() !== '192.168.70.2-192.168.70.3')
    throw new Error(`the webhook did not complete the pool: ${JSON.stringify(made.spec)}`);
  const answer = await applied(pool({ ips: ['192.168.71.2'] })).then(
    () => 'it was stored',
    (error: unknown) => String(error),
  );
  if (!/spec\.ips\[0\]: .* not match base subnet: 192\.168\.70\.0\/24/.test(answer))
    throw new Error(`the webhook did not refuse an address outside of the subnet: ${answer}`);
  await cluster.kubectl(['delete', 'spiderippool', 'tried', '--timeout=20s']);
}
