// The specification's requirements for an answer, as checks. A failed check says what it found.

import type { Execution } from './execution.ts';
import { Failure } from './node.ts';

/** A plugin's answer, shortened to a line. */
export function brief(done: Execution): string {
  const said = `${done.stdout.trim() || done.stderr.trim()}`.replaceAll(/\s+/g, ' ').slice(0, 160);
  return `exit ${done.exit ?? done.signal}${said === '' ? '' : `, ${said}`}`;
}

/** Expects exit code 0. Stdout must be a JSON result, or empty. */
export function expectSuccess(done: Execution, what: string): Readonly<Record<string, unknown>> {
  if (done.exit !== 0) throw new Failure(`${what}: wanted success, got ${brief(done)}`);
  if (done.garbage) throw new Failure(`${what}: stdout is not one JSON object: ${done.stdout.slice(0, 60)}`);
  return done.json ?? {};
}

/**
 * Expects an exit code other than 0, and one error object on stdout.
 * If given, the error must have this code, and its text must contain `naming`.
 */
export function expectError(done: Execution, what: string, code?: number, naming?: string): void {
  const wanted = code === undefined ? 'an error' : `error ${code}`;
  if (done.exit === 0) throw new Failure(`${what}: wanted ${wanted}, got success`);
  const error = done.json;
  if (error === undefined)
    throw new Failure(`${what}: wanted ${wanted} as JSON on stdout, got ${brief(done)}`);
  if (typeof error.code !== 'number' || typeof error.msg !== 'string') {
    throw new Failure(`${what}: an error object has a numeric code and a msg, got ${brief(done)}`);
  }
  if (code !== undefined && error.code !== code) {
    throw new Failure(`${what}: wanted ${wanted}, got ${brief(done)}`);
  }
  const text = `${error.msg} ${typeof error.details === 'string' ? error.details : ''}`;
  if (naming !== undefined && !text.includes(naming))
    throw new Failure(`${what}: the error does not name ${naming}: ${text}`);
}

type Row = Readonly<Record<string, unknown>>;

function list(value: unknown, what: string): Row[] {
  if (!Array.isArray(value)) throw new Failure(`${what} is not a list`);
  return value as Row[];
}

/** The addresses of a result of any version. */
export function addressesOf(result: Row): string[] {
  if (Array.isArray(result.ips)) return (result.ips as Row[]).map((ip) => String(ip.address));
  return [result.ip4, result.ip6].flatMap((ip) => (ip === undefined ? [] : [String((ip as Row).ip)]));
}

/** Expects the format of the result's version. CNI specification, "Section 5: Result Types", and its older editions. */
export function expectShape(
  result: Row,
  version: string,
  kind: 'main' | 'ipam' | 'chained',
  netns: string,
): void {
  const at = `result of version ${version}`;
  // The result of 0.1.0 had no cniVersion, but the Go library writes it.
  if (result.cniVersion !== version && !(version === '0.1.0' && result.cniVersion === undefined)) {
    throw new Failure(`${at}: cniVersion is ${JSON.stringify(result.cniVersion)}`);
  }
  const old = version === '0.1.0' || version === '0.2.0';
  if (addressesOf(result).length === 0) throw new Failure(`${at}: no address`);
  if (old !== (result.ips === undefined)) throw new Failure(`${at}: ${old ? 'has ips' : 'has no ips'}`);
  if (old) return;
  const interfaces = kind === 'ipam' ? [] : list(result.interfaces, `${at}: interfaces`);
  if (kind !== 'ipam' && !interfaces.some((link) => link.sandbox === netns)) {
    throw new Failure(`${at}: no interface with sandbox ${netns}`);
  }
  for (const ip of list(result.ips, `${at}: ips`)) {
    if (!/^[0-9a-f.:]+\/[0-9]+$/i.test(String(ip.address)))
      throw new Failure(`${at}: address ${String(ip.address)}`);
    const family = String(ip.address).includes(':') ? '6' : '4';
    const wanted = version.startsWith('0.') ? family : undefined;
    if (ip.version !== wanted) throw new Failure(`${at}: ips[].version is ${JSON.stringify(ip.version)}`);
    const index = ip.interface;
    if (
      kind === 'ipam' ? index !== undefined : !(typeof index === 'number' && interfaces[index] !== undefined)
    ) {
      throw new Failure(
        `${at}: ips[].interface is ${JSON.stringify(index)} of ${interfaces.length} interfaces`,
      );
    }
  }
}
