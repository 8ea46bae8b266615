// Does operations one after another on a cluster, without waiting for the one before.

import { Random } from '#base';
import { Cluster } from './cluster.ts';
import type { Operation } from './operations.ts';
import { isLauncher, isOrdinal, isWeb } from './pods.ts';
import { isLiving, type Sandbox } from './sandbox.ts';

export interface Run {
  /** What went wrong. Undefined if everything that must be true stayed true. */
  readonly fault: string | undefined;
  /** The operation after which it went wrong. */
  readonly at: number;
  /** How many ADDs have succeeded. */
  readonly answered: number;
}

/** Waits of the product are random too. They follow the seed, so that a run repeats as far as the event loop does. */
export async function run(operations: readonly Operation[], seed: number): Promise<Run> {
  const cluster = new Cluster();
  const { random } = Math;
  const chance = new Random(seed);
  Math.random = () => chance.next();
  let at = 0;
  try {
    await cluster.start();
    for (; at < operations.length; at++) {
      const operation = operations[at];
      if (operation === undefined) break;
      await perform(cluster, operation);
      await cluster.turns(operation.turns);
      await cluster.clock.advance(20);
      await cluster.verify();
    }
    await cluster.settle();
    return { fault: undefined, at, answered: cluster.answered };
  } catch (error) {
    const fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { fault, at, answered: cluster.answered };
  } finally {
    cluster.stop();
    Math.random = random;
  }
}

const MOST_PODS = 18;

async function perform(cluster: Cluster, { verb, which }: Operation): Promise<void> {
  const { faults, clock, kube } = cluster;
  switch (verb) {
    case 'create': {
      if (cluster.sandboxes.length >= MOST_PODS) return;
      const names = Array.from({ length: cluster.replicas }, (_, ordinal) => `db-${ordinal}`);
      const missing = names.find((name) => cluster.sandboxes.every((one) => one.name !== name));
      const webs = cluster.sandboxes.filter(isWeb).length;
      // A pod without a controller gets the name of an earlier one, whose DEL may come late.
      const isWanted = which % 4 === 1 && webs < (cluster.web.replicas ?? 0);
      const another = isWanted ? `web-${clock.now()}` : `app-${which % 5}`;
      const name = missing !== undefined && which % 2 === 0 ? missing : another;
      if (cluster.sandboxes.some((one) => one.isThere && one.name === name)) return;
      const made = await cluster.createPod(name, which);
      return alone(cluster, made, () => cluster.add(made));
    }
    case 'retry':
    case 'impatient': {
      const pod = pick(cluster, which, (one) => one.isThere && !isLiving(one));
      const patience = verb === 'impatient' ? which % 9 : undefined;
      return alone(cluster, pod, async (sandbox) => {
        // A runtime ends the sandbox of a failed ADD before it tries again.
        if (sandbox.owesDelete && which % 4 !== 0) await cluster.del(sandbox);
        await cluster.add(sandbox, patience);
        // It asks again at once, while what it asked before may still be written.
        if (patience !== undefined && which % 2 === 0) await cluster.add(sandbox);
      });
    }
    case 'delete':
      return alone(cluster, pick(cluster, which, isAny), (sandbox) => end(cluster, sandbox));
    case 'force-delete':
      return alone(cluster, pick(cluster, which, isLoose), (sandbox) => cluster.remove(sandbox));
    case 'vanish':
      return alone(cluster, pick(cluster, which, isLoose), async (sandbox) => {
        await cluster.remove(sandbox);
        cluster.forget(sandbox);
      });
    case 'restart':
      return alone(
        cluster,
        // The sandbox of a virtual machine lives once.
        pick(cluster, which, (one) => one.isThere && !isLauncher(one)),
        async (sandbox) => {
          await cluster.del(sandbox);
          if (which % 5 === 0) await cluster.del(sandbox);
          await cluster.add(sandbox);
        },
      );
    case 'recreate':
      return alone(
        cluster,
        pick(cluster, which, (one) => isOrdinal(one) && one.isThere),
        async (sandbox) => {
          if (!(await end(cluster, sandbox))) return;
          const ordinal = Number(sandbox.name.slice('db-'.length));
          if (ordinal >= cluster.replicas || cluster.sandboxes.some(({ name }) => name === sandbox.name))
            return;
          const next = await cluster.createPod(sandbox.name, which);
          alone(cluster, next, () => cluster.add(next));
        },
      );
    case 'late-delete': {
      const old = cluster.ended[which % Math.max(1, cluster.ended.length)];
      return alone(cluster, old, (sandbox) => cluster.del(sandbox));
    }
    case 'scale': {
      await cluster.scale(which % 5);
      for (const sandbox of cluster.sandboxes) {
        if (isOrdinal(sandbox) && Number(sandbox.name.slice('db-'.length)) >= cluster.replicas)
          alone(cluster, sandbox, (one) => end(cluster, one));
      }
      return;
    }
    case 'scale-web':
      await cluster.web.scale(which % 6);
      return endWebs(cluster, which % 6);
    case 'move-web':
      return cluster.web.move();
    case 'delete-web':
      if (which % 3 !== 0) return;
      await cluster.web.delete();
      return endWebs(cluster, 0);
    case 'start-machine':
    case 'stop-machine':
    case 'migrate':
    case 'end-migration':
      return performOnMachine(cluster, verb, which);
    case 'kill-agent':
      return cluster.restartAgent(`node${(which % 3) + 1}`);
    case 'kill-controller':
      return cluster.restartController();
    case 'refuse-writes':
      faults.refused = which % 4;
      return;
    case 'lose-answers':
      faults.lost = which % 4;
      return;
    case 'break-watches':
      if (which % 2 === 0) kube.compact();
      return kube.breakWatches();
    case 'outage':
      faults.awayUntilMs = clock.now() + (which % 50) * 40;
      return kube.breakWatches();
    case 'leave-leader': {
      const node = `node${(which % 3) + 1}`;
      if (!cluster.apart.delete(node)) cluster.apart.add(node);
      return;
    }
    case 'break-links':
      for (const link of faults.linksAtWork) link.abort(new Error('the connection broke'));
      return;
    case 'clock-jump':
      return clock.advance((which % 120) * 1000);
    case 'edit-pool':
      return cluster.editPool(which);
    case 'check':
      // Rare, because it takes as long as a hundred others.
      return which % 20 === 0 ? cluster.settle() : undefined;
  }
}

