// What `orbctl lab` and the programs inside a lab depend on: processes, signals, streams.

import { join } from 'node:path';
import { pino } from 'pino';
import { OrbError, silentLogger, systemClock } from '#base';
import { type Commands, lookAround } from '#cli';
import { openNamespace } from '#kernel';
import { connect, kubeconfigFile } from '#kube';
import {
  enterSandbox,
  execCommand,
  type InnerOptions,
  type LabParts,
  labListing,
  labTables,
  MAXIMUM_NODES,
  placeNames,
  runControllers,
  runLab,
  runLabKubelet,
  runningLabs,
} from '#lab';
import { outputClosed, paintFor, type Screen, untilSignal } from '#program';
import { labsInSight, needRoot } from './site.ts';
import { runInTerminal } from './terminal.ts';

/** Aborts at the first of these signals. A second one is ignored, because the lab is ending already. */
function stopOn(...signals: NodeJS.Signals[]): AbortController {
  const stop = new AbortController();
  void untilSignal(...signals).then(() => stop.abort(stopped()));
  return stop;
}

function stopped(): OrbError {
  return new OrbError('LAB_STEP_FAILED', { message: 'the lab was stopped' });
}

type LabCommands = Pick<
  Commands,
  | 'lab'
  | 'labInside'
  | 'labExec'
  | 'labList'
  | 'labKubelet'
  | 'labControllers'
  | 'placeNames'
  | 'maximumNodes'
>;

/**
 * `programs` is the folder of the built programs, `manifests` is the folder of the examples. The lab itself writes to standard
 * output, because it moves the cursor; it shows nothing of others.
 */
export function labCommands(programs: string, manifests: string, answers: Screen): LabCommands {
  const { env } = process;
  return {
    maximumNodes: MAXIMUM_NODES,
    placeNames: () => (process.getuid?.() === 0 ? placeNames(runningLabs()) : []),
    async lab(flags) {
      needRoot('run');
      const { signal } = stopOn('SIGINT', 'SIGTERM', 'SIGHUP');
      return enterSandbox([process.execPath, join(programs, 'orbctl.mjs'), 'lab', 'inside'], flags, signal);
    },
    async labInside(options) {
      const stop = stopOn('SIGINT', 'SIGTERM', 'SIGHUP');
      // The process outside holds the other end of our standard input. When it ends, we end too.
      process.stdin.on('end', () => stop.abort(stopped()));
      process.stdin.resume();
      const { stdout } = process;
      const screen = {
        write: (text: string) => stdout.write(text),
        terminal: stdout.isTTY,
        paint: paintFor(stdout),
        closed: outputClosed,
      };
      const parts = { clock: systemClock, log: silentLogger, screen, environment: env };
      const places = { node: process.execPath, programs, manifests };
      const see: LabParts['see'] = (client, namespaces) =>
        lookAround({ client, places: namespaces, ...labTables }, openNamespace);
      return await runLab(JSON.parse(options) as InnerOptions, {
        ...parts,
        ...places,
        see,
        stop: stop.signal,
      });
    },
    async labKubelet(node) {
      const log = pino({ base: { node }, timestamp: pino.stdTimeFunctions.isoTime });
      const kubeconfig = env.KUBECONFIG ?? '';
      const parts = { node, kubeconfig, clock: systemClock, log, environment: env, programs };
      const kubelet = await runLabKubelet(parts);
      await untilSignal('SIGINT', 'SIGTERM');
      await kubelet.stop();
      return 0;
    },
    async labControllers() {
      const log = pino({ timestamp: pino.stdTimeFunctions.isoTime });
      const client = connect(kubeconfigFile(env.KUBECONFIG ?? ''), { log });
      const controllers = await runControllers({ client, clock: systemClock, log });
      await untilSignal('SIGINT', 'SIGTERM');
      await controllers.stop();
      return 0;
    },
    async labExec({ namespace }, target, argv) {
      needRoot('entered');
      const place = { target, ...(namespace !== undefined && { namespace }) };
      const { argv: whole, environment } = execCommand(labsInSight(env), place, argv, env.PATH);
      return runInTerminal(whole, { ...env, ...environment });
    },
    async labList({ namespace, json }) {
      needRoot('seen');
      const listing = labListing(runningLabs(), namespace);
      answers.write(json ? `${JSON.stringify(listing.labs, undefined, 2)}\n` : listing.text);
      return 0;
    },
  };
}
