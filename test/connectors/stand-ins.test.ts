import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { STAND_INS } from '../../scripts/stand-ins.ts';
import { CONNECTORS } from '../../src/connectors/registry.ts';

test.each(Object.entries(STAND_INS))('the stand-in for %s fits its page', async (name, start) => {
  const page = readFileSync(name === 'cookbook' ? 'docs/cookbook.md' : `docs/systems/${name}.md`, 'utf8');
  const { app, secret, connection, settings, system = name } = await start();
  try {
    const connector = CONNECTORS.get(system);
    expect(connector?.describe().settings.safeParse(settings).error?.issues).toBeUndefined();
    if (name !== 'cookbook') {
      expect(page).toContain(`env:${secret[0]}`);
      expect(page).toContain(`tideway.connect('${connection}', '${system}'`);
    }
    expect((await fetch(app.url)).status).toBeGreaterThanOrEqual(200);
  } finally {
    await app.stop();
  }
});
