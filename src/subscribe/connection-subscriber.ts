import type { OwnedConnection } from '../connectors/owned-connection.ts';
import { Fault } from '../model/fault.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { NamedTasks } from '../runtime/named-tasks.ts';
import type { Work } from '../sql/connections/look-for-work.ts';
import type { Database } from '../sql/database.ts';
import { isDatabaseError, isOver } from '../sql/is-over.ts';
import { beginSubscription, storeSubscription } from '../sql/webhooks/subscriptions.ts';

export interface ConnectionSubscriberOptions {
  readonly owned: OwnedConnection;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** Asks the app to ring at our address, and looks regularly whether it still does. */
export class ConnectionSubscriber {
  readonly #options: ConnectionSubscriberOptions;
  readonly #tasks: NamedTasks;

  constructor(options: ConnectionSubscriberOptions) {
    this.#options = options;
    const { owned } = options;
    this.#tasks = new NamedTasks({ ...options, stopping: owned.stopping, connection: owned.name, isOver });
  }

  run(): Promise<void> {
    return this.#tasks.untilStopped();
  }

  handle(work: readonly Pick<Work, 'kind'>[]): void {
    if (this.#options.owned.connector.keepWebhook === undefined) return;
    if (work.some(({ kind }) => kind === 'subscribe')) this.#tasks.startIfFree('subscribe', () => this.#keep());
  }

  async #keep(): Promise<void> {
    const { owned, database, log } = this.#options;
    const { number, name, connector, lease } = owned;
    const wanted = await beginSubscription(database, number);
    if (wanted === undefined || connector.keepWebhook === undefined) return;
    try {
      lease.assertHeld();
      const known = await connector.keepWebhook(owned.session('pull'), wanted);
      await storeSubscription(database, number, lease.epoch, wanted, { known });
      if (known.id !== wanted.known?.id)
        log.info({ event: 'subscribe.webhook.kept', connection: name }, 'The app rings from now on');
    } catch (error) {
      if (isDatabaseError(error) || owned.stopping.aborted) throw error;
      // An app that does not ring is polled; so this is a warning and never stops a connection.
      const problem = error instanceof Fault ? error.message : `Tideway failed: ${messageOf(error)}`;
      log.warn(
        { event: 'subscribe.webhook.refused', connection: name, why: problem },
        'The webhook of the app could not be kept',
      );
      await storeSubscription(database, number, lease.epoch, wanted, { problem });
    }
  }
}
