import { createHmac } from 'node:crypto';
import { WooRefusal } from './woo-refusal.ts';

export interface WooKey {
  readonly consumer_key: string;
  readonly consumer_secret: string;
  readonly permission: 'read' | 'write' | 'read_write';
}

interface Ask {
  readonly method: string;
  readonly url: URL;
  readonly authorization: string | undefined;
  /** What the shop calls itself; OAuth signs that address. */
  readonly home: string;
  readonly secure: boolean;
  readonly now: number;
}

const refuse = (code: string, message: string): WooRefusal => new WooRefusal(401, code, message);
const ERROR = 'woocommerce_rest_authentication_error';

/** The doors of the shop: keys over https, signatures over http, nobody else. */
export class WooAuth {
  readonly keys: WooKey[];
  readonly #nonces = new Set<string>();

  constructor(keys: readonly WooKey[]) {
    this.keys = [...keys];
  }

  check(ask: Ask): void {
    const key = ask.secure ? this.#basic(ask) : this.#oauth(ask);
    const reads = ask.method === 'GET' || ask.method === 'HEAD';
    if (key === undefined) {
      throw reads
        ? refuse('woocommerce_rest_cannot_view', 'Sorry, you cannot list resources.')
        : refuse('woocommerce_rest_cannot_create', 'Sorry, you are not allowed to create resources.');
    }
    if (reads && key.permission === 'write')
      throw refuse(ERROR, 'The API key provided does not have read permissions.');
    if (!reads && key.permission === 'read')
      throw refuse(ERROR, 'The API key provided does not have write permissions.');
  }

  #basic({ url, authorization }: Ask): WooKey | undefined {
    const header = Buffer.from((authorization ?? '').replace(/^Basic /, ''), 'base64').toString();
    const consumerKey = url.searchParams.get('consumer_key') ?? header.split(':')[0] ?? '';
    const secret = url.searchParams.get('consumer_secret') ?? header.slice(header.indexOf(':') + 1);
    const key = this.keys.find((one) => one.consumer_key === consumerKey);
    if (key && key.consumer_secret !== secret) throw refuse(ERROR, 'Consumer secret is invalid.');
    return key;
  }

  #oauth({ method, url, home, now }: Ask): WooKey | undefined {
    const given = (name: string): string | null => url.searchParams.get(name);
    if (given('oauth_consumer_key') === null) return undefined;
    for (const name of ['oauth_timestamp', 'oauth_nonce', 'oauth_signature', 'oauth_signature_method']) {
      if (given(name) === null)
        throw refuse('woocommerce_rest_authentication_missing_parameter', `Missing OAuth parameter ${name}`);
    }
    const key = this.keys.find((one) => one.consumer_key === given('oauth_consumer_key'));
    if (key === undefined) throw refuse(ERROR, 'Consumer key is invalid.');
    const algorithm = { 'HMAC-SHA1': 'sha1', 'HMAC-SHA256': 'sha256' }[given('oauth_signature_method') ?? ''];
    if (algorithm === undefined) throw refuse(ERROR, 'Invalid signature - signature method is invalid.');
    // Of a parameter that comes twice PHP keeps the last.
    const parameters = [...new Map(url.searchParams)]
      .filter(([name]) => name !== 'oauth_signature')
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&');
    const base = [method, encode(home + url.pathname), encode(parameters)].join('&');
    const wanted = createHmac(algorithm, `${key.consumer_secret}&`).update(base).digest('base64');
    if (wanted !== given('oauth_signature'))
      throw refuse(ERROR, 'Invalid signature - provided signature does not match.');
    if (Math.abs(Number(given('oauth_timestamp')) - now / 1000) > 900) throw refuse(ERROR, 'Invalid timestamp.');
    const nonce = given('oauth_nonce') ?? '';
    if (this.#nonces.has(nonce)) throw refuse(ERROR, 'Invalid nonce - nonce has already been used.');
    this.#nonces.add(nonce);
    return key;
  }
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
