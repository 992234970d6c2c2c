import type { RunningDaemon } from '../../support/daemon.ts';

/** Where a daemon that the test started listens, as it says in its log. */
export function doorOf(daemon: RunningDaemon): string {
  const found = /"http":"([^"]+)"/.exec(daemon.log())?.[1];
  if (found === undefined) throw new Error('The daemon does not say where it listens.');
  return found;
}
