// The schedule of a CronJob: crontab(5)'s five fields, and @hourly and the like.

import { OrbError } from '#base';

interface FieldRange {
  readonly first: number;
  readonly last: number;
  readonly names?: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const ranges: readonly FieldRange[] = [
  { first: 0, last: 59 },
  { first: 0, last: 23 },
  { first: 1, last: 31 },
  { first: 1, last: 12, names: ['', ...months] },
  { first: 0, last: 7, names: days },
];

const shorthands: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const minuteMs = 60_000;

/** So far back a missed time is looked for (upstream gives up after 100 missed times). */
const lookBackMinutes = 100;

/** The latest time of the schedule after `afterMs` and up to `nowMs`; undefined when none was. Throws for a schedule that is none. */
export function dueTime(schedule: string, zone: string, afterMs: number, nowMs: number): number | undefined {
  const matches = minuteMatcher(schedule);
  const latest = Math.floor(nowMs / minuteMs) * minuteMs;
  for (let at = latest; at > afterMs && at > latest - lookBackMinutes * minuteMs; at -= minuteMs) {
    if (matches(fieldsAt(at, zone))) return at;
  }
  return undefined;
}

/** Minute, hour, day of month, month and day of week. */
type Moment = readonly number[];

function minuteMatcher(schedule: string): (moment: Moment) => boolean {
  const texts = (shorthands[schedule.trim()] ?? schedule).trim().toLowerCase().split(/\s+/);
  if (texts.length !== ranges.length) throw notSchedule(schedule, `${texts.length} fields instead of 5`);
  const sets = texts.map((text, index) => valuesOf(text, ranges[index] as FieldRange, schedule));
  const [minutes, hours, monthDays, monthSet, weekDays] = sets as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  if (weekDays.has(7)) weekDays.add(0);
  // Where both are named, either will do (crontab(5)).
  const either = !/^[*?]/.test(texts[2] ?? '') && !/^[*?]/.test(texts[4] ?? '');
  return ([minute = 0, hour = 0, monthDay = 0, month = 0, weekDay = 0]) => {
    const byMonth = monthDays.has(monthDay);
    const byWeek = weekDays.has(weekDay);
    return (
      minutes.has(minute) &&
      hours.has(hour) &&
      monthSet.has(month) &&
      (either ? byMonth || byWeek : byMonth && byWeek)
    );
  };
}

function valuesOf(text: string, { first, last, names = [] }: FieldRange, schedule: string): Set<number> {
  const values = new Set<number>();
  const number = (word: string) => (names.includes(word) && word !== '' ? names.indexOf(word) : Number(word));
  for (const part of text.split(',')) {
    const [, from = '', to, step = '1'] = /^([*?]|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
    const isAll = from === '*' || from === '?';
    const start = isAll ? first : number(from);
    const end = isAll ? last : to === undefined ? (part.includes('/') ? last : start) : number(to);
    const inside = from !== '' && start >= first && end <= last && start <= end && Number(step) > 0;
    if (!inside) throw notSchedule(schedule, JSON.stringify(part));
    for (let value = start; value <= end; value += Number(step)) values.add(value);
  }
  return values;
}

function fieldsAt(ms: number, zone: string): Moment {
  const options = {
    timeZone: zone,
    hourCycle: 'h23',
    weekday: 'short',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  } as const;
  const parts = new Map(
    new Intl.DateTimeFormat('en-US', options)
      .formatToParts(ms)
      .map(({ type, value }) => [type as string, value]),
  );
  const number = (name: string) => Number(parts.get(name));
  return [
    number('minute'),
    number('hour'),
    number('day'),
    number('month'),
    days.indexOf((parts.get('weekday') ?? '').toLowerCase()),
  ];
}

function notSchedule(schedule: string, why: string): OrbError {
  return new OrbError('INPUT_INVALID', {
    message: `spec.schedule ${JSON.stringify(schedule)} is not a schedule: ${why}`,
  });
}
