import { FIELDS, type History } from '../faults/history.ts';
import type { Growth } from './usage.ts';

/** What became of what people wrote into one table and its apps. */
interface Tally {
  readonly app: string;
  readonly attempted: number;
  /** Every other side showed it. */
  readonly ok: number;
  /** No other side showed it, and it is not lost: a newer write took its place, or people were told. */
  readonly indeterminate: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly unexpected: number;
  /** Those of `ok` before whose arrival a request failed or the daemon was killed. */
  readonly recovered: number;
  /** Milliseconds until every other side showed a value. */
  readonly stale: readonly number[];
  readonly openErrors: number;
  /** Requests that were made to fail. */
  readonly faults: number;
}

export interface Stop {
  readonly milliseconds: number;
  /** The load average of the machine. */
  readonly load: number;
}

export interface Run {
  readonly seed: number;
  readonly minutes: number;
  readonly began: string;
  /** Load averages at the beginning and at the end. */
  readonly load: readonly number[];
  readonly tallies: readonly Tally[];
  /** How often each trouble was made. */
  readonly troubles: Readonly<Record<string, number>>;
  readonly kills: number;
  /** Daemons that were told to stop. */
  readonly stops: readonly Stop[];
  readonly growths: readonly Growth[];
  /** What must not happen at all: a daemon that ends by itself, a write of a person that fails, work that does not end. */
  readonly problems: readonly string[];
}

interface Judgement {
  readonly verdict: 'passed' | 'failed' | 'unknown';
  readonly reasons: readonly string[];
}

/** Counts the journals of one world; `found` is what the checker says of them, the moments are those of faults and kills. */
export function tally(
  app: string,
  history: History,
  found: readonly string[],
  faults: readonly number[],
  kills: readonly number[],
): Tally {
  const shown = new Map<string, number>();
  for (const { side, at, by, before, after } of history.effects) {
    if (by !== 'tideway') continue;
    const seen = after === null ? [`gone ${String(before?.id)}`] : FIELDS.map((field) => `${field} ${after[field]}`);
    for (const what of seen) if (!shown.has(`${side} ${what}`)) shown.set(`${side} ${what}`, Date.parse(at));
  }
  const people = history.effects.filter(({ by }) => by === 'person');
  const arrivals = people.flatMap(({ side, at, before, after }) => {
    const wanted =
      after === null
        ? [`gone ${String(before?.id)}`]
        : FIELDS.filter((field) => before?.[field] !== after[field]).map((field) => `${field} ${after[field]}`);
    const others = [...history.held.keys()].filter((other) => other !== side);
    const moments = others.flatMap((other) => wanted.map((what) => shown.get(`${other} ${what}`)));
    if (moments.includes(undefined)) return [];
    const from = Date.parse(at);
    const until = Math.max(from, ...moments.map(Number));
    return [{ from, until, isValue: after !== null }];
  });
  const upsets = [...faults, ...kills];
  const count = (sign: RegExp): number => found.filter((one) => sign.test(one)).length;
  const [duplicated, unexpected] = [count(/^I-DUP/), count(/^UNEXPECTED/)];
  const lost = found.length - duplicated - unexpected;
  return {
    app,
    attempted: people.length,
    ok: arrivals.length,
    indeterminate: Math.max(0, people.length - arrivals.length - lost),
    lost,
    duplicated,
    unexpected,
    recovered: arrivals.filter(({ from, until }) => upsets.some((at) => at >= from && at <= until)).length,
    // A deletion in an app is found by the next sweep: that measures the sweeps.
    stale: arrivals.filter(({ isValue }) => isValue).map(({ from, until }) => until - from),
    openErrors: history.told.errors.length,
    faults: faults.length,
  };
}

/** Above this load average a slow stop says more about the machine than about the daemon. */
const BUSY = 8;
const STOPS_WITHIN = 10_000;

