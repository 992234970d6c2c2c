import { Fault } from '../../model/fault.ts';

const DAY = 86_400_000;
const EPOCH = Date.UTC(1899, 11, 30);

/** Days since 30 December 1899, in ISO 8601 without a zone: what the cell's clock says. */
function wallTime(serial: number): Date {
  return new Date(EPOCH + Math.round(serial * DAY));
}

export function serialToDate(serial: number): string | undefined {
  return textOf(new Date(EPOCH + Math.floor(serial + 1e-9) * DAY))?.slice(0, 10);
}

export function serialToDateTime(serial: number, zone: Zone): string | undefined {
  const wall = wallTime(serial);
  return Number.isNaN(wall.getTime()) ? undefined : textOf(new Date(zone.toInstant(wall.getTime())));
}

export function serialToTime(serial: number): string | undefined {
  const milliseconds = Math.round(serial * DAY);
  if (milliseconds < 0 || milliseconds >= DAY) return undefined;
  return new Date(milliseconds)
    .toISOString()
    .slice(11, -1)
    .replace(/\.000$/, '');
}

export function serialToDuration(serial: number): string {
  const milliseconds = Math.round(Math.abs(serial) * DAY);
  const seconds = (milliseconds % 60_000) / 1000;
  const minutes = Math.floor(milliseconds / 60_000) % 60;
  const hours = Math.floor(milliseconds / 3_600_000);
  return `${serial < 0 ? '-' : ''}PT${String(hours)}H${String(minutes)}M${String(seconds)}S`;
}

export function dateToSerial(text: string): number | undefined {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text) return undefined;
  return (time - EPOCH) / DAY;
}

export function dateTimeToSerial(text: string, zone: Zone): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : (zone.toWall(time) - EPOCH) / DAY;
}

export function timeToSerial(text: string): number | undefined {
  const [, hours, minutes, seconds = '0'] = /^(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?$/.exec(text) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) >= 60) return undefined;
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) / 86_400;
}

export function durationToSerial(text: string): number | undefined {
  const found = /^(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text);
  if (!found || /[PT]$/.test(text)) return undefined;
  const [, sign, days = '0', hours = '0', minutes = '0', seconds = '0'] = found;
  const total = Number(days) * 86_400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return (sign === '-' ? -total : total) / 86_400;
}

/** A time zone: instants (milliseconds since 1970) to what its clocks show, and back. */
export interface Zone {
  toWall(instant: number): number;
  /** Of an hour that clocks show twice the first; of one they skip, what it would be without the skip. */
  toInstant(wall: number): number;
}

export function zoneOf(name: string): Zone {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    });
  } catch {
    throw new Fault('BAD_RESPONSE', `The time zone "${name}" of the document is not known here.`, {
      suggestion: 'Choose another time zone in the document under File, Settings.',
    });
  }
  const toWall = (instant: number): number => {
    const part: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
    for (const { type, value } of format.formatToParts(instant)) part[type] = value;
    const year = Number(part.year) * (part.era === 'BC' ? -1 : 1) + (part.era === 'BC' ? 1 : 0);
    const wall = new Date(0);
    wall.setUTCFullYear(year, Number(part.month) - 1, Number(part.day));
    wall.setUTCHours(Number(part.hour), Number(part.minute), Number(part.second));
    return wall.getTime() + (((instant % 1000) + 1000) % 1000);
  };
  return {
    toWall,
    toInstant: (wall) => {
      const before = wall - (toWall(wall - DAY) - (wall - DAY));
      if (toWall(before) === wall) return before;
      const after = wall - (toWall(wall + DAY) - (wall + DAY));
      return toWall(after) === wall ? after : before;
    },
  };
}

/** Years that PostgreSQL and ISO 8601 write with four digits. */
function textOf(time: Date): string | undefined {
  const year = time.getUTCFullYear();
  return Number.isNaN(year) || year < 0 || year > 9999 ? undefined : time.toISOString();
}
