import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueTime, scheduleProblem, timeZoneProblem } from './cron-schedule.ts';

test('schedules have lists, ranges, steps, names and time zones, and match either kind of day', () => {
  const at = (text: string) => Date.parse(text);
  const due = (schedule: string, moment: string, zone = 'UTC') =>
    dueTime(schedule, zone, at(moment) - 60_000, at(moment)) !== undefined;
  // 2026-01-01 is a Thursday.
  assert.ok(due('*/15 8-10,12 * jan thu', '2026-01-01T12:45:00Z'));
  assert.ok(!due('*/15 8-10,12 * jan thu', '2026-01-01T11:45:00Z'));
  assert.ok(due('0 0 13 * 4', '2026-01-01T00:00:00Z'));
  assert.ok(due('@yearly', '2026-01-01T00:00:00Z'));
  assert.ok(due('0 9 * * sun', '2026-01-04T08:00:00Z', 'Europe/Berlin'));
  assert.equal(
    dueTime('0 * * * *', 'UTC', at('2026-01-01T00:30:00Z'), at('2026-01-01T01:20:00Z')),
    at('2026-01-01T01:00:00Z'),
  );
  for (const wrong of ['* * * *', '60 * * * *', '* * * foo *', '*/0 * * * *'])
    assert.throws(() => dueTime(wrong, 'UTC', 0, 60_000), /is not a schedule/, wrong);
});

test('a schedule with both kinds of day runs on either one, also where one of them has a step', () => {
  const at = Date.parse('2026-01-02T00:00:00Z'); // a Friday, an even day
  assert.equal(dueTime('0 0 */2 * fri', 'UTC', at - 60_000, at), at);
  assert.equal(dueTime('0 0 * * thu', 'UTC', at - 60_000, at), undefined);
});

test('@every counts from the last run', () => {
  assert.equal(dueTime('@every 1m30s', 'UTC', 0, 89_999), undefined);
  assert.equal(dueTime('@every 1m30s', 'UTC', 0, 200_000), 180_000);
});

test('an invalid schedule is refused in the words of kube-apiserver', () => {
  const words: readonly [string, string][] = [
    ['', 'expected exactly 5 fields, found 0: []'],
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['* 5-3 * * *', 'beginning of range (5) beyond end of range (3): 5-3'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
    ['* * * foo *', 'failed to parse int from foo: strconv.Atoi: parsing "foo": invalid syntax'],
    ['* * * * 7', 'end of range (7) above maximum (6): 7'],
    ['@often', 'unrecognized descriptor: @often'],
    ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
    ['TZ=UTC * * * * *', 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
  ];
  for (const [schedule, why] of words) assert.equal(scheduleProblem(schedule), why);
  for (const good of ['@hourly', '@every 1h', '?/5 0 1,15 jan-mar mon-fri'])
    assert.equal(scheduleProblem(good), undefined);
});

test('a time zone must be in the time zone database', () => {
  assert.equal(timeZoneProblem('Europe/Berlin'), undefined);
  assert.equal(timeZoneProblem('Mars/X'), 'unknown time zone Mars/X');
  assert.equal(timeZoneProblem('+01:00'), 'unknown time zone +01:00');
  assert.match(timeZoneProblem('Local') ?? '', /explicit time zone/);
  assert.match(timeZoneProblem('') ?? '', /non-empty/);
});
