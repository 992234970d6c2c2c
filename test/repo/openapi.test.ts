import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openApi } from '../../src/http/openapi.ts';

test('docs/openapi.json is what the endpoints check (npm run openapi)', () => {
  expect(JSON.parse(readFileSync('docs/openapi.json', 'utf8'))).toEqual(JSON.parse(JSON.stringify(openApi())));
});
