import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../src/runtime/embedded-postgres.ts';

/** Gives the work a throw-away server. */
export async function withServer<Result>(work: (url: string) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'tideway-script-'));
  // The server has an account of its own where root starts it.
  chmodSync(directory, 0o755);
  const server = await startEmbeddedPostgres({ directory, settings: { fsync: 'off' } });
  try {
    return await work(server.url);
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
