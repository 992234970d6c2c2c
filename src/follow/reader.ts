import { Client, escapeIdentifier, escapeLiteral, type ClientConfig } from 'pg';

import type { ChangeBatch, ChangeEvent, ChangeStream, ServerIdentity } from './change-stream.ts';
import { formatLsn, parseLsn, type Lsn } from './lsn.ts';
import { PgoutputDecoder, type KeyColumns } from './pgoutput.ts';
import { classifyReaderError, ReaderError } from './reader-error.ts';

export interface ReaderOptions {
  readonly connection: ClientConfig;
  readonly slot: string;
  readonly publication: string;
  /** The stored position to carry on from; without it the slot's own. */
  readonly from?: Lsn;
  readonly keyColumns?: KeyColumns;
  readonly signal?: AbortSignal;
}

// Keys must read the same here and in the SQL that looks the rows up.
const pinnedSettings =
  '-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=1 -c bytea_output=hex -c lc_monetary=C';
const fullBatch = 5_000;
const fullBatchBytes = 4 * 1024 * 1024;
const busyBytesPerMs = 4 * 1024;
const gulpMs = 2;
const statusIntervalMs = 1_000;
const stopTimeoutMs = 1_000;
const microsecondsOf2000 = 946_684_800_000_000n;

/** The part of pg's connection that its published declarations leave out. */
interface CopyBoth {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

interface Waiter {
  resolve(result: IteratorResult<ChangeBatch, undefined>): void;
  reject(error: ReaderError): void;
}

/** Starts streaming and resolves once the server has agreed to it. Fails with a `ReaderError`. */
export async function openReader(options: ReaderOptions): Promise<ChangeStream> {
  options.signal?.throwIfAborted();
  const { connection, slot } = options;
  const ownOptions = connection.options === undefined ? '' : `${connection.options} `;
  const client = new Client({
    ...connection,
    ...{ replication: 'database' },
    options: ownOptions + pinnedSettings,
    keepAlive: true,
  });
  // Without a listener a dropped connection would end the process; the running query reports the same error.
  client.on('error', () => undefined);
  const giveUp = (): void => void client.connection.stream.destroy();
  options.signal?.addEventListener('abort', giveUp, { once: true });
  try {
    await client.connect();
    const server = await identify(client);
    if (options.from !== undefined && options.from > server.position) {
      throw new ReaderError(
        'position_ahead',
        `The stored position ${formatLsn(options.from)} lies beyond the server's ${formatLsn(server.position)}: ` +
          'this is another server or a restored one. Compare all rows before going on.',
      );
    }
    const interval = Math.min(statusIntervalMs, (await senderTimeout(client)) / 3);
    const reader = new WalReader(client, server, options);
    await reader.start(interval);
    return reader;
  } catch (error) {
    void client.end().catch(() => undefined);
    throw classifyReaderError(error, false, slot);
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
}

class WalReader implements ChangeStream {
  readonly server: ServerIdentity;
  readonly #client: Client;
  readonly #options: ReaderOptions;
  readonly #decoder: PgoutputDecoder;
  readonly #status = Buffer.alloc(34);
  #events: ChangeEvent[] = [];
  #bytes = 0;
  #position: Lsn | undefined;
  #handedOut: Lsn;
  #confirmed: Lsn;
  #waiter: Waiter | undefined;
  #failure: ReaderError | undefined;
  #ended = false;
  #stopping: Promise<void> | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #full = false;
  #gulping = false;
  /** Bytes whose pace was not looked at yet, and those of the millisecond that began at `#since`. */
  #unjudged = 0;
  #lately = 0;
  #since = 0;

  constructor(client: Client, server: ServerIdentity, options: ReaderOptions) {
    this.#client = client;
    this.server = server;
    this.#options = options;
    this.#decoder = new PgoutputDecoder(options.keyColumns);
    this.#confirmed = options.from ?? 0n;
    this.#handedOut = this.#confirmed;
    this.#status[0] = 0x72;
  }

  async start(statusInterval: number): Promise<void> {
    const { slot, publication, from } = this.#options;
    const { connection } = this.#client;
    const started = new Promise<void>((resolve) => connection.once('replicationStart', resolve));
    connection.on('copyData', (message: { chunk: Buffer }) => {
      this.#receive(message.chunk);
    });
    const running = this.#client.query(
      `START_REPLICATION SLOT ${escapeIdentifier(slot)} LOGICAL ${formatLsn(from ?? 0n)} ` +
        `(proto_version '1', publication_names ${escapeLiteral(escapeIdentifier(publication))}, messages 'true')`,
    );
    await Promise.race([started, running]);
    this.#running = running.then(
      () => {
        this.#finish(new ReaderError('connection_lost', 'The server ended the replication stream.'));
      },
      (error: unknown) => {
        this.#finish(classifyReaderError(error, true, slot));
      },
    );
    // Registered after pg's own listener: it runs when a whole chunk of the socket has been decoded.
    connection.stream.on('data', (chunk: Buffer) => {
      this.#afterChunk(chunk.length);
    });
    this.#timer = setInterval(() => {
      this.#sendStatus();
    }, statusInterval);
    this.#options.signal?.addEventListener('abort', () => void this.stop(), { once: true });
    this.#deliver();
  }

  [Symbol.asyncIterator](): AsyncIterator<ChangeBatch, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        await this.stop();
        return { done: true, value: undefined };
      },
    };
  }

  confirm(position: Lsn): void {
    if (position > this.#handedOut) {
      throw new RangeError(
        `Position ${formatLsn(position)} was not handed out yet; the last one is ${formatLsn(this.#handedOut)}.`,
      );
    }
    if (position > this.#confirmed) {
      this.#confirmed = position;
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { connection } = this.#client;
    if (!this.#ended) {
      this.#sendStatus();
      (connection as unknown as CopyBoth).endCopyFrom();
      connection.stream.resume();
      let deadline: NodeJS.Timeout | undefined;
      // A server in the middle of a large transaction sends all of it before it looks up.
      const patience = new Promise<void>((resolve) => {
        deadline = setTimeout(resolve, stopTimeoutMs);
      });
      await Promise.race([this.#running, patience]);
      clearTimeout(deadline);
    }
    this.#finish(undefined);
    await this.#client.end().catch(() => undefined);
  }

  #next(): Promise<IteratorResult<ChangeBatch, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#deliver();
    });
  }

  #receive(chunk: Buffer): void {
    if (this.#stopping !== undefined || this.#failure !== undefined) {
      return;
    }
    if (chunk[0] === 0x6b) {
      if (chunk[17] === 1) {
        this.#sendStatus();
      }
      return;
    }
    let event: ChangeEvent | undefined;
    try {
      event = this.#decoder.decode(chunk, 25);
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      this.#finish(new ReaderError('server', `The log stream cannot be read: ${said}`, undefined, error));
      this.#client.connection.stream.destroy();
      return;
    }
    if (event === undefined) {
      return;
    }
    this.#events.push(event);
    if (event.kind === 'commit') {
      this.#position = event.endLsn;
    } else if (event.kind === 'message') {
      this.#bytes += event.content.length;
      if (event.transaction === undefined) {
        this.#position = event.lsn;
      }
    } else if ('key' in event && event.key !== undefined) {
      for (const value of event.key) {
        this.#bytes += value.length;
      }
    }
  }

  #afterChunk(size: number): void {
    this.#deliver();
    this.#full = this.#events.length >= fullBatch || this.#bytes >= fullBatchBytes;
    this.#steer();
    if (this.#unjudged === 0) {
      setImmediate(() => {
        this.#judge();
      });
    }
    this.#unjudged += size;
  }

  /** Runs when the socket is empty. The server wakes us for every row: while much comes, letting the socket fill for a moment saves both sides work. */
  #judge(): void {
    const now = performance.now();
    if (now - this.#since >= 1) {
      this.#since = now;
      this.#lately = 0;
    }
    this.#lately += this.#unjudged;
    this.#unjudged = 0;
    if (this.#lately >= busyBytesPerMs && !this.#gulping) {
      this.#gulping = true;
      setTimeout(() => {
        this.#gulping = false;
        this.#steer();
      }, gulpMs);
      this.#steer();
    }
  }

  #steer(): void {
    const { stream } = this.#client.connection;
    if (this.#stopping === undefined && (this.#full || this.#gulping)) {
      stream.pause();
    } else {
      stream.resume();
    }
  }

  #deliver(): void {
    const waiter = this.#waiter;
    if (waiter === undefined) {
      return;
    }
    if (this.#events.length > 0 && this.#stopping === undefined) {
      const batch: ChangeBatch = { events: this.#events, position: this.#position };
      this.#handedOut = this.#position ?? this.#handedOut;
      this.#events = [];
      this.#bytes = 0;
      this.#position = undefined;
      this.#waiter = undefined;
      if (this.#full) {
        this.#full = false;
        this.#steer();
      }
      waiter.resolve({ done: false, value: batch });
    } else if (this.#failure !== undefined) {
      this.#waiter = undefined;
      waiter.reject(this.#failure);
    } else if (this.#ended || this.#stopping !== undefined) {
      this.#waiter = undefined;
      waiter.resolve({ done: true, value: undefined });
    }
  }

  #finish(failure: ReaderError | undefined): void {
    clearInterval(this.#timer);
    this.#ended = true;
    if (this.#stopping === undefined) {
      this.#failure ??= failure;
    }
    this.#deliver();
  }

  #sendStatus(): void {
    if (this.#ended) {
      return;
    }
    const status = this.#status;
    // Written, flushed and applied are one: nothing counts before the consumer has stored it.
    status.writeBigUInt64BE(this.#confirmed, 1);
    status.writeBigUInt64BE(this.#confirmed, 9);
    status.writeBigUInt64BE(this.#confirmed, 17);
    status.writeBigInt64BE(BigInt(Date.now()) * 1_000n - microsecondsOf2000, 25);
    (this.#client.connection as unknown as CopyBoth).sendCopyFromChunk(status);
  }
}

async function identify(client: Client): Promise<ServerIdentity> {
  const result = await client.query<{ systemid: string; timeline: number; xlogpos: string }>('IDENTIFY_SYSTEM');
  const row = result.rows[0];
  if (row === undefined) {
    throw new ReaderError('server', 'The server did not identify itself.');
  }
  const level = await client.query<{ wal_level: string }>('SHOW wal_level');
  if (level.rows[0]?.wal_level !== 'logical') {
    throw new ReaderError(
      'wal_level',
      `wal_level is ${level.rows[0]?.wal_level ?? 'unknown'}; set it to logical and restart the server.`,
    );
  }
  return { systemId: row.systemid, timeline: Number(row.timeline), position: parseLsn(row.xlogpos) };
}

/** Milliseconds; the server prints the setting with its unit. */
async function senderTimeout(client: Client): Promise<number> {
  const result = await client.query<{ wal_sender_timeout: string }>('SHOW wal_sender_timeout');
  const match = /^(\d+)(ms|s|min|h|d)?$/.exec(result.rows[0]?.wal_sender_timeout ?? '');
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
  const milliseconds = Number(match?.[1] ?? 0) * (units[match?.[2] ?? 'ms'] ?? 1);
  return milliseconds === 0 ? Infinity : milliseconds;
}
