import { Cron } from 'croner';
import { isOpen } from '../runtime/windows.ts';
import type { Schedule } from '../sql/inbound/pull-mappings.ts';

type Times = Pick<Schedule, 'schedule' | 'every' | 'timezone' | 'windows'>;

const DAY = 86_400_000;

/**
 * When a schedule is due next after a moment. Times that many schedules share are spread by a little
 * (a twentieth of the interval, a minute of a cron schedule), and what lies outside of all windows moves to the next one.
 */
export function nextDue(times: Times, from: Date, random: () => number = Math.random): Date {
  const { schedule, every, timezone, windows } = times;
  if (every !== null) return openAt(windows, timezone, new Date(from.getTime() + every * (1 + 0.05 * random())));
  const cron = new Cron(schedule, { timezone, paused: true });
  let due = cron.nextRun(from);
  // A cron schedule that never meets its windows is left alone after a year of looking.
  for (const end = from.getTime() + 366 * DAY; due !== null && !isOpen(windows, timezone, due);) {
    due = cron.nextRun(due);
    if (due !== null && due.getTime() > end) due = null;
  }
  if (due === null) throw new Error(`"${schedule}" is never due.`);
  const following = cron.nextRun(due)?.getTime() ?? due.getTime() + DAY;
  return new Date(due.getTime() + random() * Math.min(60_000, (following - due.getTime()) / 20));
}

/** When a schedule that was never planned is due first: an interval at once, a cron schedule at its time. */
export function firstDue(times: Times, now: Date, random?: () => number): Date {
  return times.every === null ? nextDue(times, now, random) : openAt(times.windows, times.timezone, now);
}

/** The moment itself when a window is open, else the next opening. */
function openAt(windows: Times['windows'], timezone: string, moment: Date): Date {
  if (isOpen(windows, timezone, moment)) return moment;
  const openings = (windows ?? []).flatMap(({ days = '*', from }) => {
    const [hour = '0', minute = '0'] = from.split(':');
    const next = new Cron(`${minute} ${hour} * * ${days}`, { timezone, paused: true }).nextRun(moment);
    return next === null ? [] : [next];
  });
  return openings.reduce((a, b) => (a < b ? a : b));
}
