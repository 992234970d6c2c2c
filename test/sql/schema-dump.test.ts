import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { schemaText } from '../../scripts/schema-text.ts';
import { useDatabase } from '../support/database.ts';

const { url } = useDatabase();

test('db/schema.sql is what the migrations make (npm run db:dump)', async () => {
  expect(readFileSync('db/schema.sql', 'utf8')).toBe(await schemaText(url));
});
