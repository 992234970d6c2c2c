import { describe } from 'vitest';
import type { Connector } from '../../src/connectors/connector.ts';
import { googleSheetsSettings, type GoogleSheetsSettings } from '../../src/connectors/google-sheets/settings.ts';
import type { FieldValue } from '../../src/model/record.ts';
import { startSheetsApp, type SheetsAppOptions } from '../apps/google-sheets/sheets-app.ts';
import { exerciseConnector, type Misbehaviour } from './contract.ts';
import { DOCUMENT, SECRET, SERVICE, swift, WRONG_SECRET } from './google-sheets-rig.ts';
import { FAULTS } from './misbehaving.ts';
import { openSession } from './open-session.ts';

const GID = 7;
const HEADER = ['Id', 'Email', 'City', 'Amount', 'Met', 'Born', 'Active', 'constructor', 'Shouted'];

const OWN_FAULTS: typeof FAULTS = {
  ...FAULTS,
  server_error: { kind: 'status', status: 503, body: '<html>Service Unavailable</html>' },
};

const MOODS: Record<string, { app?: Partial<SheetsAppOptions>; settings?: Readonly<Record<string, unknown>> }> = {
  'a document': {},
  'a document whose new rows inherit no formats': { app: { inheritFormats: false } },
  'a document that is always read': { settings: { skip_unchanged: false } },
};

for (const [mood, { app: behaviour, settings: own }] of Object.entries(MOODS)) {
  describe(mood, () => {
    const settingsFor = (url: string): GoogleSheetsSettings =>
      googleSheetsSettings.parse({
        spreadsheet: DOCUMENT,
        base_url: url,
        tabs: { [GID]: { key: 'Id', types: { Met: 'date-time', Born: 'date' } } },
        ...own,
      });
    let writing = false;
    // A write looks rows up before it sends anything: what a test spoils is the write itself.
    const connector: Connector<GoogleSheetsSettings> = {
      ...swift,
      describe: (settings) => swift.describe(settings ?? settingsFor('http://127.0.0.1:1')),
      writeBatch: async (...given) => {
        writing = true;
        try {
          return (await swift.writeBatch?.(...given)) ?? [];
        } finally {
          writing = false;
        }
      },
    };

    exerciseConnector({
      connector,
      table: String(GID),
      sample: (number) => ({ Email: `p${String(number)}@example.com`, City: 'Bremen', Amount: 1.5 }),
      correlation: 'Email',
      edits: { column: 'City', values: ['Lübeck', 'Kiel'] },
      bad: { fields: { City: 'x'.repeat(50_001) }, column: 'City' },
      exact: [
        { column: 'Amount', value: 0.1 },
        { column: 'City', value: '12345678901234567890.123456789' },
        { column: 'City', value: '007' },
        { column: 'City', value: '=1+1' },
        { column: 'Met', value: '2026-03-29T02:30:00.123+01:00', shown: '2026-03-29T01:30:00.123Z' },
        { column: 'Born', value: '1900-02-28' },
        { column: 'Active', value: false },
        { column: 'constructor', value: 'a name that objects have already' },
      ],
      readOnly: 'Shouted',
      network: true,
      open: async () => {
        const app = await startSheetsApp({
          service: SERVICE,
          documents: [
            {
              id: DOCUMENT,
              title: 'People',
              timeZone: 'Europe/Berlin',
              tabs: [
                {
                  sheetId: GID,
                  title: 'Our people',
                  rows: [HEADER, [null, null, null, null, null, null, null, null, '=ARRAYFORMULA(UPPER(C2:C))']],
                },
              ],
            },
          ],
          readsPerMinute: 1000,
          writesPerMinute: 1000,
          ...behaviour,
        });
        const settings = settingsFor(app.url);
        const open = (given: GoogleSheetsSettings, secret: string) =>
          openSession({ connector: swift, settings: given, secret, deadline: 2000 });
        const good = open(settings, SECRET);
        const wrong = open(settings, WRONG_SECRET);
        const absent = open(settingsFor('http://127.0.0.1:1'), SECRET);
        let spoil: Misbehaviour | undefined;
        const http = {
          send: async (request: Parameters<typeof good.session.http.send>[0]) => {
            const isWrite = /:append|:batchUpdate/.test(request.url);
            if (spoil === undefined || isWrite !== writing) return good.session.http.send(request);
            const how = spoil;
            spoil = undefined;
            app.fail({ path: '/v4/', with: OWN_FAULTS[how] });
            // Only a request that is made to hang is given a short deadline.
            return good.session.http.send(how === 'hang' ? { ...request, deadline: 200 } : request);
          },
        };
        const rowOf = (id: string): number => app.person(GID).find(1, id);
        return {
          session: { ...good.session, http },
          withWrongSecret: wrong.session,
          withNobodyThere: absent.session,
          misbehave: (how) => {
            spoil = how;
          },
          edit: (id, fields) => {
            for (const [name, value] of Object.entries(fields)) {
              app.person(GID).set(rowOf(id), HEADER.indexOf(name) + 1, scalar(value));
            }
          },
          remove: (id) => {
            app.person(GID).deleteRow(rowOf(id));
          },
          effects: () => app.journal().filter(({ actor }) => actor === 'api').length,
          close: async () => {
            await Promise.all([good, wrong, absent].map((opened) => opened.close()));
            await app.stop();
          },
        };
      },
    });
  });
}

function scalar(value: FieldValue): string | number | boolean | null {
  if (value === null || typeof value !== 'object') return value;
  throw new Error('A cell holds one value.');
}
