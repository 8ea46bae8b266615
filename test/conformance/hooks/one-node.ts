// The commands in the profiles of our own plugins: one-node.ts up|ready|agent-stop|agent-start|down FOLDER.

import { OneNode } from '../../e2e/one-node.ts';
import { until } from '../../e2e/program.ts';

/** The number of pods, which is more than the number of containers in the cases. Container N belongs to pod pN. */
const podCount = 500;

async function up(folder: string): Promise<void> {
  const node = await OneNode.start({ folder });
  await Promise.all([
    node.createPool('v4', 4, { ips: ['10.6.1.1-10.6.4.250'] }),
    node.createPool('v6', 6, { ips: ['fd00:10:6::1:0-fd00:10:6::2:0'] }),
    node.createPool('one-address', 4, { ips: ['10.6.9.9'] }),
    node.createProvidedPool('provided', { subnet: '10.8.0.0/16', gateway: '10.8.0.1' }, providedLinks()),
  ]);
  for (let first = 1; first <= podCount; first += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => node.createPod(`p${first + index}`)));
  }
}

/** An address for each pod, and a VLAN and a MAC address for each address. */
function providedLinks(): Record<string, { readonly vlan: number; readonly mac: string }> {
  const hex = (byte: number) => byte.toString(16).padStart(2, '0');
  return Object.fromEntries(
    Array.from({ length: podCount }, (_, i) => {
      const [high, low] = [i >> 8, i & 0xff];
      return [`10.8.${high + 1}.${low}`, { vlan: i + 2, mac: `fa:16:3e:00:${hex(high)}:${hex(low)}` }];
    }),
  );
}

/** Whether the agent has read the cluster. */
async function isReady(): Promise<boolean> {
  return (await fetch('http://127.0.0.1:5710/readyz').catch(() => undefined))?.ok === true;
}

const [verb = '', folder = ''] = process.argv.slice(2);
const node = new OneNode(folder);
if (verb === 'up') await up(folder);
else if (verb === 'agent-stop') await node.agent.stop();
else if (verb === 'agent-start') await node.startAgent();
else if (verb === 'down') await node.stop();
else throw new Error(`one-node.ts: ${verb} is not one of up, agent-stop, agent-start, down`);
if (verb === 'up' || verb === 'agent-start') await until('the agent is ready', isReady);
node.close();
