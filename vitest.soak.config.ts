import { defineConfig } from 'vitest/config';
import { PlainReporter } from './test/support/plain-reporter.ts';

const minutes = Number(process.env.TIDEWAY_TEST_MINUTES ?? 10);

/** Everything at once, for minutes or hours (npm run test:soak). */
export default defineConfig({
  test: {
    name: 'soak',
    include: ['test/soak/**/*.test.ts'],
    testTimeout: (minutes + 20) * 60_000,
    hookTimeout: 60_000,
    globalSetup: ['test/support/postgres-server.ts'],
    reporters: [new PlainReporter()],
  },
});
