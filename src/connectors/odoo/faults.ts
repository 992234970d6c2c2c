import type { FaultCode, FaultOptions } from '../../model/fault.ts';

/** What Odoo says of an error, the same over every protocol. */
export interface OdooError {
  /** The Python name of the exception. Messages are translated, so only the name decides. */
  readonly name: string;
  readonly message: string;
}

type Verdict = FaultOptions & { readonly code: FaultCode };

/** The whole call was rolled back and may be sent again. */
const ROLLED_BACK =
  /^psycopg2\.(errors\.|extensions\.)?(SerializationFailure|LockNotAvailable|DeadlockDetected|TransactionRollback\w*|PoolError)$|\.(PoolError|LockError|ConcurrencyError)$/;

/** The connection to the database broke, perhaps while the transaction was committed. */
const DATABASE_LOST = /^psycopg2\.(errors\.)?(OperationalError|InterfaceError|AdminShutdown|CrashShutdown)$/;

const DATA =
  /^(builtins\.\w+|psycopg2\.\S+|odoo\.exceptions\.(ValidationError|UserError|RedirectWarning|except_orm|Warning))$/;

/**
 * What an error means to Tideway. An error of Odoo's own means that its transaction was rolled back, so it is
 * certain, whatever the HTTP status; only a lost database leaves a write open.
 */
export function judge({ name }: OdooError, safe: boolean): Verdict {
  if (name.endsWith('.AccessDenied') || name === 'werkzeug.exceptions.Unauthorized') {
    return {
      code: 'AUTH_REVOKED',
      uncertain: false,
      suggestion: 'Give the connection a valid password or API key; API keys of Odoo 19 expire.',
    };
  }
  if (name.endsWith('.AccessError')) {
    return {
      code: 'PERMISSION_DENIED',
      uncertain: false,
      suggestion: 'Give the user the right in Odoo (access rights, record rules, allowed companies).',
    };
  }
  if (name.endsWith('.MissingError')) return { code: 'NOT_FOUND', uncertain: false };
  if (ROLLED_BACK.test(name)) return { code: 'SERVER_ERROR', retryable: true, uncertain: false };
  if (DATABASE_LOST.test(name)) {
    const suggestion = 'If this stays, check the name of the database in the connection’s settings.';
    return { code: 'SERVER_ERROR', retryable: true, uncertain: !safe, suggestion };
  }
  if (DATA.test(name)) return { code: 'VALUE_REFUSED', uncertain: false };
  return { code: 'REQUEST_REFUSED', uncertain: false };
}
