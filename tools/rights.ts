// What the ServiceAccounts of an installation may do, read from the roles of deploy/, and the page that shows it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const deploy = join(import.meta.dirname, '../deploy');

/** PolicyRule of rbac.authorization.k8s.io/v1. None of ours names URLs. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface Account {
  readonly name: string;
  readonly holder: string;
  /** Where its roles are, in deploy/. */
  readonly files: readonly string[];
}

export const accounts: readonly Account[] = [
  {
    name: 'orbweaver-agent',
    holder: 'the agent of each node',
    files: ['agent-rbac.yaml', 'agent-resources-rbac.yaml'],
  },
  {
    name: 'orbweaver-controller',
    holder: 'the replicas of the controller',
    files: ['controller-rbac.yaml', 'chart/templates/controller.yaml'],
  },
  {
    name: 'orbweaver-multus',
    holder: 'Multus on each node, where the chart installs it',
    files: ['chart/templates/multus.yaml'],
  },
  {
    name: 'orbweaver-uninstall',
    holder: 'the job that `helm uninstall` runs; it exists no longer than the job',
    files: ['chart/templates/uninstall.yaml'],
  },
];

/** One line of `kubectl auth can-i --list`. */
export interface Right {
  /** PLURAL.GROUP/SUBRESOURCE, without what is empty. */
  readonly resource: string;
  /** The only object that is meant; empty for all. */
  readonly name: string;
  readonly verbs: readonly string[];
}

/** Stands for the value `controller.webhookSecret` of the chart. */
export const WEBHOOK_SECRET = 'WEBHOOK-SECRET';

const verbOrder = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];

interface Role {
  readonly kind: 'ClusterRole' | 'Role';
  readonly rules: readonly Rule[];
}

/** The roles of the account, as they hold in kube-system with all optional parts of the chart. */
export function rolesOf({ files }: Account): Role[] {
  return files
    .flatMap((file) => readFileSync(join(deploy, file), 'utf8').split(/^---\n/m))
    .flatMap((manifest) => {
      const kind = /^kind: (ClusterRole|Role)$/m.exec(manifest)?.[1] as Role['kind'] | undefined;
      if (kind === undefined) return [];
      const text = manifest.slice(manifest.search(/^rules:$/m)).replaceAll('{{ . }}', WEBHOOK_SECRET);
      const { rules } = parse(text.replace(/^ *\{\{.*\}\}\n/gm, '')) as { rules: Rule[] };
      return [{ kind, rules }];
    });
}

/** As `kubectl auth can-i --list` puts rules together: one line for each resource and name. */
export function rightsOf(rules: readonly Rule[]): Right[] {
  const verbsOf = new Map<string, Set<string>>();
  for (const { apiGroups, resources, resourceNames = [''], verbs } of rules)
    for (const group of apiGroups)
      for (const resource of resources)
        for (const name of resourceNames) {
          const [kind = '', ...sub] = resource.split('/');
          const key = `${[group === '' ? kind : `${kind}.${group}`, ...sub].join('/')} ${name}`;
          verbsOf.set(key, new Set([...(verbsOf.get(key) ?? []), ...verbs]));
        }
  return Array.from(verbsOf, ([key, verbs]) => {
    const [resource = '', name = ''] = key.split(' ');
    return { resource, name, verbs: inOrder(verbs) };
  }).toSorted((a, b) => (`${a.resource} ${a.name}` < `${b.resource} ${b.name}` ? -1 : 1));
}

/** Each verb once, reading ones first. */
export function inOrder(verbs: Iterable<string>): string[] {
  return [...new Set(verbs)].toSorted((a, b) => verbOrder.indexOf(a) - verbOrder.indexOf(b));
}

const HEAD = `# Rights of the ServiceAccounts

Generated from the roles in \`deploy/\` by \`npm run gen\`. Do not edit.

Each list is what \`kubectl auth can-i --list\` prints for the account in the namespace of the installation, without the
lines that every account has. \`npm run test:kube -- --only chart\` compares the lists with a real kube-apiserver.
\`${WEBHOOK_SECRET}\` stands for the value \`controller.webhookSecret\` of the chart; without it there is no such line.

No account may read all Secrets, make or delete pods, enter containers, change roles, or act for another account.
[The threat model](threat-model.md) says what somebody who has stolen a token can do with it.

\`orbctl\` has no account of its own. It acts for the user whose kubeconfig it reads, and may do what that user may.

To see a list in your cluster:

    kubectl auth can-i --list --namespace kube-system --as system:serviceaccount:kube-system:orbweaver-agent
`;

/** The text of docs/rights.md. */
export function rightsPage(): string {
  const sections = accounts.map((account) => {
    const roles = rolesOf(account);
    const part = (kind: Role['kind']) =>
      rightsOf(roles.filter((role) => role.kind === kind).flatMap(({ rules }) => rules));
    const tables = [
      ['In the whole cluster:', part('ClusterRole')],
      ['In the namespace of the installation, besides:', part('Role')],
    ] as const;
    const texts = tables.flatMap(([title, rights]) => (rights.length === 0 ? [] : [title, table(rights)]));
    return [`## ${account.name}`, `Its holder is ${account.holder}.`, ...texts].join('\n\n');
  });
  return `${[HEAD.trimEnd(), ...sections].join('\n\n')}\n`;
}

function table(rights: readonly Right[]): string {
  const rows = rights.map(
    ({ resource, name, verbs }) =>
      `| \`${resource}\` | ${name === '' ? 'all' : `\`${name}\``} | ${verbs.join(', ')} |`,
  );
  return ['| resource | objects | verbs |', '|---|---|---|', ...rows].join('\n');
}
