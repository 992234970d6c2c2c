import { defineConfig } from 'vitest/config';
import { PlainReporter } from './test/support/plain-reporter.ts';

const WANTED = ['TIDEWAY_TEST_ODOO_URL', 'TIDEWAY_TEST_ODOO_DB', 'TIDEWAY_TEST_ODOO_USER', 'TIDEWAY_TEST_ODOO_KEY'];
const missing = WANTED.filter((name) => (process.env[name] ?? '') === '');
if (missing.length > 0)
  console.log(`Not run: the tests against a real Odoo, for want of ${missing.join(', ')} (see CONTRIBUTING.md).`);

/** One real Odoo, whose contacts the tests make, change and take away again. */
export default defineConfig({
  test: {
    name: 'odoo',
    include: missing.length > 0 ? [] : ['test/odoo/**/*.test.ts'],
    passWithNoTests: true,
    testTimeout: 1_800_000,
    hookTimeout: 300_000,
    globalSetup: ['test/support/postgres-server.ts'],
    reporters: ['default', new PlainReporter()],
  },
});
