import { readConfig } from '../runtime/config.ts';
import { TidewayError } from '../runtime/errors.ts';
import { createLog } from '../runtime/log.ts';
import { runDaemon } from './run-daemon.ts';

/** The variables of .env.example, and the secrets that connections name as env:NAME. Nothing else is looked at. */
export interface DaemonSettings {
  readonly DATABASE_URL: string;
  readonly [name: string]: string | undefined;
}

export interface Daemon {
  /** Where webhooks, health and metrics are served. */
  readonly url: string;
  /** Settles when the daemon has ended; rejects when it could not go on. */
  readonly ended: Promise<void>;
  /** Lets what is under way finish, hands the connections back, and ends. */
  stop(): Promise<void>;
}

/**
 * Runs the daemon inside this process, as `tideway start` does. Resolves once it works; the database must have been
 * brought to this release by `tideway migrate`.
 */
export async function startDaemon(settings: DaemonSettings): Promise<Daemon> {
  const environment: NodeJS.ProcessEnv = { ...settings };
  const config = readConfig(environment);
  if (config.DATABASE_URL === undefined) {
    throw new TidewayError('TWS11', 'startDaemon was given no DATABASE_URL.', {
      mend: "startDaemon({ DATABASE_URL: 'postgres://user:password@host:5432/database' })",
    });
  }
  const url = config.DATABASE_URL;
  const log = createLog({ level: config.TIDEWAY_LOG_LEVEL, format: config.TIDEWAY_LOG_FORMAT });
  const stopping = new AbortController();
  const { signal } = stopping;
  let ended: Promise<void> = Promise.resolve();
  const door = await new Promise<string>((resolve, reject) => {
    ended = runDaemon({ url, config, environment, log, signal, onRunning: resolve });
    ended.catch(reject);
  });
  return {
    url: door,
    ended,
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}
