/** What kind of error it is; the class decides the reaction. */
export type FaultClass =
  | 'VALIDATION_ERROR'
  | 'TRANSFORM_ERROR'
  | 'API_ERROR'
  | 'RATE_LIMIT'
  | 'NETWORK_ERROR'
  | 'AUTH_ERROR'
  | 'CONFLICT'
  | 'INTERNAL'
  | 'DATABASE_ERROR';

interface CodeFacts {
  readonly class: FaultClass;
  /** Whether the same request may succeed later without anybody's help. */
  readonly retryable: boolean;
}

/** Every stable code, with its class and whether waiting can help. */
export const FAULT_CODES = {
  AUTH_EXPIRED: { class: 'AUTH_ERROR', retryable: false },
  AUTH_REVOKED: { class: 'AUTH_ERROR', retryable: false },
  PERMISSION_DENIED: { class: 'AUTH_ERROR', retryable: false },

  RATE_LIMITED: { class: 'RATE_LIMIT', retryable: true },
  QUOTA_EXHAUSTED: { class: 'RATE_LIMIT', retryable: false },

  CONNECTION_FAILED: { class: 'NETWORK_ERROR', retryable: true },
  CONNECTION_LOST: { class: 'NETWORK_ERROR', retryable: true },
  TIMEOUT: { class: 'NETWORK_ERROR', retryable: true },
  DNS_ERROR: { class: 'NETWORK_ERROR', retryable: true },
  TLS_ERROR: { class: 'NETWORK_ERROR', retryable: false },
  EGRESS_BLOCKED: { class: 'NETWORK_ERROR', retryable: false },

  SERVER_ERROR: { class: 'API_ERROR', retryable: true },
  BAD_RESPONSE: { class: 'API_ERROR', retryable: true },
  RESPONSE_TOO_LARGE: { class: 'API_ERROR', retryable: false },
  NOT_FOUND: { class: 'API_ERROR', retryable: false },
  REQUEST_REFUSED: { class: 'API_ERROR', retryable: false },
  CURSOR_EXPIRED: { class: 'API_ERROR', retryable: true },
  UNKNOWN_OUTCOME: { class: 'API_ERROR', retryable: true },
  WRITE_NOT_KEPT: { class: 'API_ERROR', retryable: false },
  DEPENDENCY_PENDING: { class: 'API_ERROR', retryable: true },

  SETTINGS_INVALID: { class: 'VALIDATION_ERROR', retryable: false },
  VALUE_REFUSED: { class: 'VALIDATION_ERROR', retryable: false },
  VALUE_TOO_LONG: { class: 'VALIDATION_ERROR', retryable: false },
  PAYLOAD_TOO_LARGE: { class: 'VALIDATION_ERROR', retryable: false },
  INVALID_CHARACTER: { class: 'VALIDATION_ERROR', retryable: false },
  INVALID_ENCODING: { class: 'VALIDATION_ERROR', retryable: false },
  NUMERIC_OUT_OF_RANGE: { class: 'VALIDATION_ERROR', retryable: false },
  DATE_OUT_OF_RANGE: { class: 'VALIDATION_ERROR', retryable: false },
  UNSUPPORTED_TYPE: { class: 'VALIDATION_ERROR', retryable: false },
  MAPPING_FIELD_MISSING: { class: 'VALIDATION_ERROR', retryable: false },
  TABLE_MISSING: { class: 'VALIDATION_ERROR', retryable: false },
  SIGNATURE_INVALID: { class: 'VALIDATION_ERROR', retryable: false },
  TIMESTAMP_SKEW: { class: 'VALIDATION_ERROR', retryable: false },

  CONFLICT: { class: 'CONFLICT', retryable: false },
  DUPLICATE_REMOTE: { class: 'CONFLICT', retryable: false },
  OVERWRITTEN: { class: 'CONFLICT', retryable: false },

  DATABASE_TROUBLE: { class: 'DATABASE_ERROR', retryable: true },
  INTERNAL: { class: 'INTERNAL', retryable: false },
} as const satisfies Readonly<Record<string, CodeFacts>>;

export type FaultCode = keyof typeof FAULT_CODES;

/** The facts of a fault as plain data, for an outcome, a row or a log line. */
export interface FaultFacts {
  readonly class: FaultClass;
  readonly code: FaultCode;
  readonly message: string;
  readonly retryable: boolean;
  /** True when the app may have carried out the request although no answer says so. */
  readonly uncertain: boolean;
  /** Milliseconds that the app asked us to wait. */
  readonly retryAfter?: number;
  readonly column?: string;
  /** HTTP status of the answer, when there was one. */
  readonly status?: number;
  /** What to do about it, for a person. */
  readonly suggestion?: string;
}

export interface FaultOptions {
  readonly uncertain?: boolean;
  readonly retryable?: boolean;
  readonly retryAfter?: number;
  readonly column?: string;
  readonly status?: number;
  readonly suggestion?: string;
  readonly cause?: unknown;
}

/** The only error that connectors and the HTTP client throw on purpose. Its text never holds a secret. */
export class Fault extends Error {
  readonly facts: FaultFacts;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    const { cause, ...rest } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Fault';
    this.facts = {
      class: FAULT_CODES[code].class,
      code,
      message,
      retryable: FAULT_CODES[code].retryable,
      uncertain: false,
      ...rest,
    };
  }
}
