// npm run lab -- --openstack [--once]: pods on VMs of the real Neutron and Nova, in a network of namespaces that obeys what
// their API says.

import { OrbError } from '#base';
import { runProgram, TROUBLE, untilSignal } from '#program';
import { coverFolders, insideNamespaces } from '../../e2e/namespaces.ts';
import { runProgram as run } from '../../e2e/program.ts';
import { unpackedServers } from '../servers/installation.ts';
import { OpenStackLab } from './openstack-lab.ts';

const options = {
  openstack: { type: 'boolean', default: true },
  once: { type: 'boolean', default: false },
} as const;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function runLab(once: boolean): Promise<number> {
  const root = await unpackedServers();
  if (root instanceof Error) {
    const message = `the OpenStack servers are Debian 12's, and cannot be had here: ${root.message.split('\n')[0]}`;
    throw new OrbError('LAB_STEP_FAILED', { message, said: '' });
  }
  if (!insideNamespaces(import.meta.filename)) return Number(process.exitCode ?? 1);
  const ended = untilSignal('SIGINT', 'SIGTERM');
  coverFolders();
  // Files of the lab end with its mount namespace. VMs see them, but not each other's /run.
  run('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'lab', '/mnt']);
  process.env.TMPDIR = '/mnt';
  const lab = new OpenStackLab(root, say);
  try {
    const works = await lab.run();
    if (!once) {
      say(`\nto look around: nsenter -t ${process.pid} -n -m; Ctrl-C ends the lab`);
      await ended;
    }
    return works ? 0 : 1;
  } catch (error) {
    say(`the lab failed: ${error instanceof Error ? error.message : String(error)}`);
    return TROUBLE;
  } finally {
    await lab.stop();
  }
}

const USAGE = `usage: npm run lab -- --openstack [--once]
Starts the real Keystone, Placement, Neutron and Nova, three VMs as namespaces on bridges that obey Neutron's ports,
and a router that obeys its routes and floating IPs. Tries every way between pods, nodes and the outside, and prints
the table.
--once  ends after the table: exit code 0 if every way works`;
await runProgram({
  name: 'lab',
  usage: USAGE,
  options,
  run: ({ values }) => runLab(values.once),
});