/** Nothing is passed that was not tried. */
export function judge({ tallies, kills, stops, growths, problems }: Run): Judgement {
  const wrong = [
    ...problems,
    ...tallies.flatMap(({ app, lost, duplicated, unexpected }) =>
      Object.entries({ lost, duplicated, unexpected })
        .filter(([, number]) => number > 0)
        .map(([what, number]) => `${app}: ${String(number)} ${what}`),
    ),
    ...growths
      .filter(({ last, limit }) => last > limit)
      .map(({ what, first, last }) => `${what} grew from ${String(first)} to ${String(last)}`),
    ...stops
      .filter(({ milliseconds, load }) => milliseconds > STOPS_WITHIN && load <= BUSY)
      .map(({ milliseconds }) => `a daemon took ${seconds(milliseconds)} to stop`),
  ];
  if (wrong.length > 0) return { verdict: 'failed', reasons: wrong };
  const untried = [
    ...(tallies.length === 0 ? ['no app was tried'] : []),
    ...tallies.filter(({ faults }) => faults === 0).map(({ app }) => `${app}: no request failed`),
    ...tallies.filter(({ ok }) => ok === 0).map(({ app }) => `${app}: no write arrived`),
    ...(kills === 0 ? ['no daemon was killed'] : []),
    ...(stops.length === 0 ? ['no daemon was told to stop'] : []),
    ...(growths.length === 0 ? ['nothing was measured for long enough'] : []),
  ];
  return untried.length > 0 ? { verdict: 'unknown', reasons: untried } : { verdict: 'passed', reasons: [] };
}

/** What people read. */
export function render(run: Run): string {
  const { verdict, reasons } = judge(run);
  const { tallies, stops } = run;
  const sum = (of: (one: Tally) => number): number => tallies.reduce((total, one) => total + of(one), 0);
  const total: Tally = {
    app: 'total',
    attempted: sum((one) => one.attempted),
    ok: sum((one) => one.ok),
    indeterminate: sum((one) => one.indeterminate),
    lost: sum((one) => one.lost),
    duplicated: sum((one) => one.duplicated),
    unexpected: sum((one) => one.unexpected),
    recovered: sum((one) => one.recovered),
    stale: tallies.flatMap((one) => one.stale),
    openErrors: sum((one) => one.openErrors),
    faults: sum((one) => one.faults),
  };
  const rows = [...tallies, total].map((one) => [
    one.app,
    ...[one.attempted, one.ok, one.indeterminate, one.lost, one.duplicated, one.unexpected, one.recovered].map(String),
    percentile(one.stale, 0.5),
    percentile(one.stale, 0.99),
    String(one.openErrors),
    String(one.faults),
  ]);
  const table = [
    [
      'app',
      'attempted',
      'ok',
      'indeterminate',
      'lost',
      'duplicated',
      'unexpected',
      'recovered',
      'stale p50',
      'stale p99',
      'open errors',
      'faults',
    ],
    ...rows,
  ];
  const widths = (table[0] ?? []).map((_, at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  const waits = stops.map(({ milliseconds }) => milliseconds);
  return [
    `soak of ${String(run.minutes)} minutes from ${run.began}, seed ${String(run.seed)}, load average ${run.load.map((load) => load.toFixed(1)).join(' to ')}`,
    '',
    ...table.map((row) =>
      row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '),
    ),
    '',
    `troubles: ${Object.entries(run.troubles)
      .map(([what, times]) => `${what} ${String(times)}`)
      .join(', ')}`,
    `told to stop: ${String(stops.length)} daemons, at most ${percentile(waits, 1)}`,
    ...run.growths.map(
      ({ what, first, last, limit }) =>
        `${what}: ${String(first)} in the first third, ${String(last)} in the last (at most ${String(limit)})`,
    ),
    '',
    [verdict, ...reasons].join('\n  '),
  ].join('\n');
}

function percentile(values: readonly number[], part: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  return value === undefined ? '-' : seconds(value);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
