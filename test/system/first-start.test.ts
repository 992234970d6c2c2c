import pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { killDaemons, startDaemon } from '../support/daemon.ts';
import { isInstalled, startDebianServer } from '../support/debian-server.ts';
import { waitFor } from '../support/wait-for.ts';

const installed = isInstalled(
  { 'postgresql-15': '/usr/lib/postgresql/15/bin/postgres' },
  'a daemon before the first mapping',
);

describe.runIf(installed)('a daemon before the first mapping', () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    await killDaemons();
    for (const end of ends.reverse()) await end();
  });

  // Before PostgreSQL 18 the log of a database without the publication cannot be decoded.
  test('is ready, and does not say again and again that it has no publication', async () => {
    const server = await startDebianServer();
    ends.push(() => server.stop());
    const psql = new pg.Pool({ connectionString: server.url });
    psql.on('error', () => {});
    ends.push(() => psql.end());
    const daemon = await startDaemon(server.url, { TIDEWAY_LOG_LEVEL: 'info' });
    const times = (event: string) => daemon.log().split(event).length - 1;
    const look = async () => {
      const { rows } = await psql.query<{ epoch: string }>(`select epoch from tideway_private.positions`);
      return Number(rows[0]?.epoch ?? 0);
    };

    // Each start of following has an epoch of its own.
    await waitFor(async () => expect(await look()).toBeGreaterThan(4), { within: 60_000 });
    expect(times('follow.log.followed')).toBe(1);
    expect(times('follow.position.doubted')).toBe(0);
  });
});
