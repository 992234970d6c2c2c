import { Writable } from 'node:stream';
import { pino } from 'pino';

/** What a line says besides its sentence: the event has a name that does not change, `<room>.<noun>.<verb>`. */
type Facts = Readonly<Record<string, unknown>> & { readonly event: `${string}.${string}.${string}` };

export type Log = Readonly<Record<'debug' | 'info' | 'warn' | 'error', (facts: Facts, sentence: string) => void>>;

interface Options {
  level: string;
  format: 'auto' | 'json' | 'text';
}

const secrets = [
  'password',
  'secret',
  'token',
  'authorization',
  'cookie',
  'url',
  'key',
  'access_token',
  'refresh_token',
];
const redact = { paths: secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[hidden]' };

/** One logger for the whole process: JSON for machines, plain lines for a terminal. */
export function createLog({ level, format }: Options, out: NodeJS.WritableStream = process.stderr): Log {
  const readable = format === 'text' || (format === 'auto' && 'isTTY' in out && out.isTTY === true);
  return pino({ level, redact, base: null, timestamp: pino.stdTimeFunctions.isoTime }, readable ? textLines(out) : out);
}

function textLines(out: NodeJS.WritableStream): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const { level, time, msg, ...rest } = JSON.parse(chunk.toString()) as Record<string, unknown>;
      const label = pino.levels.labels[Number(level)] ?? '';
      const details = Object.entries(rest)
        .filter(([name]) => name !== 'event')
        .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
      out.write(`${String(time).slice(11, 19)} ${label.padEnd(5)} ${[msg, ...details].join('  ')}\n`);
      done();
    },
  });
}
