import { spawn, type ChildProcess } from 'node:child_process';
import { waitFor } from './wait-for.ts';

export interface RunningDaemon {
  readonly pid: number;
  /** Everything it has logged so far. */
  log(): string;
  /** Resolves with the signal or code that ended it. */
  readonly ended: Promise<string>;
  /** As an operator does; fails when it does not end within ten seconds. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

const running = new Set<ChildProcess>();

/** Starts the built daemon (npm run build) as a process of its own. */
export async function startDaemon(url: string, env: Record<string, string> = {}): Promise<RunningDaemon> {
  const child = spawn(process.execPath, ['dist/src/cli/main.js', 'start'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      DATABASE_URL: url,
      TIDEWAY_LOG_FORMAT: 'json',
      TIDEWAY_LOG_LEVEL: 'debug',
      TIDEWAY_HTTP_PORT: '0',
      TIDEWAY_EGRESS_ALLOW: '127.0.0.1',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.add(child);
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  let over: string | undefined;
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      running.delete(child);
      over = signal ?? String(code);
      resolve(over);
    });
  });
  const daemon: RunningDaemon = {
    pid: child.pid ?? 0,
    log: () => log,
    ended,
    async stop() {
      child.kill('SIGTERM');
      const timer = new Promise<string>((resolve) => setTimeout(() => resolve('too late'), 10_000).unref());
      const how = await Promise.race([ended, timer]);
      if (how !== '0') {
        child.kill('SIGKILL');
        throw new Error(`The daemon ended with ${how}.\n${log}`);
      }
      const strange = log.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
      if (strange.length > 0) throw new Error(`The daemon wrote what is not of its log:\n${strange.join('\n')}`);
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
  await waitFor(
    () => {
      if (over !== undefined) throw new Error(`The daemon ended with ${over}.\n${log}`);
      return log.includes('Tideway runs');
    },
    { within: 60_000 },
  );
  return daemon;
}

/** For afterEach: a daemon that a failed test left behind would disturb the next. */
export async function killDaemons(): Promise<void> {
  await Promise.all(
    [...running].map(
      (child) =>
        new Promise<void>((resolve) => {
          child.once('exit', () => resolve());
          child.kill('SIGKILL');
        }),
    ),
  );
}
