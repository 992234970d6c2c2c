import type { TestProject } from 'vitest/node';
import setup from './postgres-server.ts';

/** The same on Debian's PostgreSQL 15, the oldest that is supported. */
export default function setupOn15(project: TestProject) {
  return setup(project, '15');
}
