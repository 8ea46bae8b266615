import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldPredicate, labelPredicate } from './selectors.ts';
import { StatusError } from './status.ts';

const refused = (error: unknown) => error instanceof StatusError && error.code === 400;
const labelled = { metadata: { labels: { app: 'web', tier: 'front', 'example.org/n': '5' } } };

test('label selectors select by equality, sets, presence and order', () => {
  const cases: [selector: string, selects: boolean][] = [
    ['app=web', true],
    ['app == web , tier!=back', true],
    ['app=web,tier=back', false],
    ['app in (web, db),tier notin (back)', true],
    ['app notin (web)', false],
    ['missing notin (a)', true],
    ['missing!=a', true],
    ['app', true],
    ['!app', false],
    ['! missing', true],
    ['example.org/n>4', true],
    ['example.org/n<5', false],
    ['constructor', false],
    ['!toString', true],
  ];
  for (const [selector, selects] of cases)
    assert.equal(labelPredicate(selector)(labelled), selects, selector);
  assert.equal(labelPredicate('!app')({ metadata: {} }), true);
});

test('an invalid selector is refused', () => {
  for (const selector of ['a b', 'a in', 'a in (b', 'fooin (a)', '=a', 'a,,b', 'a>b'])
    assert.throws(() => labelPredicate(selector), refused, selector);
});

test('a long invalid selector is refused at once', () => {
  for (const selector of [`a${' '.repeat(15_000)}!`, '('.repeat(15_000), `a in ${'('.repeat(15_000)}`]) {
    // The fastest of three: on a busy machine any of them may have been held up.
    const tookMs = [1, 2, 3].map(() => {
      const before = performance.now();
      assert.throws(() => labelPredicate(selector), refused);
      return performance.now() - before;
    });
    assert.ok(Math.min(...tookMs) < 100, selector.slice(0, 8));
  }
});

test('field selectors compare the fields that a kind offers, and an absent field is empty', () => {
  const pod = {
    metadata: { name: 'p', namespace: 'n' },
    spec: { hostNetwork: true },
    status: { phase: 'Running' },
  };
  const selects = (selector: string) => fieldPredicate(selector, 'Pod')(pod);
  assert.deepEqual(
    [
      'metadata.name=p,status.phase!=Failed',
      'spec.nodeName=',
      'spec.hostNetwork==true',
      'metadata.name!=p',
    ].map(selects),
    [true, true, true, false],
  );
  assert.throws(() => selects('spec.containers=a'), refused);
  assert.throws(() => selects('nonsense'), refused);
  assert.equal(fieldPredicate('spec.color=red', '', ['spec.color'])({ spec: { color: 'red' } }), true);
});
