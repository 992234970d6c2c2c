import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { PlainReporter } from './test/support/plain-reporter.ts';

const has15 = existsSync('/usr/lib/postgresql/15/bin/postgres');
if (!has15)
  console.log('Not run: the SQL tests on PostgreSQL 15, which is not installed (apt-get install postgresql-15).');

const project = (name: string, include: string, globalSetup: string) => ({
  extends: true as const,
  test: { name, include: [include], globalSetup: [globalSetup], isolate: name === 'system' },
});

/** What needs Debian packages or root; each file says what it skips and why. */
export default defineConfig({
  test: {
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    reporters: ['default', new PlainReporter()],
    projects: [
      project('system', 'test/system/**/*.test.ts', 'test/support/postgres-server.ts'),
      ...(has15 ? [project('sql on 15', 'test/sql/**/*.test.ts', 'test/support/postgres-15.ts')] : []),
    ],
  },
});
