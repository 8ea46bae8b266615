// Lists and watches: what every reflector relies on.
// Bodies are untyped on purpose: their form is what is tested.
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-call, typescript/no-unsafe-return, typescript/no-unsafe-argument, typescript/no-unsafe-assignment */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cluster } from './cluster.ts';

let cluster: Cluster;
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';

before(async () => {
  cluster = await Cluster.open();
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    const metadata = { name: `page-${name}`, labels: { page: name, all: 'yes' } };
    await cluster.must('POST', cluster.core('configmaps'), { body: { metadata, data: { name } } });
  }
});
after(() => cluster.close());

const names = (list: { items: { metadata: { name: string } }[] }) =>
  list.items.map((item) => item.metadata.name);

test('all pages of a list show the state of its first page', async () => {
  const path = `${cluster.core('configmaps')}?labelSelector=all%3Dyes&limit=2`;
  const first = await cluster.must('GET', path);
  assert.deepEqual(names(first), ['page-a', 'page-b']);
  await cluster.must('DELETE', `${cluster.core('configmaps')}/page-d`);
  const second = await cluster.must('GET', `${path}&continue=${encodeURIComponent(first.metadata.continue)}`);
  assert.deepEqual(names(second), ['page-c', 'page-d']);
  assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
  const third = await cluster.must('GET', `${path}&continue=${encodeURIComponent(second.metadata.continue)}`);
  assert.deepEqual(names(third), ['page-e']);
  assert.ok(!third.metadata.continue);
});

test('a malformed continue token is refused', async () => {
  const { code } = await cluster.call('GET', `${cluster.core('configmaps')}?limit=1&continue=nonsense`);
  assert.equal(code, 400);
});

test('label selectors select by equality and by sets', async () => {
  const select = async (selector: string) => {
    return names(
      await cluster.must(
        'GET',
        `${cluster.core('configmaps')}?labelSelector=${encodeURIComponent(selector)}`,
      ),
    );
  };
  assert.deepEqual(await select('page=a'), ['page-a']);
  assert.deepEqual(await select('all,page notin (a,b,d)'), ['page-c', 'page-e']);
  assert.deepEqual(await select('page in (a, c)'), ['page-a', 'page-c']);
  assert.deepEqual(await select('all=yes,page!=a,page!=d'), ['page-b', 'page-c', 'page-e']);
  assert.deepEqual(await select('page,!all'), []);
});

test('field selectors select by name and by the fields that a kind offers, and by no others', async () => {
  const found = await cluster.must(
    'GET',
    `${cluster.core('configmaps')}?fieldSelector=metadata.name%3Dpage-b`,
  );
  assert.deepEqual(names(found), ['page-b']);
  for (const node of ['node-1', 'node-2']) {
    const spec = {
      nodeName: node,
      containers: [{ name: 'c', image: 'i' }],
      terminationGracePeriodSeconds: 0,
    };
    await cluster.must('POST', cluster.core('pods'), { body: { metadata: { name: `on-${node}` }, spec } });
  }
  const onNode = await cluster.must(
    'GET',
    `/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-2,metadata.namespace%3D${cluster.namespace}`,
  );
  assert.deepEqual(names(onNode), ['on-node-2']);
  const { code } = await cluster.call('GET', `${cluster.core('configmaps')}?fieldSelector=data.name%3Da`);
  assert.equal(code, 400);
});

test('a watch starts after its resourceVersion and reports objects that enter and leave its selection', async () => {
  const list = await cluster.must('GET', cluster.core('configmaps'));
  const path = `${cluster.core('configmaps')}?watch=true&labelSelector=watched%3Dyes&resourceVersion=${list.metadata.resourceVersion}&timeoutSeconds=60`;
  const watching = cluster.watch(path, (events) => events.length === 3);
  await cluster.must('POST', cluster.core('configmaps'), { body: { metadata: { name: 'w' } } });
  const patch = (labels: Record<string, string | null>) => {
    return cluster.must('PATCH', `${cluster.core('configmaps')}/w`, {
      type: 'application/merge-patch+json',
      body: { metadata: { labels } },
    });
  };
  await patch({ watched: 'yes' });
  await patch({ other: 'x' });
  const last = await patch({ watched: 'no' });
  const events = await watching;
  assert.deepEqual(
    events.map((event) => event.type),
    ['ADDED', 'MODIFIED', 'DELETED'],
  );
  assert.equal(events[2].object.metadata.resourceVersion, last.metadata.resourceVersion);
});

