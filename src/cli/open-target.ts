import type { Config } from '../runtime/config.ts';
import { startEmbeddedPostgres } from '../runtime/embedded-postgres.ts';
import { hint } from './command.ts';

export interface Target {
  url: string;
  embedded: boolean;
  close(): Promise<void>;
}

/** The database that a command works on: DATABASE_URL, or else the embedded one. */
export async function openTarget(config: Config): Promise<Target> {
  if (config.DATABASE_URL) return { url: config.DATABASE_URL, embedded: false, close: async () => {} };
  const server = await startEmbeddedPostgres({
    directory: config.TIDEWAY_HOME,
    port: config.TIDEWAY_EMBEDDED_PORT,
    say: hint,
  });
  hint(`DATABASE_URL is not set: using the embedded Postgres in ${server.directory} on port ${server.port}.`);
  return { url: server.url, embedded: true, close: () => server.stop() };
}
