import { generateKeyPairSync } from 'node:crypto';
import { googleSheets } from '../../src/connectors/google-sheets/google-sheets.ts';
import { googleSheetsSettings, type GoogleSheetsSettings } from '../../src/connectors/google-sheets/settings.ts';
import { startSheetsApp, type SheetsApp, type SheetsAppOptions } from '../apps/google-sheets/sheets-app.ts';
import type { TabOptions } from '../apps/google-sheets/sheets-store.ts';
import { openSession, type OpenSession } from './open-session.ts';

const pair = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
const { publicKey, privateKey } = pair();
const { privateKey: foreignKey } = pair();

export const DOCUMENT = '1AbC-document_id';
const EMAIL = 'sync@project.iam.gserviceaccount.com';
const keyFile = (private_key: string): string =>
  JSON.stringify({
    type: 'service_account',
    client_email: EMAIL,
    private_key,
    private_key_id: 'f00d1e5f00d1e5',
    token_uri: 'https://elsewhere.example.com/token',
  });

export const SECRET = keyFile(privateKey);
export const WRONG_SECRET = keyFile(foreignKey);
export const SERVICE = { client_email: EMAIL, public_key: publicKey };

/** The connector at a pace for tests; its own pace has a test too. */
export const swift: typeof googleSheets = {
  ...googleSheets,
  describe: (settings) => {
    const description = googleSheets.describe(settings);
    const { rates } = description.limits;
    return {
      ...description,
      limits: {
        ...description.limits,
        rates: { requestsPerSecond: 10_000, burst: 10_000, concurrency: rates.concurrency },
      },
    };
  },
};

export interface SheetsRig extends OpenSession<GoogleSheetsSettings> {
  readonly app: SheetsApp;
  stop(): Promise<void>;
}

export interface RigOptions {
  readonly tabs: readonly TabOptions[];
  readonly timeZone?: string;
  readonly app?: Partial<SheetsAppOptions>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly secret?: string;
  readonly now?: () => number;
}

export async function openSheets({ tabs, timeZone, app: own, settings, secret, now }: RigOptions): Promise<SheetsRig> {
  const app = await startSheetsApp({
    service: SERVICE,
    documents: [{ id: DOCUMENT, title: 'Stock', tabs, ...(timeZone === undefined ? {} : { timeZone }) }],
    readsPerMinute: 1000,
    writesPerMinute: 1000,
    ...(now ? { now } : {}),
    ...own,
  });
  const opened = openSession({
    connector: swift,
    settings: googleSheetsSettings.parse({ spreadsheet: DOCUMENT, base_url: app.url, ...settings }),
    secret: secret ?? SECRET,
    deadline: 2000,
    ...(now ? { now } : {}),
  });
  return {
    ...opened,
    app,
    stop: async () => {
      await opened.close();
      await app.stop();
    },
  };
}
