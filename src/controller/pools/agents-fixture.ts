// For tests: a fake API server, leaders that listen on loopback, and agents that write pools through them.

import { type KubeObject, type ResourceType, resources, type SpiderIPPool, type TokenReview } from '#api';
import { type Logger, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { formatAddress } from '#ip';
import { FakeKube } from '#kube/testing';
import { CONTROLLER_LEASE } from '#plan/installation';
import { type PoolOperation, type PoolOutcome, reservedAddresses } from '#plan/ipam';
import {
  COMMIT_AUDIENCE,
  LEADER_SERVER_NAME,
  LeaderLink,
  PoolClient,
  PoolCopy,
  silentPoolMetrics,
} from '#pools';
import { newKey, selfSigned } from '#program';
import { Informers } from '#reconcile';
import { addressKinds } from '../kinds.ts';
import { CommitListener } from './commit-listener.ts';
import { NodeQuestions } from './node-questions.ts';

/** A clock that runs, twice as fast as real time, and that a test can put forward. */
function runningClock(): FakeClock {
  const clock = new FakeClock();
  setInterval(() => void clock.advance(10), 5).unref();
  return clock;
}

export const lives = new AbortController().signal;
const namespace = 'kube-system';
const lease = { namespace, name: CONTROLLER_LEASE };
export const agentToken = 'kube-system/orbweaver-agent@orbweaver-controller';

/** An API server that knows tokens in the form of {@link FakeKube.requestToken}. */
export class TokenKube extends FakeKube {
  override async create<T extends KubeObject>(type: ResourceType<T>, object: T): Promise<T> {
    if (type.kind !== 'TokenReview') return super.create(type, object);
    const { token = '' } = (object as unknown as TokenReview).spec;
    const [, user, audience, node] = /^([^@]+)@([^#\s]+)(?:#(\S+))?$/.exec(token) ?? [];
    const known = {
      username: `system:serviceaccount:${user?.replace('/', ':')}`,
      ...(node !== undefined && { extra: { 'authentication.kubernetes.io/node-name': [node] } }),
    };
    const status =
      audience === COMMIT_AUDIENCE ? { authenticated: true, user: known, audiences: [audience] } : {};
    return { ...object, status } as T;
  }

  /** The pod of each address of the pool. */
  async holders(pool = 'p'): Promise<Record<string, string>> {
    const { status } = await this.get(resources.spiderIPPools, { name: pool });
    const records = JSON.parse(status?.allocatedIPs ?? '{}') as Record<string, { podUid: string }>;
    return Object.fromEntries(Object.entries(records).map(([address, { podUid }]) => [address, podUid]));
  }
}

/** A fake API server with the pool `p`, which has `size` addresses from 10.6.1.1. */
export async function serverWithPool(size: number): Promise<TokenKube> {
  const kube = new TokenKube();
  const spec = { subnet: '10.6.0.0/16', ips: [`10.6.1.1-10.6.1.${size}`], default: false, disable: false };
  await kube.create<SpiderIPPool>(resources.spiderIPPools, { metadata: { name: 'p' }, spec });
  return kube;
}

/** A controller that leads, or believes so. */
export interface Leader extends AsyncDisposable {
  readonly annotations: Readonly<Record<string, string>>;
  readonly questions: NodeQuestions;
  /** Ends as a process does that dies. */
  die(): void;
  /** Loses the lease, which closes all connections, and gets it again. */
  stumble(): Promise<void>;
}

/** Starts a controller that leads, and writes into the Lease where it is. */
export async function startLeader(kube: FakeKube, clock = runningClock()): Promise<Leader> {
  const informers = new Informers({ client: kube, clock, log: silentLogger }, addressKinds);
  const questions = new NodeQuestions(clock);
  const options = {
    client: kube,
    clock,
    log: silentLogger,
    metrics: silentPoolMetrics,
    informers,
    questions,
    namespace,
  };
  const certificate = selfSigned(newKey(), [LEADER_SERVER_NAME], Date.now());
  const commits = await CommitListener.open(options, {
    ...{ host: '127.0.0.1', port: 0, fds: [], certificate },
    agentAccount: 'orbweaver-agent',
  });
  await informers.start();
  let term = new AbortController();
  await commits.lead(term.signal);
  await tellLeader(kube, commits.annotations);
  return {
    annotations: commits.annotations,
    questions,
    die: () => commits.stop(),
    async stumble() {
      term.abort();
      term = new AbortController();
      await commits.lead(term.signal);
    },
    async [Symbol.asyncDispose]() {
      term.abort();
      commits.stop();
      await informers.stop();
    },
  };
}

/** Writes the leader's annotations into the Lease. */
export async function tellLeader(
  kube: FakeKube,
  annotations: Readonly<Record<string, string>>,
): Promise<void> {
  const spec = { holderIdentity: 'leader' };
  const object = { metadata: { ...lease, annotations }, spec };
  await kube.delete(resources.leases, lease).catch(() => {});
  await kube.create(resources.leases, object);
}

/** An agent: its view of the pool is old until it reads the pool. */
export function startAgent(kube: FakeKube, { token = agentToken, log = silentLogger as Logger } = {}) {
  const clock = runningClock();
  const led: true[] = [];
  const metrics = { ...silentPoolMetrics, led: () => void led.push(true) };
  const leader = new LeaderLink({ client: kube, clock, log, lease, token: async () => token });
  const copy = new PoolCopy(
    'p',
    kube,
    () => undefined,
    () => {},
    clock,
  );
  const context = () => ({ reserved: reservedAddresses([]), resting: new Map(), nowMs: clock.monotonic() });
  const writer = new PoolClient({ copy, clock, log, metrics, context, leader });
  const submit = async (operation: PoolOperation, signal = lives) =>
    textOf(await writer.submit(operation, signal));
  return { submit, writer, copy, clock, led, stop: () => leader.close() };
}

export const allocate = (podUid: string): PoolOperation => ({
  verb: 'allocate',
  owner: { pod: `default/${podUid}`, podUid, nic: 'eth0' },
});

export const release = (podUid: string): PoolOperation => ({
  verb: 'release',
  release: { scope: 'pod', podUid },
});

function textOf(outcome: PoolOutcome): string {
  if (outcome.verb === 'allocated') return formatAddress(outcome.address);
  return outcome.verb === 'refused' ? outcome.reason : outcome.addresses.map(formatAddress).join(' ');
}
