import { writeFileSync } from 'node:fs';
import { migrateDatabase } from '../src/cli/migrate-database.ts';
import { currentMigrations } from '../src/cli/migrations.ts';
import { schemaText } from './schema-text.ts';
import { withServer } from './with-server.ts';

await withServer(async (url) => {
  await migrateDatabase({ url, current: currentMigrations().length > 0, say: () => {} });
  writeFileSync('db/schema.sql', await schemaText(url));
});
console.log('Wrote db/schema.sql.');
