import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { useDatabase } from '../support/database.ts';

const { url } = useDatabase();

test('docs/sql-reference.md is what the comments in the catalogue say', async () => {
  const check = promisify(execFile)('node', ['scripts/sql-reference.mjs', '--check'], {
    env: { ...process.env, DATABASE_URL: url },
  });
  await expect(check).resolves.toMatchObject({ stderr: '' });
});
