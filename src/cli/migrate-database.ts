import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { TidewayError } from '../runtime/errors.ts';
import { packageRoot, packageVersion } from '../runtime/package-root.ts';
import { connectionFault, describeUrl, driverAddress, openDatabase } from '../sql/database.ts';
import { readLedger } from '../sql/ledger.ts';
import type { Ledger } from '../sql/ledger.ts';
import { withMigrationLock } from '../sql/migration-lock.ts';
import { committedMigrations, currentMigrations } from './migrations.ts';

interface Options {
  url: string;
  /** Also what db/migrations/current holds: only in a checkout of the repository. */
  current: boolean;
  say: (line: string) => void;
}

/** Brings a database to this release: the migrations it lacks, then all of db/source. */
export async function migrateDatabase({ url, current, say }: Options): Promise<void> {
  const database = openDatabase({ url, part: 'migrate', connections: 2 });
  try {
    await withMigrationLock(
      database,
      () => say('Another tideway migrate works on this database; waiting for it.'),
      async () => {
        const before = await readLedger(database);
        refuseForeignLedger(before, url);
        refuseNewerDatabase(before, url);
        if (!current && currentMigrations().length > 0) {
          say('This checkout has migrations that are still being written; without --current they are left out.');
        }
        await runTool(current ? ['watch', '--once'] : ['migrate'], url);
        const after = await readLedger(database);
        for (const { filename } of after.applied.slice(before.applied.length)) say(`Migrated ${filename}.`);
        if (current) say('Applied db/migrations/current.');
        say((await applySource(url)).trim());
        const { release } = await readLedger(database);
        say(
          before.release && before.release.version !== release?.version
            ? `The database moved from Tideway ${before.release.version} to ${release?.version}.`
            : `The database holds Tideway ${release?.version} (source ${release?.source_hash}).`,
        );
      },
    );
  } catch (error) {
    throw connectionFault(error, url);
  } finally {
    await database.end({ timeout: 5 });
  }
}

function refuseForeignLedger({ applied, foreign }: Ledger, url: string): void {
  const ours = committedMigrations();
  const stranger = applied.find((row, index) => ours[index] !== undefined && ours[index].hash !== row.hash);
  if (!foreign && !stranger) return;
  const example = stranger?.filename ?? applied[0]?.filename;
  throw new TidewayError(
    'TWM01',
    `Schema graphile_migrate already keeps somebody else's migrations${example ? ` (for example ${example})` : ''}, and graphile-migrate knows only one chain per database.`,
    {
      where: describeUrl(url),
      mend: 'Put the SQL into your own chain: tideway migrate --print > tideway.sql',
    },
  );
}

function refuseNewerDatabase({ applied, release }: Ledger, url: string): void {
  const ours = committedMigrations();
  const unknown = applied[ours.length];
  const newer = release !== undefined && compareVersions(release.version, packageVersion) > 0;
  if (!unknown && !newer) return;
  throw new TidewayError(
    'TWM02',
    `The database holds Tideway ${release?.version ?? 'of an unknown version'}${unknown ? ` with migration ${unknown.filename}` : ''}; this is Tideway ${packageVersion}, which is older.`,
    {
      where: describeUrl(url),
      mend: `Install Tideway ${release?.version ?? 'of the database'} or newer. Nothing was changed.`,
    },
  );
}

function compareVersions(a: string, b: string): number {
  const parts = (version: string) => version.split(/[-+]/)[0]?.split('.').map(Number) ?? [];
  const [left, right] = [parts(a), parts(b)];
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

async function applySource(url: string): Promise<string> {
  return run([join(packageRoot, 'db/apply-source.mjs')], { GM_DBURL: driverAddress(url) }, 'db/apply-source.mjs');
}

async function runTool(args: string[], url: string): Promise<void> {
  mkdirSync(join(packageRoot, 'db/migrations/committed'), { recursive: true });
  const manifest = createRequire(import.meta.url).resolve('graphile-migrate/package.json');
  await run(
    [join(dirname(manifest), 'dist/cli.js'), ...args],
    { DATABASE_URL: driverAddress(url) },
    'graphile-migrate',
  );
}

function run(args: string[], env: Record<string, string>, name: string): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, args, {
      cwd: packageRoot,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => output.push(text));
    child.once('error', fail);
    child.once('close', (code) => {
      const text = output.join('');
      if (code === 0) return done(text);
      const own = name === 'db/apply-source.mjs';
      fail(
        new TidewayError(
          own ? 'TWM03' : 'TWM04',
          own ? `db/source could not be applied.\n${text.trim()}` : `A migration failed.\n${firstWords(text)}`,
          { mend: 'Nothing of it was kept. Mend what is said above and run tideway migrate again.' },
        ),
      );
    });
  });
}

/** graphile-migrate adds its own call stack to what Postgres said. */
function firstWords(text: string): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at /.test(line))
    .join('\n');
}
