// The kernel is the judge: random rules and routes in a real namespace, and for random packets the same choice as `ip route get`.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { type Address, type Family, formatAddress, formatCidr, parseAddress, sameAddress } from '#ip';
import { createNetns, openNamespace, primeThreads, removeNetns } from '#kernel';
import type { NetworkNamespace } from '#net';
import { type Flow, lookUp, type NamespaceView, sourceFor, sourceRefusal } from '#plan/trace';

const name = `ow-trace-${process.pid}`;
const path = `/run/netns/${name}`;
const seed = Number(process.env.TRACE_SEED ?? 20_261_121);
const links = ['ow0', 'ow1', 'ow2'];
const tables = [254, 100, 101, 102, 500];

/** mulberry32: the same numbers for the same seed. */
function randomOf(start: number) {
  let state = start;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    chance: (share: number) => next() < share,
    pick: <T>(of: readonly T[]) => of[below(of.length)] as T,
  };
}
type Random = ReturnType<typeof randomOf>;

/** Runs `ip` commands, those that the kernel refuses included; says of each whether it went well. */
function ipBatch(args: readonly string[], commands: readonly string[]) {
  const run = spawnSync('ip', ['-n', name, '-force', ...args, '-batch', '-'], {
    encoding: 'utf8',
    input: `${commands.join('\n')}\n`,
    maxBuffer: 1 << 26,
  });
  const failed = new Set(
    [...run.stderr.matchAll(/Command failed -:(\d+)/g)].map(([, line]) => Number(line) - 1),
  );
  return { stdout: run.stdout, failed };
}

/** An address of a small world, so that prefixes of all lengths meet. */
function someAddress({ below, pick }: Random, family: Family): string {
  if (family === 4) return `10.${below(3)}.${pick([0, 1, 128])}.${1 + below(30)}`;
  return `fd00:${below(3)}::${pick(['', '1:', '8000:'])}${(1 + below(30)).toString(16)}`;
}

function somePrefix(random: Random, family: Family): string {
  const length =
    family === 4
      ? random.pick([0, 7, 8, 15, 16, 17, 24, 28, 32])
      : random.pick([0, 16, 31, 32, 48, 64, 112, 124, 128]);
  const { value } = parseAddress(someAddress(random, family));
  const shift = BigInt((family === 4 ? 32 : 128) - length);
  return formatCidr({ address: { family, value: (value >> shift) << shift }, prefixLength: length });
}

function someRoute(random: Random, family: Family): string {
  const { below, chance, pick } = random;
  const where = `table ${pick(tables)}${chance(0.5) ? ` metric ${1 + below(4)}` : ''}`;
  const to = somePrefix(random, family);
  if (chance(0.15))
    return `route add ${pick(['unreachable', 'blackhole', 'prohibit', 'throw'])} ${to} ${where}`;
  const via = () => `via ${someAddress(random, family)} dev ${pick(links)} onlink`;
  if (chance(0.15)) return `route add ${to} ${where} nexthop ${via()} nexthop ${via()} weight 2`;
  return `route add ${to} ${chance(0.5) ? via() : `dev ${pick(links)}`} ${where}`;
}

const icmpOf = (family: Family) => (family === 4 ? 'icmp' : 'ipv6-icmp');
const protocolNumbers = { tcp: 6, udp: 17, icmp: 1, 'ipv6-icmp': 58 } as const;

/** What a packet is of: ICMP has no ports. */
function someTransport({ pick }: Random, family: Family): { ipProtocol: number; sourcePort?: number } {
  const name = pick(['tcp', 'udp', icmpOf(family)] as const);
  const ipProtocol = protocolNumbers[name];
  return name === 'tcp' || name === 'udp'
    ? { ipProtocol, sourcePort: pick([53, 8080, 40_000]) }
    : { ipProtocol };
}

function someRule(random: Random, family: Family): string {
  const { below, chance, pick } = random;
  const words = [`pref ${1 + below(40_000)}`];
  if (chance(0.5)) words.push(`from ${somePrefix(random, family)}`);
  if (chance(0.3)) words.push(`to ${somePrefix(random, family)}`);
  if (chance(0.3)) words.push(`fwmark ${below(4)}${chance(0.5) ? `/${1 + below(3)}` : ''}`);
  if (chance(0.3)) words.push(`iif ${pick([...links, 'lo'])}`);
  if (chance(0.3)) words.push(`ipproto ${pick(['tcp', 'udp', icmpOf(family)])}`);
  if (chance(0.3)) words.push(`sport ${pick(['1-32767', '53', '1-65534'])}`);
  const not = chance(0.15) ? 'not ' : '';
  const suppress = chance(0.15) ? ` suppress_prefixlength ${pick([0, 16, 31])}` : '';
  return `rule add ${not}${words.join(' ')} lookup ${pick(tables)}${suppress}`;
}

