import { z } from 'zod';
import { TidewayError } from './errors.ts';
import { nearest } from './nearest.ts';
import { readSealKeys } from './secrets.ts';

interface Variable {
  schema: z.ZodType;
  about: string;
  example: string;
  secret?: boolean;
}

const postgresUrl = z
  .string()
  .refine(
    (text) => /^postgres(ql)?:$/.test(protocolOf(text)),
    'is not an address like postgres://user:password@host:5432/database',
  );
const port = z.coerce
  .number('is not a port number')
  .int('is not a port number')
  .min(0, 'is below 0')
  .max(65535, 'is above 65535');
const slotName = z.string().regex(/^[a-z0-9_]{1,63}$/, 'may hold only lower-case letters, digits and _, at most 63');

/** Every variable that Tideway reads, in the order of .env.example. */
const variables = {
  DATABASE_URL: {
    schema: postgresUrl.optional(),
    about: 'The database to work on. Without it an embedded Postgres is started.',
    example: 'postgres://tideway:change-me@localhost:5432/app',
    secret: true,
  },
  TIDEWAY_REPLICATION_URL: {
    schema: postgresUrl.optional(),
    about: 'A direct connection for reading the log, when DATABASE_URL goes through a pooler.',
    example: '',
    secret: true,
  },
  TIDEWAY_SLOT: {
    schema: slotName.default('tideway'),
    about: 'Name of the replication slot.',
    example: 'tideway',
  },
  TIDEWAY_PUBLICATION: {
    schema: slotName.default('tideway'),
    about: 'Name of the publication.',
    example: 'tideway',
  },
  TIDEWAY_HTTP_HOST: {
    schema: z.string().min(1).default('127.0.0.1'),
    about: 'Where webhooks, health and metrics are served.',
    example: '127.0.0.1',
  },
  TIDEWAY_HTTP_PORT: {
    schema: port.default(9464),
    about: 'Its port; 0 takes any free one.',
    example: '9464',
  },
  TIDEWAY_HTTP_OPEN: {
    schema: z
      .string()
      .regex(/^ *((healthz|readyz|metrics) *(, *|$))*$/, 'may list only healthz, readyz and metrics')
      .default('healthz,readyz'),
    about: 'Which of healthz, readyz and metrics need no token from elsewhere, separated by commas.',
    example: 'healthz,readyz',
  },
  TIDEWAY_HTTP_ORIGINS: {
    schema: z.string().default(''),
    about: 'Pages that may call it from a browser (CORS), as https://host, separated by commas.',
    example: '',
  },
  TIDEWAY_HTTP_RATE: {
    schema: z.coerce.number('is not a number').positive('is not above 0').default(100),
    about: 'Requests a second that one token may send; twice as many at once.',
    example: '100',
  },
  TIDEWAY_HTTP_WAIT: {
    schema: z.coerce.number('is not a number').positive('is not above 0').max(50, 'is above 50').default(25),
    about: 'Seconds after which a request for a sync is answered 202, with the run to look at.',
    example: '25',
  },
  TIDEWAY_JWT_SECRET: {
    schema: z.string().min(32, 'is shorter than 32 characters').optional(),
    about: 'The secret that JSON Web Tokens are signed with (HS256).',
    example: '',
    secret: true,
  },
  TIDEWAY_JWKS_URL: {
    schema: z.url('is not an address like https://auth.example.com/.well-known/jwks.json').optional(),
    about: 'Where the public keys of JSON Web Tokens are (RS256, ES256, EdDSA).',
    example: '',
  },
  TIDEWAY_JWT_AUDIENCE: {
    schema: z.string().min(1).optional(),
    about: 'What the claim aud must hold; empty takes any.',
    example: '',
  },
  TIDEWAY_JWT_ISSUER: {
    schema: z.string().min(1).optional(),
    about: 'What the claim iss must be; empty takes any.',
    example: '',
  },
  TIDEWAY_PUBLIC_URL: {
    schema: z.url('is not an address like https://tideway.example.com').optional(),
    about: 'How apps reach this machine, for webhooks.',
    example: '',
  },
  TIDEWAY_EGRESS_ALLOW: {
    schema: z.string().default(''),
    about: 'Private hosts that connections may call, as host:port, separated by commas.',
    example: '',
  },
  TIDEWAY_NOTIFY_URL: {
    schema: z.url('is not an address like https://hooks.example.com/tideway').optional(),
    about: 'Where a read that failed is told, as JSON by POST.',
    example: '',
    secret: true,
  },
  TIDEWAY_SEAL_KEY: {
    schema: z.string().optional(),
    about: 'Keys for sealed: secrets as id:base64 of 32 bytes, separated by commas; the first one seals.',
    example: '',
    secret: true,
  },
  TIDEWAY_SEAL_KEY_FILE: {
    schema: z.string().optional(),
    about: 'A file with the same content instead.',
    example: '',
  },
  TIDEWAY_LOG_LEVEL: {
    schema: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'], 'is none of debug, info, warn, error, silent')
      .default('info'),
    about: 'The least important line to write.',
    example: 'info',
  },
  TIDEWAY_LOG_FORMAT: {
    schema: z.enum(['auto', 'json', 'text'], 'is none of auto, json, text').default('auto'),
    about: 'auto: readable on a terminal, JSON elsewhere.',
    example: 'auto',
  },
  TIDEWAY_HOME: {
    schema: z.string().min(1).default('.tideway'),
    about: 'Folder of the embedded Postgres.',
    example: '.tideway',
  },
  TIDEWAY_EMBEDDED_PORT: {
    schema: port.default(54329),
    about: 'Its port; the next free one is taken when it is busy.',
    example: '54329',
  },
} satisfies Record<string, Variable>;

