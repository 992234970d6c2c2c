import { DatabaseError } from 'pg';

export type ReaderErrorKind =
  | 'slot_missing'
  | 'slot_lost'
  | 'slot_in_use'
  | 'pooler'
  | 'publication_missing'
  | 'wal_level'
  | 'position_ahead'
  | 'connection_lost'
  | 'server';

/** A failure of the log reader, told apart so that the follower knows whether to wait, to repair or to ask. */
export class ReaderError extends Error {
  readonly kind: ReaderErrorKind;
  readonly sqlstate: string | undefined;

  constructor(kind: ReaderErrorKind, message: string, sqlstate?: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ReaderError';
    this.kind = kind;
    this.sqlstate = sqlstate;
  }
}

export function classifyReaderError(error: unknown, streaming: boolean, slot: string): ReaderError {
  if (error instanceof ReaderError) {
    return error;
  }
  const said = error instanceof Error ? error.message : String(error);
  const code = sqlstateOf(error);
  if (code === undefined) {
    return new ReaderError('connection_lost', `The replication connection was lost: ${said}.`, undefined, error);
  }
  switch (code) {
    case '42704':
      // The slot is looked up when streaming starts, the publication only when the first change is sent.
      return streaming
        ? new ReaderError(
            'publication_missing',
            `Streaming stopped: ${said}. Create the publication again.`,
            code,
            error,
          )
        : new ReaderError('slot_missing', `Replication slot "${slot}" does not exist on this server.`, code, error);
    case '55000':
      return new ReaderError('slot_lost', `Replication slot "${slot}" can no longer be read: ${said}.`, code, error);
    case '55006':
      return new ReaderError(
        'slot_in_use',
        `Replication slot "${slot}" is read by another process: ${said}.`,
        code,
        error,
      );
    case '08P01':
      return new ReaderError(
        'pooler',
        `The server refused a replication connection: ${said}. Connect to Postgres directly, not through a pooler.`,
        code,
        error,
      );
    case '57P01':
    case '57P02':
    case '57P03':
    case '08006':
      return new ReaderError('connection_lost', `The replication connection was lost: ${said}.`, code, error);
    default:
      return new ReaderError('server', `Reading the log failed: ${said} (${code}).`, code, error);
  }
}

function sqlstateOf(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined;
}
