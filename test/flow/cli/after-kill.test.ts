import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { tideway } from '../../support/command.ts';
import { waitFor } from '../../support/wait-for.ts';

const home = mkdtempSync(join(tmpdir(), 'tideway-killed-'));
const env = { PATH: process.env.PATH ?? '', TIDEWAY_HOME: home, TIDEWAY_EMBEDDED_PORT: '0' };
afterAll(() => rmSync(home, { recursive: true, force: true }));

test('the demo goes on with the server of a killed one, and stops it', async () => {
  const child = spawn(process.execPath, ['dist/src/cli/main.js', 'demo'], { env });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  await waitFor(() => out.includes('Ctrl-C ends the demo'), { within: 60_000 });
  child.kill('SIGKILL');
  await waitFor(() => child.signalCode === 'SIGKILL');

  const second = await tideway(['demo', '--once'], { env });
  expect(second).toMatchObject({ code: 0, err: '', out: expect.stringContaining('runs already') as string });
  const third = await tideway(['demo', '--once'], { env });
  expect(third).toMatchObject({ code: 0, err: '', out: expect.stringContaining('started on port') as string });
});

test('start says which database it uses, and stops cleanly on SIGTERM', async () => {
  const child = spawn(process.execPath, ['dist/src/cli/main.js', 'start'], { env });
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  await waitFor(() => err.includes('Tideway runs'), { within: 60_000 });
  child.kill('SIGTERM');
  await waitFor(() => child.exitCode !== null, { within: 20_000 });
  expect(child.exitCode).toBe(0);
  expect(err).toContain('DATABASE_URL is not set');
});
