import { z } from 'zod';

const address = (name: string, example: string) =>
  z.url({ protocol: /^https?$/, error: `${name} is an address, for instance ${example}` }).optional();

/** What a column can be said to hold, where its cells alone do not say it. */
const DECLARED = ['string', 'number', 'boolean', 'date', 'date-time', 'time', 'duration'] as const;

export type Kind = (typeof DECLARED)[number];

const tab = z.strictObject({
  /** The row that holds the names of the columns; rows above it are never looked at. */
  header_row: z.int().min(1).max(10_000).default(1),
  /** The column that identifies a row. Never guessed: a column inserted in front would change every identity. */
  key: z.string().min(1).optional(),
  /** Types of columns by name, where the formats of the cells do not tell. */
  types: z.record(z.string(), z.enum(DECLARED)).default({}),
});

export type TabSettings = z.infer<typeof tab>;

export const googleSheetsSettings = z.strictObject({
  /** The id in the document's address, between /d/ and /edit; without it all documents shared with the account. */
  spreadsheet: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'spreadsheet is the id in the document’s address, between /d/ and /edit')
    .optional(),
  /** By the name of the table: the tab's gid, or `<spreadsheet>:<gid>` where no spreadsheet is set. */
  tabs: z.record(z.string(), tab).default({}),
  /** The user for whom a service account with domain-wide delegation acts. */
  impersonate: z.email().optional(),
  /** Asks Drive for the document's version first and reads nothing while it stands. */
  skip_unchanged: z.boolean().default(true),
  /** Milliseconds after which the rows are read although the version stands. */
  read_anyway_after: z.int().min(0).max(86_400_000).default(600_000),
  /** Google gives a user of a project 60 reads and 60 writes a minute. */
  requests_per_minute: z.int().min(1).max(60_000).default(60),
  rows_per_write: z.int().min(1).max(2000).default(500),
  /** Milliseconds after which a request without an answer can no longer take effect. */
  request_life: z.int().min(0).max(3_600_000).default(180_000),
  /** One address for Sheets, Drive and tokens: a stand-in or a proxy. */
  base_url: address('base_url', 'http://127.0.0.1:4000'),
  /** Addresses of single hosts; they win over base_url. */
  sheets_url: address('sheets_url', 'https://sheets.googleapis.com'),
  drive_url: address('drive_url', 'https://www.googleapis.com'),
  token_url: address('token_url', 'https://oauth2.googleapis.com/token'),
});

export type GoogleSheetsSettings = z.infer<typeof googleSheetsSettings>;

/** Google's three hosts, without a slash at their end. */
export function placesOf(settings: GoogleSheetsSettings): { sheets: string; drive: string; token: string } {
  const base = settings.base_url?.replace(/\/+$/, '');
  const place = (own: string | undefined, path: string, real: string): string =>
    (own ?? (base === undefined ? real : base + path)).replace(/\/+$/, '');
  return {
    sheets: place(settings.sheets_url, '', 'https://sheets.googleapis.com'),
    drive: place(settings.drive_url, '', 'https://www.googleapis.com'),
    token: place(settings.token_url, '/token', 'https://oauth2.googleapis.com/token'),
  };
}

export function tabSettingsOf({ tabs }: GoogleSheetsSettings, table: string): TabSettings {
  return (Object.hasOwn(tabs, table) ? tabs[table] : undefined) ?? tab.parse({});
}
