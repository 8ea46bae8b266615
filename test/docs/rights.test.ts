// The rights of the ServiceAccounts: none is wider than its holder needs. test/kube asks a real kube-apiserver.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Account, accounts, type Right, rightsOf, rolesOf } from '../../tools/rights.ts';

const deploy = join(import.meta.dirname, '../../deploy');

/** Rights with which a thief would own the cluster, or a part of it that is not ours. */
const forbidden: readonly (readonly [resource: RegExp, verbs: readonly string[]])[] = [
  [/^(pods|replicationcontrollers)$/, ['create', 'update', 'patch', 'delete', 'deletecollection']],
  [
    /^pods\/(exec|attach|portforward|proxy|ephemeralcontainers|eviction|binding)$/,
    ['get', 'create', 'update'],
  ],
  [/^nodes\/(proxy|status)$/, ['get', 'create', 'update', 'patch']],
  [/^nodes$/, ['create', 'update', 'delete']],
  [/\.(apps|batch)$/, ['create', 'update']],
  [/\.rbac\.authorization\.k8s\.io$/, ['create', 'update', 'patch', 'delete', 'bind', 'escalate']],
  [/^(users|groups|serviceaccounts)$/, ['impersonate', 'create', 'update', 'patch', 'delete']],
  [/^certificatesigningrequests/, ['create', 'update', 'patch', 'approve', 'sign']],
  [/^persistentvolumes$/, ['create', 'update', 'patch']],
  [/^(validating|mutating)admissionpolic/, ['create', 'update', 'patch', 'delete']],
];

/** Only where it is switched on. deploy/agent-admission.yaml holds the agent to our resources of its own Node. */
const optional = { accounts: ['orbweaver-agent', 'orbweaver-uninstall'], right: 'patch nodes/status' };

const rightsOfAccount = (account: Account) => rightsOf(rolesOf(account).flatMap(({ rules }) => rules));
const found = ({ resource, verbs }: Right) =>
  forbidden.flatMap(([pattern, bad]) =>
    pattern.test(resource)
      ? verbs.filter((verb) => bad.includes(verb)).map((verb) => `${verb} ${resource}`)
      : [],
  );

for (const account of accounts) {
  test(`${account.name} has no right that would give it the cluster, and none for everything`, () => {
    const rights = rightsOfAccount(account);
    assert.ok(rights.length > 4);
    const isOptional = (right: string) =>
      right === optional.right && optional.accounts.includes(account.name);
    assert.deepEqual(
      rights.flatMap(found).filter((right) => !isOptional(right)),
      [],
    );
    const wide = rights.filter(({ resource, verbs }) =>
      [resource, ...verbs].some((each) => each.includes('*')),
    );
    assert.deepEqual(wide, []);
  });

  test(`${account.name} reads and changes Secrets only by name`, () => {
    const unnamed = rightsOfAccount(account).filter(
      ({ resource, name }) => resource === 'secrets' && name === '',
    );
    const verbs = unnamed.flatMap((right) => right.verbs);
    // RBAC knows no name of what is made. deploy/controller-admission.yaml does.
    assert.deepEqual(verbs, account.name === 'orbweaver-controller' ? ['create'] : []);
  });
}

test('each account of the manifests is one of those, and no role of others is bound to it', () => {
  const texts = globSync(['*.yaml', 'chart/templates/*.yaml'], { cwd: deploy }).map((file) =>
    readFileSync(join(deploy, file), 'utf8'),
  );
  const manifests = texts.flatMap((text) => text.split(/^---\n/m));
  const used = manifests.flatMap((text) =>
    Array.from(text.matchAll(/serviceAccountName: (\S+)/g), ([, name]) => name),
  );
  assert.ok(used.length >= 4);
  const known = accounts.map(({ name }) => name);
  assert.deepEqual(
    used.filter((name = '') => !known.includes(name)),
    [],
  );
  const bindings = manifests.filter((text) => /^kind: (Cluster)?RoleBinding$/m.test(text));
  assert.ok(bindings.length >= 8);
  for (const text of bindings) {
    const role = /roleRef:[\s\S]*?name: ([\w-]+)/.exec(text)?.[1] ?? '';
    const subjects = Array.from(
      text.slice(text.search(/^subjects:/m)).matchAll(/name: ([\w-]+)/g),
      ([, name]) => name,
    );
    assert.equal(subjects.length, 1, text);
    const own = ['', '-webhook-secret', '-resources'].map((part) => `${subjects[0]}${part}`);
    assert.ok(own.includes(role), `${role} of ${subjects[0]}`);
  }
});
