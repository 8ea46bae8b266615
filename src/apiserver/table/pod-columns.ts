// The columns of pods. The server computes the text of kubectl's STATUS (kubernetes pkg/printers printPod, by behaviour).

import { type ApiObject, type Json, listAt, numberAt, objectAt, stringAt, valueAt } from '../json.ts';
import { ageColumn, type Column, column, field, nameColumn } from './column.ts';

export const podColumns: readonly Column[] = [
  nameColumn,
  column('Ready', readyContainers),
  column('Status', podStatus),
  column('Restarts', (pod) => {
    return String(
      statuses(pod).reduce<number>((sum, status) => sum + (numberAt(status, 'restartCount') ?? 0), 0),
    );
  }),
  ageColumn,
  column('IP', podIp, { wide: true }),
  column('Node', field('<none>', 'spec', 'nodeName'), { wide: true }),
  column('Nominated Node', field('<none>', 'status', 'nominatedNodeName'), { wide: true }),
  column('Readiness Gates', readinessGates, { wide: true }),
];

function statuses(pod: ApiObject): Json[] {
  return listAt(pod, 'status', 'containerStatuses');
}

function readyContainers(pod: ApiObject): string {
  const ready = statuses(pod).filter((status) => valueAt(status, 'ready') === true).length;
  return `${ready}/${listAt(pod, 'spec', 'containers').length}`;
}

function podIp(pod: ApiObject): string {
  return stringAt(listAt(pod, 'status', 'podIPs')[0], 'ip') || stringAt(pod, 'status', 'podIP') || '<none>';
}

function podStatus(pod: ApiObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const initialising = initReason(pod);
  if (initialising !== undefined) return initialising;
  for (const status of statuses(pod)) {
    const reason = containerReason(status);
    if (reason !== undefined && !(reason === 'Completed' && stringAt(pod, 'status', 'phase') === 'Running'))
      return reason;
  }
  return stringAt(pod, 'status', 'reason') || stringAt(pod, 'status', 'phase') || 'Unknown';
}

function initReason(pod: ApiObject): string | undefined {
  const all = listAt(pod, 'status', 'initContainerStatuses');
  const index = all.findIndex((status) => numberAt(status, 'state', 'terminated', 'exitCode') !== 0);
  const status = all[index];
  if (status === undefined || valueAt(status, 'started') === true) return undefined;
  const reason = containerReason(status);
  const waiting = reason === undefined || reason === 'PodInitializing';
  return `Init:${waiting ? `${index}/${listAt(pod, 'spec', 'initContainers').length}` : reason}`;
}

function containerReason(status: Json): string | undefined {
  const waiting = stringAt(status, 'state', 'waiting', 'reason');
  if (waiting) return waiting;
  const ended = objectAt(status, 'state').terminated;
  if (ended === undefined) return undefined;
  const signal = numberAt(ended, 'signal') ?? 0;
  return (
    stringAt(ended, 'reason') ||
    (signal !== 0 ? `Signal:${signal}` : `ExitCode:${numberAt(ended, 'exitCode') ?? 0}`)
  );
}

function readinessGates(pod: ApiObject): string {
  const gates = listAt(pod, 'spec', 'readinessGates').map((gate) => stringAt(gate, 'conditionType'));
  if (gates.length === 0) return '<none>';
  const conditions = listAt(pod, 'status', 'conditions');
  const isTrue = (type: string | undefined) =>
    conditions.some((it) => stringAt(it, 'type') === type && stringAt(it, 'status') === 'True');
  return `${gates.filter(isTrue).length}/${gates.length}`;
}
