import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import pg from 'pg';
import { withServer } from './with-server.ts';

mkdirSync('db/migrations/committed', { recursive: true });
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
});
