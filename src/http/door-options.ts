import type { ServerClock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Database } from '../sql/database.ts';
import type { JwtRules } from './jwt.ts';
import type { OpenTarget } from './webhook-targets.ts';

export interface DoorOptions {
  readonly host: string;
  readonly port: number;
  readonly slot: string;
  readonly database: Database;
  readonly metrics: Metrics;
  readonly clock: ServerClock;
  readonly log: Log;
  /** The connection of a webhook address with its secrets opened: the daemon knows how. */
  readonly openTarget: OpenTarget;
  readonly jwt: JwtRules;
  /** Names of the probes that need no token from elsewhere. */
  readonly open: string;
  /** Origins of pages that may call. */
  readonly origins: string;
  readonly rate: number;
  /** Milliseconds that a request may take before it is answered 202. */
  readonly patience: number;
  /** Milliseconds until a request must be there. */
  readonly arriveWithin?: number;
  readonly mostSockets?: number;
}
