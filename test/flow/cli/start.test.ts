import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runningTideway } from '../../support/running-command.ts';

const home = mkdtempSync(join(tmpdir(), 'tideway-start-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

test('start says which database it uses, and stops cleanly on SIGTERM', async () => {
  const daemon = runningTideway(['start'], { TIDEWAY_HOME: home, TIDEWAY_EMBEDDED_PORT: '0', TIDEWAY_HTTP_PORT: '0' });
  await daemon.says('Tideway runs');
  expect(await daemon.end('SIGTERM')).toBe(0);
  expect(daemon.text()).toContain('DATABASE_URL is not set');
});
