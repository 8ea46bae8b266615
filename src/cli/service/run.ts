// The work of `orbctl service`: asks the agent, and says as text or JSON what it knows.

import {
  SERVICE_QUESTION_TYPE,
  type ServicePortReport,
  type ServiceQuestion,
  type ServiceReport,
  serviceReportSchema,
} from '#api';
import { OrbError } from '#base';
import { formatAddress, parseAddress } from '#ip';
import { askAgent } from '../ask-agent.ts';
import { linesText } from '../one-line.ts';
import type { ServiceFlags, ServiceNameFlags } from '../service.ts';
import { tableLines } from '../table.ts';

export interface ServiceRun {
  readonly text: string;
  /** 0 if socket calls serve what was asked for. */
  readonly exitCode: 0 | 1;
}

export async function runServiceList(flags: ServiceNameFlags): Promise<ServiceRun> {
  const whole = await ask(flags, {});
  const inside = ({ service = '' }: ServicePortReport) =>
    flags.namespace === undefined || service.startsWith(`${flags.namespace}/`);
  const report = { ...whole, ports: whole.ports.filter(inside).toSorted(byService) };
  const rows = report.ports.map((port) => [
    ...[nameOf(port), port.protocol, port.place, String(port.ready), String(port.draining)],
    ...[String(port.sockets), String(port.refused)],
    port.affinitySeconds === 0 ? '' : `${port.affinitySeconds} s`,
  ]);
  const head = ['SERVICE', 'PROTOCOL', 'ADDRESS', 'BACKENDS', 'ENDING', 'SOCKETS', 'REFUSED', 'AFFINITY'];
  return answer(flags, report, rows.length === 0 ? ['no Service is served'] : tableLines(head, rows));
}

export async function runServiceBackends(flags: ServiceNameFlags, name: string): Promise<ServiceRun> {
  const service = name.includes('/') ? name : `${flags.namespace ?? 'default'}/${name}`;
  const report = await ask(flags, { service });
  return answer(flags, report, details(report, `Service ${service} has nothing that socket calls serve`));
}

export async function runServiceExplain(flags: ServiceFlags, text: string): Promise<ServiceRun> {
  const place = readPlace(text);
  const report = await ask(flags, { place });
  return answer(flags, report, details(report, `no Service that socket calls serve has ${place}`));
}

async function ask({ socket }: ServiceFlags, question: ServiceQuestion): Promise<ServiceReport> {
  return serviceReportSchema.parse(await askAgent(socket, SERVICE_QUESTION_TYPE, question));
}

/** As the agent writes it. Throws INPUT_INVALID. */
function readPlace(text: string): string {
  const [, six, four, port = ''] = /^(?:\[(.*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = six ?? four;
  if (host === undefined || Number(port) > 65_535) {
    const message = `${JSON.stringify(text)} is no address with a port; allowed: 10.96.0.1:80, [fd00::1]:80`;
    throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
  }
  const address = formatAddress(parseAddress(host));
  return `${six === undefined ? address : `[${address}]`}:${Number(port)}`;
}

function answer({ output }: ServiceFlags, report: ServiceReport, lines: readonly string[]): ServiceRun {
  const exitCode = report.off === undefined && report.ports.length > 0 ? 0 : 1;
  if (output === 'json') return { text: JSON.stringify(report, undefined, 2), exitCode };
  const state =
    report.off === undefined
      ? `Services are served in socket calls of ${report.node}`
      : `Services are not served in socket calls of ${report.node}, and kube-proxy serves: ${report.off}`;
  return { text: linesText([state, '', ...lines]), exitCode };
}

/** Each port with its endpoints. */
function details({ ports }: ServiceReport, nothing: string): string[] {
  if (ports.length === 0) return [`${nothing}: its packets take their usual way`];
  return ports
    .toSorted(byService)
    .flatMap((port, index) => [
      ...(index === 0 ? [] : ['']),
      `${port.protocol} ${port.place} of ${port.service === undefined ? '' : 'Service '}${nameOf(port)}: ${whatHappens(port)}`,
      ...endpointLines(port),
    ]);
}

function whatHappens({ ready, affinitySeconds }: ServicePortReport): string {
  if (ready === 0) return 'connections are refused, because no endpoint is ready';
  const count = ready === 1 ? 'the one backend' : `one of ${ready} backends at random`;
  const again = affinitySeconds === 0 ? '' : `, and a pod gets the same again for ${affinitySeconds} s`;
  return `a new socket gets ${count}${again}`;
}

const uses = { all: 'new and old', old: 'only old', none: 'none' } as const;

function endpointLines({ endpoints = [] }: ServicePortReport): string[] {
  if (endpoints.length === 0) return [];
  const rows = endpoints.map(({ place, node = '', sockets, because = '' }) => [
    ...[`  ${place}`, node, uses[sockets], because],
  ]);
  return tableLines(['  ENDPOINT', 'NODE', 'SOCKETS', 'WHY'], rows);
}

function nameOf({ service = "the agent's own test" }: ServicePortReport): string {
  return service;
}

function byService(a: ServicePortReport, b: ServicePortReport): number {
  const [left, right] = [a, b].map((port) => `${nameOf(port)} ${port.place} ${port.protocol}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}
