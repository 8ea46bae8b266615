// orbctl as a program: arguments, signals, exit codes, and what its commands stand on.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ExitCode, run } from '@stricli/core';
import { pino } from 'pino';
import { OrbError, silentLogger, systemClock } from '#base';
import { type Commands, nodeSite, orbctl, runCheck, runTrace, type Site } from '#cli';
import { openNamespace, primeThreads } from '#kernel';
import { connect, inClusterConfig, kubeconfigFile } from '#kube';
import {
  enterSandbox,
  execCommand,
  type InnerOptions,
  labNamespaces,
  labOverlayTable,
  maximumNodes,
  type RunningLab,
  runControllers,
  runLab,
  runLabKubelet,
  runningLabs,
} from '#lab';

const programs = import.meta.dirname;
const root = join(programs, '..');

/** Aborts at the first of these signals; a second one does not come through, the lab is ending already. */
function stopOn(...signals: NodeJS.Signals[]): AbortController {
  const stop = new AbortController();
  for (const signal of signals) {
    process.on(signal, () => stop.abort(new OrbError('LAB_STEP_FAILED', { message: 'the lab was stopped' })));
  }
  return stop;
}

/** Others cannot see into a lab's mounts, and would be told that none runs. */
function needRoot(done: string): void {
  if (process.getuid?.() === 0) return;
  throw new OrbError('LAB_NOT_ROOT', { message: `the lab must be ${done} as root` });
}

/** The lab that KUBECONFIG names; all of them where it names none: several may run, each with its node1. */
function labsInSight({ KUBECONFIG: path }: NodeJS.ProcessEnv): RunningLab[] {
  const labs = runningLabs();
  const named = labs.filter(({ kubeconfig }) => kubeconfig === path);
  return named.length > 0 ? named : labs;
}

/** A lab, where KUBECONFIG names none or one of them; else the node that this runs on. */
async function siteOf(environment: NodeJS.ProcessEnv): Promise<Site> {
  const { KUBECONFIG: path, NODE_NAME: node } = environment;
  const [lab, ...others] = labsInSight(environment);
  if (path === undefined && others.length > 0) {
    const message = `${others.length + 1} labs run: set KUBECONFIG to that of one, \`orbctl lab ls\` shows them`;
    throw new OrbError('INPUT_INVALID', { message });
  }
  const log = silentLogger;
  if (lab !== undefined && (path === undefined || path === lab.kubeconfig)) {
    const client = connect(kubeconfigFile(lab.kubeconfig), { log });
    return { client, places: labNamespaces(lab), overlayTable: labOverlayTable };
  }
  const client = connect(path === undefined ? inClusterConfig(process.env) : kubeconfigFile(path), { log });
  return nodeSite(client, node ?? hostname());
}

const commands: Commands = {
  maximumNodes,
  async lab(flags) {
    needRoot('run');
    const { signal } = stopOn('SIGINT', 'SIGTERM', 'SIGHUP');
    return enterSandbox([process.execPath, join(programs, 'orbctl.mjs'), 'lab', 'inside'], flags, signal);
  },
  async labInside(options) {
    const stop = stopOn('SIGINT', 'SIGTERM', 'SIGHUP');
    // The process outside holds the other end of our standard input: when it ends, so do we.
    process.stdin.on('end', () =>
      stop.abort(new OrbError('LAB_STEP_FAILED', { message: 'the lab was stopped' })),
    );
    process.stdin.resume();
    try {
      return await runLab(JSON.parse(options) as InnerOptions, {
        clock: systemClock,
        log: silentLogger,
        screen: { write: (text) => process.stdout.write(text), terminal: process.stdout.isTTY },
        environment: process.env,
        node: process.execPath,
        programs,
        manifests: join(root, 'examples'),
        stop: stop.signal,
      });
    } finally {
      process.stdin.destroy();
    }
  },
  async labKubelet(node) {
    const { signal } = stopOn('SIGINT', 'SIGTERM');
    const log = pino({ base: { node }, timestamp: pino.stdTimeFunctions.isoTime });
    const kubeconfig = process.env.KUBECONFIG ?? '';
    const kubelet = await runLabKubelet({
      node,
      kubeconfig,
      clock: systemClock,
      log,
      environment: process.env,
      programs,
    });
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await kubelet.stop();
    return 0;
  },
  async labControllers() {
    const { signal } = stopOn('SIGINT', 'SIGTERM');
    const log = pino({ timestamp: pino.stdTimeFunctions.isoTime });
    const client = connect(kubeconfigFile(process.env.KUBECONFIG ?? ''), { log });
    const controllers = await runControllers({ client, clock: systemClock, log });
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await controllers.stop();
    return 0;
  },
  async trace(flags, from, to) {
    if (process.getuid?.() !== 0)
      throw new OrbError('TRACE_OUT_OF_SIGHT', { message: 'only root can look into the namespaces of pods' });
    await primeThreads();
    const { text, works } = await runTrace(await siteOf(process.env), openNamespace, { from, to, flags });
    console.log(text);
    return works ? 0 : 1;
  },
  async check(flags) {
    const { out, err, exitCode } = await runCheck(flags);
    process.stdout.write(out);
    process.stderr.write(err);
    return exitCode;
  },
  async labExec(target, argv) {
    needRoot('entered');
    const [command = '', ...args] = execCommand(labsInSight(process.env), target, argv);
    const child = spawn(command, args, { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  },
  async labList() {
    needRoot('seen');
    for (const { pid, kubeconfig, nodes, pods } of runningLabs()) {
      console.log(`lab ${pid}  KUBECONFIG=${kubeconfig}  nodes: ${nodes.join(' ')}`);
      for (const { namespace, name, node, netns } of pods)
        console.log(`  ${namespace}/${name}  ${node}  ${netns}`);
    }
    return 0;
  },
};

const { stdout, stderr, env } = process;
const streams = { stdout, stderr, env, exitCode: null as number | string | null };
await run(orbctl('0.1.0'), process.argv.slice(2), { process: streams, commands });
// The lab's watches and pipes would keep an inner process alive; everything of it has been stopped.
// stricli's own codes are negative: to a shell a refused command line is 2, a failure 1.
const code = Number(streams.exitCode ?? 0);
process.exit(code >= 0 ? code : code === ExitCode.CommandRunError ? 1 : 2);
