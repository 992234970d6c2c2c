import type { Pool } from 'pg';
import type { RunningDaemon } from '../support/daemon.ts';
import type { useOutbound } from '../flow/outbound/stage.ts';

/** The places at which a daemon can be killed (grep for `failpoint(` in src). */
export const PLACES = [
  'follow.read',
  'follow.marked',
  'push.claimed',
  'push.prepared',
  'push.answered',
  'push.completed',
  'pull.fetched',
  'pull.part',
  'pull.applied',
  'pull.confirmed',
  'pull.finished',
  'pull.reread',
] as const;

/** Keeps one daemon running, whatever kills it. */
export class Keeper {
  kills = 0;
  readonly #flow: ReturnType<typeof useOutbound>;
  readonly #env: Readonly<Record<string, string>>;
  #daemon: RunningDaemon | undefined;
  #dead = true;

  constructor(flow: ReturnType<typeof useOutbound>, env: Readonly<Record<string, string>> = {}) {
    this.#flow = flow;
    this.#env = env;
  }

  /** Resolves when the daemon has ended. */
  get death(): Promise<boolean> {
    return this.#dead ? Promise.resolve(true) : (this.#daemon?.ended ?? Promise.resolve('')).then(() => true);
  }

  get isDead(): boolean {
    return this.#dead;
  }

  async start(failpoint?: string): Promise<void> {
    await endLeases(this.#flow.pool);
    this.#dead = false;
    try {
      const daemon = await this.#flow.daemon({
        ...this.#env,
        ...(failpoint === undefined ? {} : { TIDEWAY_FAILPOINT: failpoint }),
      });
      this.#daemon = daemon;
      void daemon.ended.then((how) => {
        this.#dead = true;
        if (how === 'SIGKILL') this.kills += 1;
      });
    } catch (error) {
      // It may reach its fail point before it says that it runs.
      if (!String(error).includes('ended with SIGKILL')) throw error;
      this.#dead = true;
      this.kills += 1;
    }
  }

  /** kill -9, unless a fail point came first. */
  async kill(): Promise<void> {
    await this.#daemon?.kill();
  }
}

/** A killed owner's lease runs out; the test lets that time pass at once. */
async function endLeases(pool: Pool): Promise<void> {
  await pool.query(`update tideway_private.leases set expires_at = clock_timestamp()`);
}