async function performOnMachine(
  cluster: Cluster,
  verb: 'start-machine' | 'stop-machine' | 'migrate' | 'end-migration',
  which: number,
): Promise<void> {
  const { machine, clock } = cluster;
  const launchers = cluster.sandboxes.filter(isLauncher);
  const [source, target] = launchers;
  const launch = async (migrates: boolean) => {
    const made = await cluster.createPod(`launcher-${clock.now()}`, which, migrates);
    return alone(cluster, made, () => cluster.add(made));
  };
  if (verb === 'start-machine') {
    if (source !== undefined) return;
    await machine.run();
    return await launch(false);
  }
  if (verb === 'migrate') {
    if (!machine.isThere || source === undefined || target !== undefined) return;
    if (!isLiving(source) || source.isBusy) return;
    return await launch(true);
  }
  if (verb === 'end-migration') {
    if (target === undefined) return;
    // A migration succeeds only if the target is ready.
    return alone(cluster, isLiving(target) && which % 2 === 0 ? source : target, (one) => end(cluster, one));
  }
  if (which % 2 === 0) {
    await machine.halt();
    if (which % 4 === 0) await machine.delete();
    cluster.forgetUnclaimed();
    // While it migrates, the node of one pod may be slow: that pod ends later.
    const slow = launchers.length > 1 ? launchers[which % 3] : undefined;
    for (const one of launchers) if (one !== slow) alone(cluster, one, (sandbox) => end(cluster, sandbox));
  }
}

const isAny = () => true;
/** A StatefulSet's pod whose object is removed by force may run twice, which is its administrator's fault. */
const isLoose = ({ fixedTo, isThere }: Sandbox) => fixedTo === undefined && isThere;

function pick(
  { sandboxes }: Cluster,
  which: number,
  fits: (sandbox: Sandbox) => boolean,
): Sandbox | undefined {
  const fitting = sandboxes.filter((one) => !one.isBusy && fits(one));
  return fitting[which % Math.max(1, fitting.length)];
}

function alone(
  cluster: Cluster,
  sandbox: Sandbox | undefined,
  work: (sandbox: Sandbox) => Promise<unknown>,
): void {
  if (sandbox === undefined || sandbox.isBusy) return;
  sandbox.isBusy = true;
  const done = async () => {
    try {
      await work(sandbox);
    } finally {
      sandbox.isBusy = false;
    }
  };
  cluster.begin(done());
}

/** Ends the pods of the Deployment that are too many. */
function endWebs(cluster: Cluster, replicas: number): void {
  const webs = cluster.sandboxes.filter((one) => one.isThere && isWeb(one));
  for (const sandbox of webs.slice(replicas)) alone(cluster, sandbox, (one) => end(cluster, one));
}

/** As the kubelet does: the object goes after the DEL has succeeded. */
async function end(cluster: Cluster, sandbox: Sandbox): Promise<boolean> {
  await cluster.del(sandbox);
  if (sandbox.owesDelete) return false;
  if (sandbox.isThere) await cluster.remove(sandbox);
  cluster.forget(sandbox);
  return true;
}
