// What docs/controller.md and deploy/ say about the controller: every variable, webhook and right, and no other.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import {
  CLAIMS_NAME,
  FLOATING_IPS_NAME,
  IDENTITY_SECRET_NAME,
  ROUTES_NAME,
  WEBHOOK_CONFIGURATION,
} from '#plan/installation';

const root = join(import.meta.dirname, '../..');

function namesIn(files: string | readonly string[], pattern: RegExp): string[] {
  const texts = [files].flat().map((file) => readFileSync(join(root, file), 'utf8'));
  return [...new Set(texts.join('\n').match(pattern) ?? [])].sort();
}

test('the page of the controller names every environment variable that it reads', () => {
  const pattern = /\bSPIDERPOOL_[A-Z_]+\b/g;
  const folder = 'src/main/controller';
  const read = namesIn(
    [
      'src/main/controller.ts',
      ...readdirSync(join(root, folder))
        .filter((file) => !file.endsWith('.test.ts'))
        .map((file) => join(folder, file)),
    ],
    pattern,
  ).filter((name) => name !== 'SPIDERPOOL_GC_');
  assert.ok(read.length > 5);
  assert.deepEqual(namesIn('docs/controller.md', pattern), read);
});

interface Rule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly resourceNames?: string[];
  readonly verbs: string[];
}
interface Webhook {
  readonly name: string;
  readonly failurePolicy: string;
  readonly clientConfig: { readonly caBundle?: string; readonly service: { readonly path: string } };
  readonly rules: { readonly resources: string[] }[];
}
interface Manifest {
  readonly kind: string;
  readonly rules?: Rule[];
  readonly webhooks?: Webhook[];
}

function manifestsIn(file: string): Manifest[] {
  const text = readFileSync(join(root, file), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

test('the controller may write only the Secret, the ConfigMaps and the webhooks that are its own', () => {
  const rules = manifestsIn('deploy/controller-rbac.yaml').flatMap((manifest) => manifest.rules ?? []);
  const own = {
    secrets: [IDENTITY_SECRET_NAME],
    configmaps: [CLAIMS_NAME, ROUTES_NAME, FLOATING_IPS_NAME],
    mutatingwebhookconfigurations: [WEBHOOK_CONFIGURATION],
    validatingwebhookconfigurations: [WEBHOOK_CONFIGURATION],
  };
  for (const [resource, names] of Object.entries(own)) {
    const writing = rules.filter(
      ({ resources, verbs }) =>
        resources.includes(resource) && verbs.some((verb) => ['update', 'patch', 'delete'].includes(verb)),
    );
    assert.deepEqual(
      writing.map(({ resourceNames }) => resourceNames),
      [names],
      resource,
    );
  }
  const reading = rules.filter(
    ({ resources, verbs }) => resources.includes('secrets') && verbs.includes('get'),
  );
  assert.deepEqual(
    reading.map(({ resourceNames }) => resourceNames),
    [own.secrets],
    'it reads no Secret of others',
  );
  for (const { apiGroups, resources, verbs } of rules)
    assert.ok(![...apiGroups, ...resources, ...verbs].includes('*'));
});

test('webhooks of pods and namespaces never stop the cluster, those of our kinds do, and no manifest has certificates', () => {
  const webhooks = manifestsIn('deploy/webhooks.yaml').flatMap((manifest) => manifest.webhooks ?? []);
  assert.ok(webhooks.length >= 4);
  for (const { name, failurePolicy, clientConfig, rules } of webhooks) {
    const resources = rules.flatMap((rule) => rule.resources);
    const isOurs = resources.every((resource) => resource.startsWith('spider'));
    assert.equal(failurePolicy, isOurs ? 'Fail' : 'Ignore', name);
    assert.equal(clientConfig.caBundle, undefined, name);
  }
  const asked = new Set(webhooks.map(({ clientConfig }) => clientConfig.service.path));
  const served = namesIn('src/controller/admission/reviewers.ts', /(?<=\[')\/[a-z]+/g);
  assert.deepEqual([...asked].sort(), served);
});