test('watch=True, as the Python client sends it, starts a watch, and watch=False does not', async () => {
  const path = `${cluster.core('configmaps')}?fieldSelector=metadata.name%3Dpage-a&timeoutSeconds=5&watch=`;
  const events = await cluster.watch(`${path}True`, (seen) => seen.length > 0);
  assert.deepEqual([events[0].type, events[0].object.metadata.name], ['ADDED', 'page-a']);
  assert.equal((await cluster.must('GET', `${path}False`)).kind, 'ConfigMapList');
});

test('the version is served with and without a slash at the end of the path', async () => {
  assert.match((await cluster.must('GET', '/version')).gitVersion, /^v1\./);
  assert.match((await cluster.must('GET', '/version/')).gitVersion, /^v1\./);
});

test('a watch without a resourceVersion begins with the existing objects', async () => {
  const events = await cluster.watch(
    `${cluster.core('configmaps')}?watch=1&labelSelector=page%3Da&timeoutSeconds=60`,
    (seen) => seen.length === 1,
  );
  assert.equal(events[0].type, 'ADDED');
  assert.equal(events[0].object.metadata.name, 'page-a');
});

test('a watch with bookmarks ends with a bookmark at its timeout, with a version newer than the last event', async () => {
  const list = await cluster.must('GET', cluster.core('configmaps'));
  const path = `${cluster.core('configmaps')}?watch=1&allowWatchBookmarks=true&resourceVersion=${list.metadata.resourceVersion}&timeoutSeconds=4`;
  const watching = cluster.watch(path, () => false);
  await cluster.must('POST', cluster.core('configmaps'), { body: { metadata: { name: 'bookmarked' } } });
  const events = await watching;
  const bookmark = events.at(-1);
  assert.equal(bookmark.type, 'BOOKMARK');
  assert.equal(bookmark.object.kind, 'ConfigMap');
  assert.ok(
    Number(bookmark.object.metadata.resourceVersion) >= Number(events[0].object.metadata.resourceVersion),
  );
});

test('sendInitialEvents streams the state, then a bookmark that marks its end', async () => {
  const path = `${cluster.core('configmaps')}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=page%3Da&timeoutSeconds=60`;
  const events = await cluster.watch(path, (seen) => seen.some((event) => event.type === 'BOOKMARK'));
  assert.deepEqual(
    events.map((event) => event.type),
    ['ADDED', 'BOOKMARK'],
  );
  assert.equal(events[1].object.metadata.annotations['k8s.io/initial-events-end'], 'true');
});

test('tables have the columns that kubectl prints, and the wide columns have priority 1', async () => {
  const body = await cluster.must('GET', cluster.core('pods'), { accept: table });
  assert.equal(body.kind, 'Table');
  const columns = body.columnDefinitions.map(
    (column: { name: string; priority: number }) => `${column.name}:${column.priority}`,
  );
  assert.deepEqual(columns.slice(0, 7), [
    'Name:0',
    'Ready:0',
    'Status:0',
    'Restarts:0',
    'Age:0',
    'IP:1',
    'Node:1',
  ]);
  const row = body.rows.find((it: { cells: unknown[] }) => it.cells[0] === 'on-node-1');
  assert.equal(row.cells[6], 'node-1');
  assert.equal(row.object.kind, 'PartialObjectMetadata');
});

test('a read at a future version is not answered with the present state', async () => {
  const { code, body } = await cluster.call(
    'GET',
    `${cluster.core('configmaps')}?resourceVersion=99999999999&timeoutSeconds=1`,
  );
  assert.equal(code, 504, JSON.stringify(body));
});
