import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../../src/runtime/embedded-postgres.ts';
import { tideway } from '../../support/command.ts';
import { runningTideway } from '../../support/running-command.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) console.log('Skipped: a server that takes TLS only (openssl makes its certificate).');

/** As managed servers are: TLS only, with a certificate that no authority of this machine has signed. */
describe.runIf(hasOpenssl)('a server that takes TLS only', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tideway-tls-'));
  const certificate = join(directory, 'data', 'server.crt');
  let server: EmbeddedPostgres;

  beforeAll(async () => {
    chmodSync(directory, 0o755);
    await (await startEmbeddedPostgres({ directory })).stop();
    const data = join(directory, 'data');
    const key = join(data, 'server.key');
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=tideway-test'],
        ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
      ],
      { stdio: 'pipe' },
    );
    const { uid, gid } = statSync(data);
    for (const file of [key, certificate]) chownSync(file, uid, gid);
    chmodSync(key, 0o600);
    const rules = ['all', 'replication'].map((database) => `hostssl ${database} all 127.0.0.1/32 scram-sha-256\n`);
    writeFileSync(join(data, 'pg_hba.conf'), rules.join(''));
    server = await startEmbeddedPostgres({ directory, settings: { ssl: 'on', fsync: 'off' } });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const asking = (query: string): Record<string, string> => ({ DATABASE_URL: `${server.url}${query}` });

  test('sslmode=require is enough to migrate, to be found well by doctor, and to run', async () => {
    const env = asking('?sslmode=require');
    expect(await tideway(['migrate'], { env })).toMatchObject({ code: 0, err: '' });
    const doctor = await tideway(['doctor', '--json'], { env });
    const findings = JSON.parse(doctor.out) as { check: string; state: string }[];
    expect(findings.find(({ check }) => check === 'direct connection')).toMatchObject({ state: 'ok' });
    const daemon = runningTideway(['start'], { ...env, TIDEWAY_HTTP_PORT: '0', TIDEWAY_LOG_FORMAT: 'json' });
    await daemon.says('Following the log');
    const client = new pg.Client({ connectionString: server.url, ssl: { rejectUnauthorized: false } });
    await client.connect();
    const { rows } = await client.query(
      `select bool_and(s.ssl) as encrypted, count(*) filter (where a.application_name = 'tideway/follow') > 0 as follows
         from pg_stat_activity a join pg_stat_ssl s using (pid) where a.application_name like 'tideway/%'`,
    );
    await client.end();
    expect(rows).toEqual([{ encrypted: true, follows: true }]);
    expect(await daemon.end('SIGTERM')).toBe(0);
  });

  test('sslmode=verify-full wants the authority, and takes it by sslrootcert', async () => {
    const unknown = await tideway(['status'], { env: asking('?sslmode=verify-full') });
    expect(unknown.code).not.toBe(0);
    expect(unknown.err).toContain('self-signed certificate');
    const known = await tideway(['status'], { env: asking(`?sslmode=verify-full&sslrootcert=${certificate}`) });
    expect(known).toMatchObject({ code: 0, err: '' });
  });

  test('without TLS the server refuses, and the error says so', async () => {
    const { code, err } = await tideway(['status'], { env: asking('') });
    expect(code).not.toBe(0);
    expect(err).toContain('no encryption');
  });
});
