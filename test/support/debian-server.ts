import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrateDatabase } from '../../src/cli/migrate-database.ts';
import { currentMigrations } from '../../src/cli/migrations.ts';
import { startEmbeddedPostgres } from '../../src/runtime/embedded-postgres.ts';

const binaries = '/usr/lib/postgresql/15/bin';

/** Whether the packages are there; says which are not, and what is skipped for it. */
export function isInstalled(files: Record<string, string>, skipped: string): boolean {
  const missing = Object.keys(files).filter((name) => !existsSync(files[name] ?? ''));
  if (missing.length > 0) console.log(`Skipped: ${skipped}; missing: ${missing.join(', ')} (apt-get install).`);
  return missing.length === 0;
}

/** A migrated server of Debian's PostgreSQL 15, which brings the extensions that the packaged one lacks. */
export async function startDebianServer() {
  const directory = mkdtempSync(join(tmpdir(), 'tideway-debian-'));
  // The server has an account of its own where root starts it.
  chmodSync(directory, 0o755);
  const server = await startEmbeddedPostgres({ directory, binaries, settings: { fsync: 'off' } });
  await migrateDatabase({ url: server.url, current: currentMigrations().length > 0, say: () => {} });
  return {
    url: server.url,
    port: server.port,
    stop: async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
