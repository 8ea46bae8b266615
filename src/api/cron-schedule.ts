// The schedule of a CronJob as Kubernetes reads it: five fields, @hourly and the like, and @every (github.com/robfig/cron v3).

import { OrbError } from '#base';
import { goSeconds } from './go-duration.ts';

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
  { first: 0, last: 6, names: days },
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

const MINUTE_MS = 60_000;

/** How far back a missed time is searched (upstream gives up after 100 missed times). */
const LOOK_BACK_MINUTES = 100;

/** Minute, hour, day of month, month and day of week. */
type Moment = readonly number[];

/** Either times on the clock of a zone, or a fixed interval in milliseconds. */
type Schedule = { readonly matches: (moment: Moment) => boolean } | { readonly everyMs: number };

/**
 * The latest time of the schedule after `afterMs` and up to `nowMs`. Undefined if there was none. Throws if the
 * schedule is invalid.
 */
export function dueTime(text: string, zone: string, afterMs: number, nowMs: number): number | undefined {
  const schedule = parse(text);
  if ('everyMs' in schedule) {
    const times = Math.floor((nowMs - afterMs) / schedule.everyMs);
    return times < 1 ? undefined : afterMs + times * schedule.everyMs;
  }
  const latest = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  for (let at = latest; at > afterMs && at > latest - LOOK_BACK_MINUTES * MINUTE_MS; at -= MINUTE_MS) {
    if (schedule.matches(fieldsAt(at, zone))) return at;
  }
  return undefined;
}

/** Why the text is no schedule, in the words of kube-apiserver. Undefined if it is valid. */
export function scheduleProblem(text: string): string | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    if (error instanceof NotSchedule) return error.why;
    throw error;
  }
}

/** Why the text is no time zone, in the words of kube-apiserver. Undefined if it is valid. */
export function timeZoneProblem(zone: string): string | undefined {
  if (zone === '') return 'timeZone must be nil or non-empty string';
  if (zone.toLowerCase() === 'local')
    return 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
  try {
    // Intl accepts offsets, but no time zone database contains them.
    if (!/^[+-]/.test(zone) && new Intl.DateTimeFormat('en-US', { timeZone: zone })) return undefined;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return `unknown time zone ${zone}`;
}

class NotSchedule extends OrbError {
  /** The reason without the rest of the message. */
  readonly why: string;

  constructor(schedule: string, why: string) {
    super('INPUT_INVALID', {
      message: `spec.schedule ${JSON.stringify(schedule)} is not a schedule: ${why}`,
    });
    this.why = why;
  }
}

function parse(schedule: string): Schedule {
  const wrong = (why: string): never => {
    throw new NotSchedule(schedule, why);
  };
  if (schedule.includes('TZ')) wrong('cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
  if (schedule.startsWith('@every ')) return { everyMs: durationMs(schedule, wrong) };
  const spelled = shorthands[schedule] ?? schedule;
  if (spelled.startsWith('@')) wrong(`unrecognized descriptor: ${schedule}`);
  const texts = spelled.trim() === '' ? [] : spelled.trim().split(/\s+/);
  if (texts.length !== ranges.length)
    wrong(`expected exactly ${ranges.length} fields, found ${texts.length}: [${texts.join(' ')}]`);
  const fields = texts.map((text, index) => fieldOf(text.toLowerCase(), ranges[index] as FieldRange, wrong));
  // If both day fields are restricted, one match is enough (crontab(5)).
  const either = fields[2]?.isAll === false && fields[4]?.isAll === false;
  return {
    matches: (moment) => {
      const [minute, hour, monthDay, month, weekDay] = fields.map(({ values }, at) =>
        values.has(moment[at] ?? -1),
      );
      const day = either ? monthDay || weekDay : monthDay && weekDay;
      return [minute, hour, month, day].every((fits) => fits === true);
    },
  };
}

function durationMs(schedule: string, wrong: (why: string) => never): number {
  const text = schedule.slice('@every '.length);
  const seconds =
    goSeconds(text) ??
    wrong(`failed to parse duration ${schedule}: time: invalid duration ${JSON.stringify(text)}`);
  return Math.max(1, Math.floor(seconds)) * 1000;
}

interface Field {
  readonly values: ReadonlySet<number>;
  /** Whether the field matches every value: `*` without a step. */
  readonly isAll: boolean;
}

function fieldOf(text: string, range: FieldRange, wrong: (why: string) => never): Field {
  const values = new Set<number>();
  let isAll = false;
  for (const part of text.split(',').filter((it) => it !== '')) {
    const { start, end, step } = partOf(part, range, wrong);
    isAll ||= /^[*?]/.test(part) && step === 1;
    for (let value = start; value <= end; value += step) values.add(value);
  }
  return { values, isAll };
}

/** One range: `*`, `?`, one value or two, and an optional step. */
function partOf(part: string, { first, last, names = [] }: FieldRange, wrong: (why: string) => never) {
  const whole = (word: string): number => {
    if (/^-?\d+$/.test(word)) return Number(word);
    return wrong(
      `failed to parse int from ${word}: strconv.Atoi: parsing ${JSON.stringify(word)}: invalid syntax`,
    );
  };
  const value = (word: string) => (word !== '' && names.includes(word) ? names.indexOf(word) : whole(word));
  const [span = '', stepText, ...more] = part.split('/');
  const [low = '', high, ...rest] = span.split('-');
  if (rest.length > 0) wrong(`too many hyphens: ${part}`);
  if (more.length > 0) wrong(`too many slashes: ${part}`);
  const isAll = low === '*' || low === '?';
  const start = isAll ? first : value(low);
  const openEnd = stepText === undefined ? start : last;
  const end = isAll ? last : high === undefined ? openEnd : value(high);
  const step = stepText === undefined ? 1 : whole(stepText);
  if (start < first) wrong(`beginning of range (${start}) below minimum (${first}): ${part}`);
  if (end > last) wrong(`end of range (${end}) above maximum (${last}): ${part}`);
  if (start > end) wrong(`beginning of range (${start}) beyond end of range (${end}): ${part}`);
  if (step <= 0) wrong(`step of range should be a positive number: ${part}`);
  return { start, end, step };
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