function world(random: Random): void {
  const commands = [...links, 'lo'].map((dev) => `link set ${dev} up`);
  for (const family of [4, 6] as const) {
    for (const dev of links) {
      for (let i = 0; i < 2; i++) {
        const length = family === 4 ? random.pick([16, 24]) : random.pick([64, 112]);
        const scope = family === 4 && random.chance(0.2) ? ' scope link' : '';
        commands.push(
          `addr add ${someAddress(random, family)}/${length} dev ${dev}${scope}${family === 6 ? ' nodad' : ''}`,
        );
      }
    }
  }
  ipBatch([], commands);
  for (const family of [4, 6] as const) {
    ipBatch(
      [`-${family}`],
      Array.from({ length: 12 }, () => someRule(random, family)),
    );
    ipBatch(
      [`-${family}`],
      Array.from({ length: 60 }, () => someRoute(random, family)),
    );
  }
}

function viewOf(namespace: NetworkNamespace, rpFilter: number): NamespaceView {
  return {
    links: namespace.links(),
    addresses: namespace.addresses(),
    routes: namespace.routes(),
    rules: namespace.rules(),
    neighbours: [],
    sysctls: new Map([['ipv4/conf/all/rp_filter', String(rpFilter)]]),
  };
}

/** A packet of this namespace's own, perhaps with a bound source, or one that comes in by a link. */
function someFlow(random: Random, view: NamespaceView, family: Family): Flow {
  const { below, chance, pick } = random;
  const destination = parseAddress(someAddress(random, family));
  const mark = chance(0.5) ? below(4) : 0;
  const own = view.addresses.map(({ address }) => address.address).filter((one) => one.family === family);
  const bound = own.filter((one) => formatAddress(one).startsWith(family === 4 ? '10.' : 'fd'));
  const what = { destination, mark, ...someTransport(random, family) };
  if (chance(0.5)) {
    return { ...what, inputDev: pick(links), source: parseAddress(someAddress(random, family)) };
  }
  return chance(0.5) || bound.length === 0 ? what : { ...what, source: pick(bound) };
}

function question({ destination, source, mark, inputDev, ipProtocol, sourcePort }: Flow): string {
  const words = [formatAddress(destination)];
  if (source !== undefined) words.push(`from ${formatAddress(source)}`);
  if (inputDev !== undefined) words.push(`iif ${inputDev}`);
  if (mark !== 0) words.push(`mark ${mark}`);
  words.push(`ipproto ${ipProtocol}`);
  if (sourcePort !== undefined) words.push(`sport ${sourcePort}`);
  return words.join(' ');
}

interface Answer {
  readonly type?: string;
  readonly dst?: string;
  readonly table?: string;
  readonly metric?: number;
  readonly dev?: string;
  readonly gateway?: string;
  readonly prefsrc?: string;
}

function ask(family: Family, questions: readonly string[], kind: string): (Answer | undefined)[] {
  const { stdout, failed } = ipBatch(
    [`-${family}`, '-d', '-j'],
    questions.map((one) => `route get ${kind}${one}`),
  );
  const answers = stdout
    .split('\n')
    .filter((line) => line.startsWith('['))
    .flatMap((line) => JSON.parse(line) as Answer[]);
  assert.equal(
    answers.length,
    questions.length - failed.size,
    `every question is answered or refused: ${stdout.slice(0, 300)}`,
  );
  return questions.map((_, i) => (failed.has(i) ? undefined : answers.shift()));
}

