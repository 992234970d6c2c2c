import { defineConfig } from 'vitest/config';
import { PlainReporter } from './test/support/plain-reporter.ts';

/** What takes minutes, or root: servers that are failed over, filled up and frozen. One at a time, for their memory is measured. */
export default defineConfig({
  test: {
    name: 'disposable',
    include: ['test/disposable/**/*.test.ts'],
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 120_000,
    reporters: ['default', new PlainReporter()],
  },
});
