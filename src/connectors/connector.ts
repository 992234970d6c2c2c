import type { z } from 'zod';
import type { FieldType } from '../model/field-type.ts';
import type { Rates } from '../model/rates.ts';
import type { FieldValue, RemoteRecord } from '../model/record.ts';
import type { RemoteTable } from '../model/remote-table.ts';
import type { WriteOutcome, WriteRow } from '../model/write.ts';
import type { HttpClient } from '../runtime/http-client.ts';
import type { Memory } from '../runtime/memory.ts';

/**
 * Everything Tideway knows about one kind of app.
 *
 * A connector keeps nothing between calls: progress lives in Postgres; settings, secret, clock and the door to
 * the network arrive in the session. What a connector can do is exactly the optional methods it has.
 * Every method throws a `Fault` when the app cannot be asked or its answer cannot be believed.
 */
export interface Connector<Settings> {
  /**
   * Title, settings, types, limits. Pure: called at start, before any network. With settings it says what holds
   * for that connection, where an app has modes of different speed.
   */
  describe(this: void, settings?: Settings): Description<Settings>;

  /** Where requests of a connection go, secret included (`https://api.example.com`). Pure. */
  origins(this: void, settings: Settings): readonly string[];

  /**
   * The pieces of the connection's own secret that sign the app's webhooks, newest first. Pure.
   * (A secret of several pieces is a JSON object; those that the app gives out are in the token store.)
   */
  webhookSecrets?(this: void, secret: string, settings: Settings): readonly string[];

  /** Whose account the secret opens. The cheapest request that proves the connection works. */
  identify(this: void, session: Session<Settings>): Promise<Account>;

  /** The tables this account can see, with their columns; only the named ones when asked so. */
  discover(this: void, session: Session<Settings>, tables?: readonly string[]): Promise<readonly RemoteTable[]>;

  /**
   * The records that follow `after`. Reading twice from one cursor must not lose records; showing one twice is fine.
   * Throws CURSOR_EXPIRED when the app has forgotten the cursor: the read then starts at the beginning.
   */
  readPage?(this: void, session: Session<Settings>, request: PageRequest): Promise<Page>;

  /** The named records. An id that is in neither list of the answer stays unknown. */
  readByIds?(this: void, session: Session<Settings>, request: IdsRequest): Promise<IdsAnswer>;

  /** Every record whose column has one of these values, duplicates included. */
  findByKey?(this: void, session: Session<Settings>, request: KeyRequest): Promise<KeyAnswer>;

  /** Writes a batch: one outcome per row, in the order of the rows. */
  writeBatch?(this: void, session: Session<Settings>, request: WriteRequest): Promise<readonly WriteOutcome[]>;

  /** Proves a delivery genuine and says what to read again. Looks at raw bytes, uses no network. */
  verifyWebhook?(this: void, context: WebhookContext<Settings>, delivery: WebhookDelivery): WebhookVerdict;

  /** Makes or renews the app's subscription to `url`; called again before it expires. */
  keepWebhook?(this: void, session: Session<Settings>, request: SubscriptionRequest): Promise<Subscription>;
}

/** All times are milliseconds. */
export interface Description<Settings> {
  readonly title: string;
  readonly settings: z.ZodType<Settings>;
  readonly secret: {
    readonly required: boolean;
    /** What the secret is and where to get it, in one line. */
    readonly hint: string;
  };
  /** The app's own types, and what each becomes above the connector. */
  readonly types: readonly AppType[];
  readonly limits: Limits;
  readonly timing: Timing;
  readonly capabilities: Capabilities;
}

export interface AppType {
  readonly name: string;
  readonly type: FieldType;
  readonly writable: boolean;
  /** What is lost or changed on the way, when anything is. */
  readonly note?: string;
}

export interface Limits {
  readonly recordsPerPage: number;
  readonly rowsPerWrite: number;
  readonly bytesPerWrite?: number;
  readonly idsPerRead: number;
  readonly keysPerFind: number;
  /** What one connection may ask. */
  readonly rates: Rates;
  /** What all connections with the same secret may ask together, where the app counts so. */
  readonly sharedRates?: Rates;
}

export interface Timing {
  /** How long after its answer a write may be missing from reads; 0 when the answer already shows it. */
  readonly writeVisibleAfter: number;
  /** The same for `findByKey`, where that asks a search index. */
  readonly searchVisibleAfter: number;
  /** The longest time after which a request without an answer can still take effect. */
  readonly requestLife: number;
  /** How far back a read of changes looks again, because modified times are coarse or records appear late. */
  readonly changesOverlap: number;
}