/** What we say; of several hops the kernel's choice decides what the way back is looked up by. */
function verdict(view: NamespaceView, flow: Flow, chosenDev: string | undefined) {
  const decision = lookUp(view, flow);
  if (decision.outcome !== 'found') return undefined;
  const { route, hops } = decision;
  if (flow.inputDev !== undefined && flow.destination.family === 4) {
    const { source = flow.destination, destination, mark, inputDev: dev, ipProtocol } = flow;
    const isRefused = (outputDev: string | undefined) =>
      sourceRefusal(view, {
        ...{ source, destination, mark, dev },
        ...(ipProtocol !== undefined && { ipProtocol }),
        ...(route.type === 'unicast' && outputDev !== undefined && { outputDev }),
      }) !== undefined;
    const devs = chosenDev === undefined ? hops.map((hop) => hop.dev) : [chosenDev];
    if (devs.some(isRefused)) return undefined;
  }
  return {
    route,
    hops,
    source:
      flow.source === undefined
        ? sourceFor(view, flow.destination, route, hops[0] ?? { weight: 1 })
        : undefined,
  };
}

const tableNames: Readonly<Record<string, number>> = { main: 254, local: 255, default: 253 };
const text = (address: Address | undefined) => (address === undefined ? undefined : formatAddress(address));
const same = (a: string | undefined, b: Address | undefined) =>
  a === undefined ? b === undefined : b !== undefined && sameAddress(parseAddress(a), b);

/** Throws where the kernel chose otherwise. */
function compare(
  view: NamespaceView,
  flow: Flow,
  matched: Answer | undefined,
  chosen: Answer | undefined,
): void {
  const ours = verdict(view, flow, chosen?.dev);
  const context = `seed ${seed}: ${question(flow)}: the kernel says ${JSON.stringify({ matched, chosen })}, we say ${JSON.stringify(
    ours && {
      ...ours.route,
      destination: formatCidr(ours.route.destination),
      gateway: text(ours.route.gateway),
      source: text(ours.source),
      nextHops: ours.hops.length,
    },
  )}`;
  if (ours === undefined || matched === undefined || chosen === undefined) {
    assert.equal(ours === undefined, chosen === undefined, context);
    return;
  }
  const { route, hops } = ours;
  assert.equal(matched.type ?? 'unicast', route.type, context);
  assert.equal(tableNames[matched.table ?? 'main'] ?? Number(matched.table), route.table, context);
  const length = route.destination.prefixLength;
  const full = length === (flow.destination.family === 4 ? 32 : 128);
  const destination =
    length === 0
      ? 'default'
      : full
        ? formatAddress(route.destination.address)
        : formatCidr(route.destination);
  assert.equal(matched.dst, destination, context);
  assert.equal(matched.metric ?? 0, route.metric ?? 0, context);
  if (route.type !== 'unicast') return;
  assert.ok(
    hops.some((hop) => hop.dev === chosen.dev && same(chosen.gateway, hop.gateway)),
    context,
  );
  // Of several hops the kernel takes the source by the hop that its hash chose.
  if (flow.source === undefined && hops.length === 1) assert.ok(same(chosen.prefsrc, ours.source), context);
}

describe('the choice of a route', () => {
  before(primeThreads);

  for (const [round, rpFilter] of [0, 1, 2, 0, 1, 2].entries()) {
    test(`equals the kernel's for 600 packets among random rules and routes, rp_filter ${rpFilter} (round ${round + 1})`, () => {
      createNetns(path).close();
      const namespace = openNamespace(path);
      try {
        const random = randomOf(seed * 8 + round);
        ipBatch(
          [],
          links
            .map((dev, i) => `link add ${dev} type veth peer name peer${i}`)
            .concat(links.map((_, i) => `link set peer${i} up`)),
        );
        for (const key of ['all', 'default', ...links])
          namespace.setSysctl(`ipv4/conf/${key}/rp_filter`, String(rpFilter));
        namespace.setSysctl('ipv4/conf/all/forwarding', '1');
        namespace.setSysctl('ipv6/conf/all/forwarding', '1');
        world(random);
        const view = viewOf(namespace, rpFilter);
        for (const family of [4, 6] as const) {
          assert.ok(view.rules.filter((rule) => rule.family === family).length > 8, 'most rules were taken');
          const flows = Array.from({ length: 300 }, () => someFlow(random, view, family));
          const questions = flows.map(question);
          const matched = ask(family, questions, 'fibmatch ');
          const chosen = ask(family, questions, '');
          assert.ok(chosen.filter((answer) => answer !== undefined).length > 10, 'some packets have a way');
          for (const [i, flow] of flows.entries()) compare(view, flow, matched[i], chosen[i]);
        }
      } finally {
        namespace.close();
        removeNetns(path);
      }
    });
  }

  after(() => spawnSync('ip', ['netns', 'del', name]));
});
