import type { OwnedConnection } from '../connectors/owned-connection.ts';
import { Fault } from '../model/fault.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Database } from '../sql/database.ts';
import { noteTest } from '../sql/connections/note-test.ts';
import { storeCatalogue } from '../sql/connections/store-catalogue.ts';
import { applyDeletions } from '../sql/inbound/apply-deletions.ts';
import { askMoment } from '../sql/inbound/ask-moment.ts';
import { finishRequest } from '../sql/requests/finish-request.ts';
import { takeRequests, type Request } from '../sql/requests/take-requests.ts';
import { walk, type WalkOptions } from './walk.ts';

const TRY_AGAIN_AFTER = 5_000;

/** What people asked for and only the owner of the connection can do. Kinds that belong to other rooms are left to them. */
export class Requests {
  readonly #options: WalkOptions;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #notBefore = new Map<string, number>();

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  /** Takes what is new and starts it; long walks go on beside the pushes. */
  async take(): Promise<void> {
    const { database, owned, clock, log } = this.#options;
    for (const request of await takeRequests(database, owned.number, owned.lease.epoch, 'writes')) {
      if (this.#underWay.has(request.id) || clock.now() < (this.#notBefore.get(request.id) ?? 0)) continue;
      const work = this.#workFor(request);
      if (work === undefined) continue;
      const running = work()
        .catch((error: unknown) => {
          this.#notBefore.set(request.id, clock.now() + TRY_AGAIN_AFTER);
          log.error(
            { event: 'push.request.failed', request: request.kind, why: messageOf(error) },
            'A request failed; it is tried again',
          );
        })
        .finally(() => this.#underWay.delete(request.id));
      this.#underWay.set(request.id, running);
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  #workFor(request: Request): (() => Promise<void>) | undefined {
    const { database, owned } = this.#options;
    switch (request.kind) {
      case 'test_connection':
        return async () => {
          await testConnection(owned, database);
          await finishRequest(database, request.id);
        };
      case 'discover':
        return async () => {
          await readCatalogue(owned, database);
          await finishRequest(database, request.id);
        };
      case 'apply_deletions':
        return async () => {
          if (request.mapping !== null) {
            const { asked } = await askMoment(database);
            await applyDeletions(database, request.mapping, null, owned.lease.epoch, asked, []);
          }
          await finishRequest(database, request.id);
        };
      case 'compare':
      case 'backfill':
        return () => walk(request, this.#options);
      default:
        return undefined;
    }
  }
}

/** Asks the app who we are; the answer is in `tideway.connections`. */
async function testConnection(owned: OwnedConnection, database: Database): Promise<boolean> {
  try {
    owned.lease.assertHeld();
    const account = await owned.connector.identify(owned.session('push'));
    await noteTest(database, owned.number, { account: account.id });
    return true;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    await noteTest(database, owned.number, { problem: `${error.facts.code}: ${error.message}` });
    return false;
  }
}

/** Reads which tables and columns the app has; false when it could not be asked, which is noted as a failed test. */
export async function readCatalogue(owned: OwnedConnection, database: Database): Promise<boolean> {
  if (!(await testConnection(owned, database))) return false;
  try {
    const tables = await owned.connector.discover(owned.session('push'));
    await storeCatalogue(database, owned.number, tables);
    return true;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    await noteTest(database, owned.number, { problem: `${error.facts.code}: ${error.message}` });
    return false;
  }
}