type Name = keyof typeof variables;
export type Config = { readonly [Key in Name]: z.output<(typeof variables)[Key]['schema']> };

/** Read by tests and by failure drills only, so they are known but never advertised. */
const otherNames = ['TIDEWAY_FAILPOINT'];

/** Reads the environment once; all mistakes are told together. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const names = Object.keys(variables) as Name[];
  const mistakes: string[] = [];
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const variable: Variable = variables[name];
    const text = environment[name] === '' ? undefined : environment[name];
    const parsed = variable.schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else {
      const shown = variable.secret ? '' : ` (${JSON.stringify(text)})`;
      const mend = variable.example ? `for example ${name}=${variable.example}` : 'correct it or leave it out';
      mistakes.push(`${name}${shown} ${parsed.error.issues[0]?.message ?? 'is wrong'}; ${mend}`);
    }
  }
  if (environment.TIDEWAY_SEAL_KEY && environment.TIDEWAY_SEAL_KEY_FILE) {
    mistakes.push('TIDEWAY_SEAL_KEY and TIDEWAY_SEAL_KEY_FILE are both set; keep one of them');
  } else {
    try {
      readSealKeys(environment);
    } catch (error) {
      if (!(error instanceof TidewayError)) throw error;
      const name = environment.TIDEWAY_SEAL_KEY ? 'TIDEWAY_SEAL_KEY' : 'TIDEWAY_SEAL_KEY_FILE';
      mistakes.push(`${name}: ${error.message} ${error.mend ?? ''}`);
    }
  }
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('TIDEWAY_') || name.startsWith('TIDEWAY_TEST_')) continue;
    if (names.includes(name as Name) || otherNames.includes(name)) continue;
    const meant = nearest(name, names);
    mistakes.push(`${name} is not a variable of Tideway${meant ? `; did you mean ${meant}?` : '; remove it'}`);
  }
  if (mistakes.length > 0) {
    throw new TidewayError(
      'TWS01',
      `The configuration has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n${mistakes.map((line) => `  - ${line}`).join('\n')}`,
      {
        mend: 'Every variable is described in .env.example.',
      },
    );
  }
  return values as Config;
}

/** The text of .env.example. */
export function exampleEnvironment(): string {
  const entries = Object.entries(variables).map(([name, { about, example }]) => `# ${about}\n${name}=${example}\n`);
  return `# Every variable that Tideway reads. Copy to .env and change; an empty one counts as not set.\n\n${entries.join('\n')}`;
}

function protocolOf(text: string): string {
  return URL.canParse(text) ? new URL(text).protocol : '';
}
