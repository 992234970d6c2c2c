import type { Lane, Limiter } from '../runtime/rate-limit.ts';
import type { Connector, Session } from './connector.ts';

/** The lease of a connection as its workers see it. */
export interface HeldLease {
  readonly epoch: string;
  /** Throws a `Fault` when the lease may be over: nothing may be sent then. */
  readonly assertHeld: () => void;
}

/** A connection that this daemon owns: what pull and push share of it. */
export interface OwnedConnection {
  readonly number: number;
  readonly name: string;
  readonly system: string;
  /** What metrics call it. */
  readonly label: string;
  readonly connector: Connector<unknown>;
  readonly settings: unknown;
  readonly lease: HeldLease;
  /** What its budget still allows. */
  readonly budgetLeft: Limiter['left'];
  /** One budget for both directions; the session's requests are refused once the lease may be over. */
  readonly session: (lane: Lane) => Session<unknown>;
  /** Begin nothing new. */
  readonly stopping: AbortSignal;
}
