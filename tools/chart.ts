// The parts of deploy/chart and deploy/chart-crds that are made from other files of deploy/. A user without Helm applies those files as they are.

import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { platforms } from '#plan/installation';

const deploy = join(import.meta.dirname, '../deploy');
const CHART = 'deploy/chart';
const KINDS_CHART = 'deploy/chart-crds';

/** The right of the controller to bring our kinds. */
const KINDS_RULE = / {2}# With --install-kinds [\s\S]*?\n {4}verbs: .*\n/;

/** Manifests of kube-system that become templates for any namespace. */
const templates = [
  { name: 'agent-rbac', settings: 'agent' },
  {
    name: 'agent-admission',
    settings: 'agent',
    condition: 'include "orbweaver.hasAdmissionPolicies" (list . "agent")',
  },
  {
    name: 'agent-resources-rbac',
    settings: 'agent',
    condition:
      'and .Values.openstack.countAddresses (include "orbweaver.hasAdmissionPolicies" (list . "agent"))',
  },
  { name: 'controller-rbac', settings: 'controller' },
  {
    name: 'controller-admission',
    settings: 'controller',
    condition: 'include "orbweaver.hasAdmissionPolicies" (list . "controller")',
  },
  { name: 'webhooks', settings: 'controller' },
] as const;

/** Files that templates read. Helm reads no file outside the chart. */
const copies = [
  ['alerts/orbweaver.yaml', 'alerts.yaml'],
  ['dashboards/orbweaver.json', 'dashboard.json'],
] as const;

/** Path from the repository's root to the text of the file. `crds` has the files of deploy/crds. */
export function chartFiles(
  crds: readonly (readonly [path: string, text: string])[],
): [path: string, text: string][] {
  const made = templates.map((template): [string, string] => [
    `${CHART}/templates/${template.name}.yaml`,
    templateOf(template),
  ]);
  const copied = copies.map(([from, to]): [string, string] => [`${CHART}/files/${to}`, read(from)]);
  const kinds = crds.map(([path, text]): [string, string] => [
    `${KINDS_CHART}/templates/${basename(path)}`,
    kindTemplate(text),
  ]);
  const folders = `${JSON.stringify(platforms, undefined, 2)}\n`;
  return [...made, ...copied, ...kinds, [`${CHART}/files/platforms.json`, folders]];
}

/** Helm keeps a kind when the chart goes: with it all objects of the kind would go. */
function kindTemplate(text: string): string {
  const policy = '    helm.sh/resource-policy: keep\n';
  const kept = /^ {2}annotations:\n/m.test(text)
    ? text.replace(/^ {2}annotations:\n/m, `  annotations:\n${policy}`)
    : text.replace(/^metadata:\n/m, `metadata:\n  annotations:\n${policy}`);
  return kept.replace(
    /^#[^\n]*\n/,
    `{{- /* Generated from deploy/crds by "npm run gen". Do not edit. */}}\n`,
  );
}

function templateOf(template: (typeof templates)[number]): string {
  const { name, settings } = template;
  const text = read(`${name}.yaml`)
    .replace(/^(#[^\n]*\n)+/, '')
    .replace(KINDS_RULE, '  {{- if .Values.installKinds }}\n$&  {{- end }}\n')
    .replaceAll('kube-system', '{{ $.Release.Namespace }}')
    .split(/^---\n/m)
    .map((manifest) => manifest.replace(/^metadata:\n/m, `metadata:\n${metadataOf(manifest, settings)}`))
    .join('---\n');
  const head = `{{- /* Generated from deploy/${name}.yaml by "npm run gen". Do not edit. */}}\n`;
  return 'condition' in template
    ? `${head}{{- if ${template.condition} }}\n${text}{{- end }}\n`
    : `${head}${text}`;
}

/** Labels and annotations of the installation. */
function metadataOf(manifest: string, settings: string): string {
  const isAccount = /^kind: ServiceAccount$/m.test(manifest);
  const isService = /^kind: Service$/m.test(manifest);
  const key = isAccount ? 'serviceAccount' : isService ? 'service' : undefined;
  const own =
    key === undefined ? 'dict' : `(include "orbweaver.${settings}" . | fromYaml).${key}.annotations`;
  return [
    '  labels:',
    '    {{- include "orbweaver.labels" . | nindent 4 }}',
    `  {{- include "orbweaver.annotations" (list . ${own}) | nindent 2 }}`,
    '',
  ].join('\n');
}

function read(name: string): string {
  return readFileSync(join(deploy, name), 'utf8');
}
