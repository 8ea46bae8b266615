// orbctl as a program: its commands, and what they depend on.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from '@stricli/core';
import { OrbError, silentLogger, systemClock } from '#base';
import {
  type Commands,
  NodesByLeader,
  netnsCommand,
  orbctl,
  runCheck,
  runGc,
  runImport,
  runMigrate,
  runNetnsList,
  runOpenStackCheck,
  runOpenStackSweep,
  runServiceBackends,
  runServiceExplain,
  runServiceList,
  runTrace,
  runUninstall,
} from '#cli';
import { openNamespace, primeThreads } from '#kernel';
import { cloudClient, cloudOf } from '#openstack';
import { onlyChecked, runToEnd, Screen, TROUBLE } from '#program';
import description from '../../package.json' with { type: 'json' };
import { addressCommands, clientOf, labCommands, runInTerminal, siteOf } from './orbctl/index.ts';

const programs = import.meta.dirname;
const { env } = process;
const stdout = new Screen(process.stdout);
const stderr = new Screen(process.stderr);
const { paint } = stdout;

async function show(run: Promise<{ text: string; exitCode: number }>): Promise<number> {
  const { text, exitCode } = await run;
  stdout.write(`${text}\n`);
  return exitCode;
}

const commands: Commands = {
  ...labCommands(programs, join(programs, '../examples'), stdout),
  async trace(flags, from, to) {
    needRootForPods();
    await primeThreads();
    return show(runTrace(await siteOf(env), openNamespace, { from, to, flags, paint }));
  },
  check: (flags) => show(runCheck(flags, paint)),
  serviceList: (flags) => show(runServiceList(flags)),
  serviceBackends: (flags, service) => show(runServiceBackends(flags, service)),
  serviceExplain: (flags, place) => show(runServiceExplain(flags, place)),
  async gc(flags) {
    const client = clientOf(env);
    const nodes = new NodesByLeader(client, systemClock, flags.namespace);
    stdout.write(`${await runGc(client, systemClock, nodes, flags, paint)}\n`);
    nodes.close();
    return 0;
  },
  async uninstall(flags) {
    const say = (line: string) => stdout.write(`${line}\n`);
    return runUninstall({ client: clientOf(env), clock: systemClock, say }, flags);
  },
  migrate(flags) {
    const say = (text: string) => stdout.write(`${text}\n`);
    const parts = { client: clientOf(env), clock: systemClock, paint, say };
    return flags.from === 'spiderpool' ? runMigrate(parts, flags) : runImport(parts, flags.from, flags);
  },
  async openstackCheck(flags) {
    const config = cloudOf(env, { cloud: flags.cloud, home: homedir(), folder: process.cwd() });
    const client = cloudClient(config, { log: silentLogger });
    await primeThreads();
    const namespace = openNamespace('current');
    try {
      const { text, exitCode } = await runOpenStackCheck(client, namespace, flags, paint, () =>
        clientOf(env),
      );
      stdout.write(`${text}\n`);
      return exitCode;
    } finally {
      namespace.close();
      client.close();
    }
  },
  async netnsList(flags) {
    needRootForPods();
    return show(runNetnsList(flags));
  },
  async netnsExec(flags, place, argv) {
    needRootForPods();
    return runInTerminal(await netnsCommand(flags, place, argv));
  },
  async openstackSweep(flags) {
    const config = cloudOf(env, { cloud: flags.cloud, home: homedir(), folder: process.cwd() });
    const cloud = cloudClient(config, { log: silentLogger });
    const say = (line: string) => stdout.write(`${line}\n`);
    try {
      return await runOpenStackSweep({ client: clientOf(env), cloud, clock: systemClock, say }, flags);
    } finally {
      cloud.close();
    }
  },
  ...addressCommands(env, stdout),
};

function needRootForPods(): void {
  if (process.getuid?.() === 0) return;
  throw new OrbError('TRACE_OUT_OF_SIGHT', { message: 'only root can enter the namespaces of pods' });
}

/** Does nothing for any command: this only checks that the command line is valid. */
const understood = new Proxy(commands, {
  get: (target, name) => (name === 'maximumNodes' ? target.maximumNodes : async () => 0),
});

await runToEnd('orbctl', async () => {
  const streams = { stdout, stderr, env, exitCode: null as number | string | null };
  const context = { process: streams, commands: onlyChecked ? understood : commands };
  await run(orbctl(description.version), process.argv.slice(2), context);
  // stricli's own codes are negative: one for a refused command line, one for a failure.
  const code = Number(streams.exitCode ?? 0);
  return code >= 0 ? code : TROUBLE;
});
