import type { TimeWindow } from '../model/time-window.ts';

/** Whether one of the windows is open; without any, all times are. */
export function isOpen(windows: readonly TimeWindow[] | null, timezone: string, moment: Date): boolean {
  if (windows === null || windows.length === 0) return true;
  const { day, time } = localTime(moment, timezone);
  return windows.some(({ days = '*', from, to }) =>
    from < to
      ? holds(days, day) && time >= from && time < to
      : // Over midnight: the part after it belongs to the day on which the window began.
        (holds(days, day) && time >= from) || (holds(days, (day + 6) % 7) && time < to),
  );
}

function localTime(moment: Date, timezone: string): { day: number; time: string } {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(moment);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  return {
    day: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(part('weekday')),
    time: `${part('hour')}:${part('minute')}`,
  };
}

/** Days of the week as cron counts them; 0 and 7 are Sunday. */
function holds(days: NonNullable<TimeWindow['days']>, day: number): boolean {
  if (days === '*') return true;
  return days.split(',').some((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    const wanted = day === 0 && last === 7 ? 7 : day;
    return first <= last ? wanted >= first && wanted <= last : wanted >= first || wanted <= last;
  });
}
