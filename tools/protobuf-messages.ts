// The protobuf messages that the embedded API server reads. test/kube/clients takes them from the Go types of Kubernetes.
// npm run gen -- protobuf writes them; npm run test:kube checks them.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '#program';
import { builtInKinds } from '../src/apiserver/builtin/kinds.ts';
import { apiVersion } from '../src/apiserver/resource.ts';

const root = join(import.meta.dirname, '..');

/** The messages that clients send, besides the stored kinds. */
const otherBodies = [
  'v1 Binding',
  'v1 DeleteOptions',
  'authentication.k8s.io/v1 TokenRequest',
  'autoscaling/v1 Scale',
  'events.k8s.io/v1 Event',
  'policy/v1 Eviction',
];

/** The standard input of the program in test/kube/clients. */
export function messageRoots(): string {
  const kinds = builtInKinds().resources.map((resource) => `${apiVersion(resource)} ${resource.kind}`);
  return `${[...new Set([...kinds, ...otherBodies])].toSorted().join('\n')}\n`;
}

/** The files, by their paths from the root of the repository. They are made from the output of that program. */
export function messageFiles(said: string): ReadonlyMap<string, string> {
  const packages = said.trim().split(/\n(?=# )/);
  const isCore = (text: string) => text.startsWith('# core/v1 ');
  const file = (title: string, name: string, texts: readonly string[]) =>
    [
      `// ${title}: the numbers of their fields (message-table.ts has the notation).`,
      '// Generated from the Go types of Kubernetes by `npm run gen -- protobuf`. Do not edit.',
      '',
      `export const ${name} = \`\n${texts.join('\n')}\n\`;\n`,
    ].join('\n');
  const folder = 'src/apiserver/protobuf';
  const others = packages.filter((text) => !isCore(text));
  return new Map([
    [`${folder}/core-messages.ts`, file('The messages of core/v1', 'coreMessages', packages.filter(isCore))],
    [`${folder}/other-messages.ts`, file('The messages of the other groups', 'otherMessages', others)],
  ]);
}

async function writeMessages(): Promise<number> {
  const cwd = join(root, 'test/kube/clients');
  const go = spawnSync('go', ['run', '.', 'messages'], { cwd, input: messageRoots(), encoding: 'utf8' });
  if (go.status !== 0) {
    console.error(`gen: go run in ${cwd}: ${go.error?.message ?? go.stderr}`);
    return 1;
  }
  for (const [path, text] of messageFiles(go.stdout)) writeFileSync(join(root, path), text);
  return 0;
}

const USAGE = `usage: npm run gen -- protobuf
Writes the tables of protobuf messages of src/apiserver again, from the Go types of Kubernetes; needs Go.`;
if (import.meta.main) await runProgram({ name: 'protobuf', usage: USAGE, options: {}, run: writeMessages });
