import { createPublicKey, createVerify, type KeyObject } from 'node:crypto';

export interface ServiceAccount {
  readonly client_email: string;
  /** PEM; only what signs with the private half is let in. */
  readonly public_key: string;
}

export interface GoogleUser {
  readonly client_id: string;
  readonly client_secret: string;
  readonly refresh_token: string;
  readonly email: string;
}

export interface AuthOptions {
  readonly service?: ServiceAccount;
  readonly user?: GoogleUser;
  readonly tokenLife: number;
  readonly now: () => number;
  /** Where assertions may be meant for, besides Google's own address. */
  readonly audience: () => string;
}

/** Today's address and the one that Google's older clients still use. */
const AUDIENCES = ['https://oauth2.googleapis.com/token', 'https://www.googleapis.com/oauth2/v4/token'];

interface Grant {
  readonly email: string;
  readonly scopes: readonly string[];
  readonly until: number;
}

type TokenAnswer = { readonly status: number; readonly body: unknown };

const SCOPES = new Set(
  ['spreadsheets', 'spreadsheets.readonly', 'drive', 'drive.file', 'drive.readonly', 'drive.metadata.readonly'].map(
    (name) => `https://www.googleapis.com/auth/${name}`,
  ),
);

/** Google's token endpoint. */
export class GoogleAuth {
  private readonly options: AuthOptions;
  private readonly grants = new Map<string, Grant>();
  private readonly key: KeyObject | undefined;
  private made = 0;
  revoked = false;

  constructor(options: AuthOptions) {
    this.options = options;
    this.key = options.service && createPublicKey(options.service.public_key);
  }

  issued(): number {
    return this.made;
  }

  forgetAll(): void {
    this.grants.clear();
  }

  /** Who holds this token. */
  holder(authorization: string | undefined): Grant | undefined {
    const grant = this.grants.get(/^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '');
    return grant && grant.until > this.options.now() ? grant : undefined;
  }

  /** A token from nowhere, for clients that bring their own. */
  grant(email: string, scopes: readonly string[] = [...SCOPES]): string {
    this.made += 1;
    const token = `ya29.token-${String(this.made).padStart(8, '0')}`;
    this.grants.set(token, { email, scopes, until: this.options.now() + this.options.tokenLife * 1000 });
    return token;
  }

  exchange(form: URLSearchParams): TokenAnswer {
    const type = form.get('grant_type');
    if (type === 'refresh_token') return this.refresh(form);
    if (type === 'urn:ietf:params:oauth:grant-type:jwt-bearer') return this.assertion(form.get('assertion') ?? '');
    return fail('unsupported_grant_type', `Invalid grant_type: ${type ?? ''}`);
  }

  private refresh(form: URLSearchParams): TokenAnswer {
    const { user } = this.options;
    if (form.get('client_id') !== user?.client_id || form.get('client_secret') !== user?.client_secret) {
      return { ...fail('invalid_client', 'The OAuth client was not found.'), status: 401 };
    }
    if (this.revoked || form.get('refresh_token') !== user?.refresh_token) {
      return fail('invalid_grant', 'Token has been expired or revoked.');
    }
    return this.granted(user.email, [...SCOPES]);
  }

  private assertion(text: string): TokenAnswer {
    const [header = '', claims = '', signature = '', more] = text.split('.');
    const read = (part: string): Readonly<Record<string, unknown>> =>
      JSON.parse(Buffer.from(part, 'base64url').toString()) as Readonly<Record<string, unknown>>;
    let head, said;
    try {
      head = read(header);
      said = read(claims);
    } catch {
      return fail('invalid_request', 'Bad Request');
    }
    const { service, now, audience } = this.options;
    if (head['alg'] !== 'RS256' || more !== undefined || /[=+/]/.test(text))
      return fail('invalid_request', 'Bad Request');
    if (service === undefined || said['iss'] !== service.client_email)
      return fail('invalid_grant', 'Invalid grant: account not found');
    const verify = createVerify('RSA-SHA256').update(`${header}.${claims}`);
    if (!this.key || this.revoked || !verify.verify(this.key, Buffer.from(signature, 'base64url'))) {
      return fail('invalid_grant', 'Invalid JWT Signature.');
    }
    const seconds = now() / 1000;
    const [iat, exp] = [Number(said['iat']), Number(said['exp'])];
    if (!(exp > seconds && iat <= seconds + 300 && exp - iat <= 3600)) {
      return fail(
        'invalid_grant',
        'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
      );
    }
    if (![...AUDIENCES, audience()].includes(String(said['aud']))) {
      return fail('invalid_grant', 'Invalid JWT: Failed audience check.');
    }
    const scopes = typeof said['scope'] === 'string' ? said['scope'].split(' ') : [];
    if (scopes.length === 0 || scopes.some((scope) => !SCOPES.has(scope))) {
      return fail('invalid_scope', 'Invalid OAuth scope or ID token audience provided.');
    }
    return this.granted(typeof said['sub'] === 'string' ? said['sub'] : service.client_email, scopes);
  }

  private granted(email: string, scopes: readonly string[]): TokenAnswer {
    const token = this.grant(email, scopes);
    return { status: 200, body: { access_token: token, expires_in: this.options.tokenLife, token_type: 'Bearer' } };
  }
}

function fail(error: string, description: string): TokenAnswer {
  return { status: 400, body: { error, error_description: description } };
}
