// The content of a network namespace as lines of text for comparison. Each has the command that removes it.

import { spawnSync } from 'node:child_process';

/** One kernel object: its text, and the `ip` arguments that remove it. */
export interface KernelObject {
  readonly text: string;
  readonly remove: readonly string[];
}

/** Runs a program to its end and returns its stdout. An exit code other than 0 is an error with its stderr. */
export function run(
  command: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): string {
  const done = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    ...(env && { env: { ...process.env, ...env } }),
  });
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr.trim()}`);
  return done.stdout;
}

/** The fields of `ip -j` output that this file reads. */
interface Row {
  readonly ifname?: string;
  readonly addr_info?: readonly Row[];
  readonly local?: string;
  readonly prefixlen?: number;
  readonly protocol?: string;
  readonly table?: string | number;
  readonly dst?: string;
  readonly gateway?: string;
  readonly dev?: string;
  readonly priority?: number;
}

function rows(namespace: string | undefined, args: readonly string[]): Row[] {
  const where = namespace === undefined ? [] : ['-n', namespace];
  const text = run('ip', [...where, '-j', '-N', ...args]).trim();
  return text === '' ? [] : (JSON.parse(text) as Row[]);
}

/** ip-route prints these numbers with -N. Routes of protocol kernel (2) appear and disappear with addresses. */
const kernelProtocol = '2';

/** Links, addresses, routes, rules, permanent neighbours and proxies of a namespace, without those that the kernel makes itself. */
export function kernelObjects(namespace?: string): KernelObject[] {
  const objects: KernelObject[] = [];
  for (const link of rows(namespace, ['link', 'show'])) {
    const name = String(link.ifname);
    objects.push({ text: `link ${name}`, remove: ['link', 'delete', name] });
  }
  for (const link of rows(namespace, ['addr', 'show'])) {
    const dev = String(link.ifname);
    for (const address of link.addr_info ?? []) {
      if (address.protocol === 'kernel_ll' || String(address.local).startsWith('fe80:')) continue;
      const cidr = `${address.local}/${address.prefixlen}`;
      objects.push({ text: `address ${cidr} dev ${dev}`, remove: ['addr', 'delete', cidr, 'dev', dev] });
    }
  }
  for (const family of ['-4', '-6']) {
    for (const route of rows(namespace, [family, 'route', 'show', 'table', 'all'])) {
      const table = String(route.table ?? 'main');
      if (String(route.protocol) === kernelProtocol || table === 'local' || table === '255') continue;
      const via = route.gateway === undefined ? '' : ` via ${route.gateway}`;
      const dev = route.dev === undefined ? '' : ` dev ${route.dev}`;
      const text = `${route.dst}${via}${dev} table ${table}`;
      objects.push({
        text: `route ${family} ${text}`,
        remove: [family, 'route', 'delete', ...text.split(' ')],
      });
    }
    for (const rule of rows(namespace, [family, 'rule', 'show'])) {
      const text = JSON.stringify({ ...rule, priority: undefined });
      const remove = [family, 'rule', 'delete', 'priority', String(rule.priority)];
      objects.push({ text: `rule ${family} ${rule.priority} ${text}`, remove });
    }
    for (const neighbour of rows(namespace, [family, 'neigh', 'show', 'nud', 'permanent'])) {
      const text = `${neighbour.dst} dev ${neighbour.dev}`;
      objects.push({ text: `neighbour ${text}`, remove: ['neigh', 'delete', ...text.split(' ')] });
    }
    for (const proxy of rows(namespace, [family, 'neigh', 'show', 'proxy'])) {
      const text = `${proxy.dst} dev ${proxy.dev}`;
      objects.push({ text: `proxy ${text}`, remove: ['neigh', 'delete', 'proxy', ...text.split(' ')] });
    }
  }
  return objects;
}

/** The same objects as lines, and the rules of the packet filter. */
export function kernelLines(namespace?: string): string[] {
  const filter = namespace === undefined ? run('nft', ['list', 'ruleset']).split('\n') : [];
  return [
    ...kernelObjects(namespace).map((object) => object.text),
    ...filter.filter((line) => line.trim() !== ''),
  ].sort();
}
