import { defineConfig } from 'vitest/config';
import { PlainReporter } from './test/support/plain-reporter.ts';

const project = (name: string, timeout: number, globalSetup: string[] = [], retry = 0) => ({
  extends: true as const,
  test: {
    name,
    // Files of SQL tests share nothing but code; to load it for each of them takes a fifth of their time.
    isolate: name !== 'sql',
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeout,
    hookTimeout: 60_000,
    globalSetup,
    retry,
  },
});
// Whole daemons under load: where a machine decides on a release, what passed only when tried again is printed, not hidden.
const again = process.env.CI === undefined ? 0 : 1;
const server = ['test/support/postgres-server.ts'];

export default defineConfig({
  test: {
    // More than there are processors: daemons under test wait for their apps and their polls much of the time.
    maxWorkers: 3,
    reporters: ['default', new PlainReporter()],
    projects: [
      project('repo', 30_000),
      project('unit', 20_000),
      project('sql', 30_000, server),
      project('connectors', 30_000),
      project('flow', 120_000, server, again),
      project('faults', 300_000, server, again),
    ],
  },
});