export interface Capabilities {
  /** An update may send changed fields only. */
  readonly partialUpdate: boolean;
  /** What a delete does to the record. */
  readonly delete: 'permanent' | 'trash' | 'none';
  /** What a write can be made conditional on. */
  readonly compareAndSet: 'version' | 'field' | 'none';
  /** Which writes the app itself makes once only when they are sent twice. */
  readonly idempotencyKeys: 'all' | 'create' | 'none';
  /** How changes are found without reading everything. */
  readonly changes: 'feed' | 'modified_time' | 'none';
  /** Whether a read of changes also names the records that are gone. */
  readonly reportsDeletions: boolean;
  /** What zone the app's date-times are in before the connector makes them absolute. */
  readonly dateTimes: 'utc' | 'account' | 'offset';
}

/** What the engine hands to every call. */
export interface Session<Settings> {
  readonly settings: Settings;
  /** The resolved secret; never put it into a message, a URL or a record. */
  readonly secret: string | null;
  /** The one door to the app: bound to the connection's origins, paced by its rates. */
  readonly http: HttpClient;
  /** Secrets the app itself gives out (rotated refresh tokens, webhook secrets), kept sealed in Postgres. */
  readonly tokens: TokenStore;
  /** For facts that may be a few minutes old (a schema); gone with the connection's ownership. */
  readonly memory: Memory;
  /** The date as the database has it, in milliseconds since 1970: what is stored there is judged by it. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

export interface TokenStore {
  /** Cheap: asked once, then remembered while the connection is owned. */
  load(name: string): Promise<string | null>;
  /** Resolves when the value is committed; use the new value only then. */
  store(name: string, value: string): Promise<void>;
}

export interface Account {
  /** Never changes for the same account; a connection is pinned to it. */
  readonly id: string;
  readonly title: string;
}

/** A place in a read. Opaque JSON above the connector; survives a restart of the daemon. */
export type Cursor = { readonly [name: string]: FieldValue };

/** The engine's sequence number of a moment, taken from Postgres before the request starts. */
export type Moment = string;

export interface PageRequest {
  readonly table: string;
  /** The columns to read. */
  readonly columns: readonly string[];
  /** `full` shows every record; `changes` those changed since the read that returned the cursor was complete. */
  readonly mode: 'full' | 'changes';
  /** Null: the beginning. Else `next` of the page before, or of the last complete read. */
  readonly after: Cursor | null;
  readonly limit: number;
  /** A filter in the app's own language. */
  readonly filter: string | null;
  readonly askedFor: Moment;
}

export interface Page {
  readonly records: readonly RemoteRecord[];
  /** Ids the app itself reports as gone. */
  readonly gone: readonly string[];
  /** The next page; on a complete page, where a later read of changes begins (null: it cannot). */
  readonly next: Cursor | null;
  /** True only when the app said that nothing follows. Anything else is never proof of absence. */
  readonly complete: boolean;
  /** How many records the app says there are, for progress. */
  readonly total?: number;
  /** Milliseconds before the next page is worth asking for: the app is still preparing it. */
  readonly wait?: number;
  /** The moment of the oldest request whose data is in this page; earlier than asked when data was fetched before. */
  readonly askedFor: Moment;
}

export interface IdsRequest {
  readonly table: string;
  readonly columns: readonly string[];
  readonly ids: readonly string[];
  readonly askedFor: Moment;
}

export interface IdsAnswer {
  readonly records: readonly RemoteRecord[];
  /** Ids that the app says do not exist (or are in its bin). */
  readonly missing: readonly string[];
  readonly askedFor: Moment;
}

export interface KeyRequest {
  readonly table: string;
  readonly columns: readonly string[];
  readonly column: string;
  readonly values: readonly FieldValue[];
  readonly askedFor: Moment;
}

export interface KeyAnswer {
  readonly records: readonly RemoteRecord[];
  readonly askedFor: Moment;
}

export interface WriteRequest {
  readonly table: string;
  /** At most `rowsPerWrite`, and never two rows of one record. */
  readonly rows: readonly WriteRow[];
}

export interface WebhookContext<Settings> {
  readonly settings: Settings;
  /** Every secret that may have signed, newest first: during a rotation there are two. */
  readonly secrets: readonly string[];
  readonly now: () => number;
}

export interface WebhookDelivery {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A webhook is a doorbell: it says what to read again and carries no data. */
export type WebhookVerdict =
  | {
      readonly genuine: true;
      /** The same for every repetition of one delivery. */
      readonly deliveryId: string;
      /** Records to read again; a table without ids: read its changes. Empty: read the changes of every table. */
      readonly changed: readonly { readonly table: string; readonly ids: readonly string[] }[];
    }
  | {
      readonly genuine: false;
      readonly code: 'SIGNATURE_INVALID' | 'TIMESTAMP_SKEW' | 'BAD_RESPONSE';
      readonly reason: string;
    };

export interface SubscriptionRequest {
  readonly url: string;
  readonly tables: readonly string[];
  /** What the last call returned. */
  readonly known: Subscription | null;
}

export interface Subscription {
  readonly id: string;
  /** ISO 8601; null when it lasts until removed. */
  readonly expiresAt: string | null;
  /** Facts of the connector's own; no secrets: those go to the token store. */
  readonly state?: Cursor;
}
