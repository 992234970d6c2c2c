import { defineConfig } from 'vitest/config';
import { PlainReporter } from './test/support/plain-reporter.ts';

/** One real Odoo: the one that is named, or Debian's, whose records the tests make, change and take away again. */
export default defineConfig({
  test: {
    name: 'odoo',
    include: ['test/odoo/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 300_000,
    globalSetup: ['test/support/postgres-server.ts', 'test/odoo/real-odoo.ts'],
    reporters: ['default', new PlainReporter()],
  },
});
