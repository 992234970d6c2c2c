import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { withServer } from './with-server.ts';

const committed = 'db/migrations/committed';
mkdirSync(committed, { recursive: true });
await withServer(async (url) => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('create database tideway_work');
  await client.query('create database tideway_shadow');
  await client.end();
  const named = (name: string) => Object.assign(new URL(url), { pathname: name }).href;
  const env = {
    ...process.env,
    DATABASE_URL: named('tideway_work'),
    SHADOW_DATABASE_URL: named('tideway_shadow'),
    ROOT_DATABASE_URL: url,
  };
  execFileSync('npx', ['graphile-migrate', 'commit', ...process.argv.slice(2)], { env, stdio: 'inherit' });
  // graphile-migrate takes the right to read from everybody else, and the demo runs as an ordinary user too.
  for (const file of readdirSync(committed)) chmodSync(join(committed, file), 0o644);
});
