import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/runtime/embedded-postgres.ts';

const home = '/usr/lib/postgresql/15';
if (!existsSync(`${home}/lib/plpgsql_check.so`))
  throw new Error('The profiler is missing: apt-get install postgresql-15 postgresql-15-plpgsql-check');

const directory = mkdtempSync(join(tmpdir(), 'tideway-coverage-'));
const seen = join(directory, 'seen');
const server = await startEmbeddedPostgres({
  directory,
  binaries: `${home}/bin`,
  settings: {
    fsync: 'off',
    max_connections: 200,
    max_replication_slots: 50,
    max_wal_senders: 50,
    max_prepared_transactions: 10,
    shared_preload_libraries: 'plpgsql,plpgsql_check',
    'plpgsql_check.profiler': 'on',
    'plpgsql_check.profiler_max_shared_chunks': 50_000,
  },
});
interface Seen {
  readonly line: number;
  times: number;
}
const statements = new Map<string, Map<number, Seen>>();
let status: number | null;
try {
  const client = new pg.Client({
    connectionString: Object.assign(new URL(server.url), { pathname: 'template1' }).href,
  });
  await client.connect();
  await client.query('create extension plpgsql_check');
  await client.end();
  writeFileSync(seen, '');
  ({ status } = spawnSync('npx', ['vitest', 'run', '--project', 'sql', ...process.argv.slice(2)], {
    env: { ...process.env, TIDEWAY_TEST_DATABASE_URL: server.url, TIDEWAY_TEST_COVERAGE: seen },
    stdio: ['ignore', 'ignore', 'inherit'],
  }));
  for (const line of readFileSync(seen, 'utf8').split('\n')) {
    if (line === '') continue;
    const seen = JSON.parse(line) as { name: string; statement: number; line: number; times: string | null };
    const known = statements.get(seen.name) ?? new Map<number, Seen>();
    const times = (known.get(seen.statement)?.times ?? 0) + Number(seen.times ?? 0);
    statements.set(seen.name, known.set(seen.statement, { line: seen.line, times }));
  }
} finally {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
}

const rooms = new Map<string, { all: number; run: number }>();
const never: string[] = [];
const partly: string[] = [];
for (const [name, known] of [...statements].sort()) {
  const object = name.slice(0, name.indexOf('(')).replace(/^tideway(_private)?\./, '');
  const room =
    readdirSync('db/source').find((one) => existsSync(`db/source/${one}/${object}.function.sql`)) ??
    'triggers and others';
  const run = [...known.values()].filter(({ times }) => times > 0).length;
  const sum = rooms.get(room) ?? { all: 0, run: 0 };
  rooms.set(room, { all: sum.all + known.size, run: sum.run + run });
  const left = [...new Set([...known.values()].filter(({ times }) => times === 0).map(({ line }) => line))];
  if (run === 0) never.push(name);
  else if (left.length > 0) partly.push(`${name}: ${left.sort((a, b) => a - b).join(', ')}`);
}
const percent = ({ all, run }: { all: number; run: number }): string =>
  `${((100 * run) / Math.max(1, all)).toFixed(1)} %`;
for (const [room, sum] of [...rooms].sort())
  console.log(`${room.padEnd(20)} ${percent(sum).padStart(7)} of ${String(sum.all)} statements`);
const whole = [...rooms.values()].reduce((sum, one) => ({ all: sum.all + one.all, run: sum.run + one.run }), {
  all: 0,
  run: 0,
});
console.log(`${'all'.padEnd(20)} ${percent(whole).padStart(7)} of ${String(whole.all)} statements`);
console.log(never.length === 0 ? 'Every function is entered.' : `Never entered:\n  ${never.join('\n  ')}`);
if (partly.length > 0) console.log(`Lines of bodies that were never reached:\n  ${partly.join('\n  ')}`);
if (status !== 0) console.log('Some tests failed, so the figures may be too low.');
