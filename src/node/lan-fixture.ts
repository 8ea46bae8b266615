// For root tests: a LAN bridge, a node and a pod, each in its own network namespace, and programs that run in them.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { ip } from '../../test/fixtures/ip-command.ts';

export { ip };

/** Names contain the process id, so that parallel test runs do not collide. */
export class Lan {
  readonly lan: string;
  readonly node: string;
  readonly pod: string;
  readonly #made: string[] = [];

  constructor(name: string) {
    const prefix = `ow${name}${process.pid}`;
    this.lan = `${prefix}-lan`;
    this.node = `${prefix}-node`;
    this.pod = `${prefix}-pod`;
    for (const namespace of [this.lan, this.node, this.pod]) this.#make(namespace);
    this.#buildLan();
  }

  path(namespace: string): string {
    return `/run/netns/${namespace}`;
  }

  #make(namespace: string): void {
    ip('netns', 'add', namespace);
    this.#made.push(namespace);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
  }

  /** The bridge is also the router, 10.6.0.1. docker0 comes first on the node, as on real nodes. */
  #buildLan(): void {
    const { lan, node } = this;
    ip('-n', lan, 'link', 'add', 'br0', 'up', 'type', 'bridge');
    ip('-n', lan, 'address', 'add', '10.6.0.1/16', 'dev', 'br0');
    ip('-n', lan, 'address', 'add', 'fd00:10:6::1/64', 'dev', 'br0', 'nodad');
    ip('-n', node, 'link', 'add', 'docker0', 'up', 'type', 'bridge');
    ip('-n', node, 'address', 'add', '172.17.0.1/16', 'dev', 'docker0');
    ip(
      '-n',
      lan,
      'link',
      'add',
      'port',
      'master',
      'br0',
      'up',
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      node,
    );
    ip('-n', node, 'address', 'add', '10.6.212.101/16', 'dev', 'eth0');
    ip('-n', node, 'address', 'add', 'fd00:10:6::101/64', 'dev', 'eth0', 'nodad');
    ip('-n', node, 'link', 'set', 'eth0', 'up');
    ip('-n', node, 'route', 'add', 'default', 'via', '10.6.0.1');
    ip('-n', node, 'route', 'add', 'default', 'via', 'fd00:10:6::1');
  }

  /**
   * Makes what the macvlan plugin leaves: eth0 on the node's NIC, with addresses, connected routes and the default
   * route.
   */
  addMacvlan(families: readonly (4 | 6)[]): void {
    const { node, pod } = this;
    ip('-n', node, 'link', 'add', 'mv0', 'link', 'eth0', 'type', 'macvlan', 'mode', 'bridge');
    ip('-n', node, 'link', 'set', 'mv0', 'netns', pod, 'name', 'eth0');
    ip('-n', pod, 'link', 'set', 'eth0', 'up');
    if (families.includes(4)) {
      ip('-n', pod, 'address', 'add', '10.6.212.241/16', 'dev', 'eth0');
      ip('-n', pod, 'route', 'add', 'default', 'via', '10.6.0.1');
    }
    if (families.includes(6)) {
      ip('-n', pod, 'address', 'add', 'fd00:10:6::241/64', 'dev', 'eth0', 'nodad');
      ip('-n', pod, 'route', 'add', 'default', 'via', 'fd00:10:6::1');
    }
  }

  remove(): void {
    for (const namespace of this.#made.toReversed()) ip('netns', 'del', namespace);
  }

  [Symbol.dispose](): void {
    this.remove();
  }
}

const SERVER = `
  const server = require('node:net').createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (part) => { text += part; });
    socket.on('end', () => socket.end(socket.remoteAddress.replace('::ffff:', '') + ' ' + text));
  });
  server.listen(Number(process.argv[1]), '::', () => process.stdout.write('listening'));`;

const CLIENT = `
  const socket = require('node:net').connect({ host: process.argv[1], port: Number(process.argv[2]) }, () => socket.end('hello'));
  socket.setTimeout(3000, () => { process.stderr.write('timeout'); process.exit(1); });
  socket.on('error', (error) => { process.stderr.write(error.message); process.exit(1); });
  socket.pipe(process.stdout);`;

/**
 * Runs `ask` with a TCP server in the namespace. The server answers with the client address and the text that it
 * received.
 */
export async function withServer<T>(namespace: string, port: number, ask: () => T): Promise<T> {
  const server = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', SERVER, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(server.stdout, 'data');
    return ask();
  } finally {
    server.kill();
    await once(server, 'exit');
  }
}

/** Connects over TCP, sends hello, and returns the answer, or `nothing: why` if there is none. */
export function connectFrom(namespace: string, host: string, port: number): string {
  try {
    return execFileSync(
      'ip',
      ['netns', 'exec', namespace, process.execPath, '-e', CLIENT, host, String(port)],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
  } catch (error) {
    return `nothing: ${(error as { stderr?: string }).stderr}`;
  }
}
