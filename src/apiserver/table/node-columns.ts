// The columns of nodes.

import { type ApiObject, listAt, objectAt, stringAt } from '../json.ts';
import { ageColumn, type Column, column, field, nameColumn } from './column.ts';

const wide = { wide: true };

export const nodeColumns: readonly Column[] = [
  nameColumn,
  column('Status', nodeStatus),
  column('Roles', nodeRoles),
  ageColumn,
  column('Version', field('', 'status', 'nodeInfo', 'kubeletVersion')),
  column('Internal-IP', nodeAddress('InternalIP'), wide),
  column('External-IP', nodeAddress('ExternalIP'), wide),
  column('OS-Image', field('<unknown>', 'status', 'nodeInfo', 'osImage'), wide),
  column('Kernel-Version', field('<unknown>', 'status', 'nodeInfo', 'kernelVersion'), wide),
  column('Container-Runtime', field('<unknown>', 'status', 'nodeInfo', 'containerRuntimeVersion'), wide),
];

function nodeStatus(node: ApiObject): string {
  const ready = listAt(node, 'status', 'conditions').find((it) => stringAt(it, 'type') === 'Ready');
  const texts = [
    ready === undefined ? 'Unknown' : stringAt(ready, 'status') === 'True' ? 'Ready' : 'NotReady',
  ];
  if (objectAt(node, 'spec').unschedulable === true) texts.push('SchedulingDisabled');
  return texts.join(',');
}

function nodeRoles(node: ApiObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const labels = Object.keys(objectAt(node, 'metadata', 'labels')).filter((label) =>
    label.startsWith(prefix),
  );
  return (
    labels
      .map((label) => label.slice(prefix.length))
      .sort()
      .join(',') || '<none>'
  );
}

function nodeAddress(type: string): Column['cell'] {
  return (node) => {
    const found = listAt(node, 'status', 'addresses').find((it) => stringAt(it, 'type') === type);
    return stringAt(found, 'address') ?? '<none>';
  };
}
