import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { close } from '../../src/connectors/close/close.ts';
import { closeSettings, type CloseSettings } from '../../src/connectors/close/settings.ts';
import type { Cursor, Session } from '../../src/connectors/connector.ts';
import { signedHeaders, startCloseApp, type CloseAppOptions } from '../apps/close/close-app.ts';
import type { PlainFault } from '../apps/plain/plain-faults.ts';
import { exerciseConnector, type Misbehaviour } from './contract.ts';
import { openSession } from './open-session.ts';

const KEY = 'api_standin.secret-77';
const HOOK_KEY = 'aa'.repeat(32);

const FAULTS: Record<Misbehaviour, PlainFault> = {
  throttle: {
    kind: 'status',
    status: 429,
    headers: { ratelimit: 'limit=100, remaining=0, reset=0.01', 'retry-after': '1' },
    body: '{"message":"API call count exceeded for this period"}',
  },
  not_found_page: { kind: 'status', status: 404, body: '<html>Not found</html>' },
  server_error: { kind: 'status', status: 502, body: '<html>Bad gateway</html>' },
  apply_then_server_error: { kind: 'status', status: 500, applied: true, body: '{"error":"Internal error"}' },
  web_page: { kind: 'body', contentType: 'text/html', body: '<!doctype html><title>Log in</title>' },
  cut_off: { kind: 'truncate' },
  cut_off_cleanly: { kind: 'truncate', clean: true },
  empty: { kind: 'body', contentType: 'application/json', body: '' },
  hang: { kind: 'hang' },
  reset_before: { kind: 'reset' },
  drop_answer: { kind: 'drop_answer' },
};

async function open(options: Partial<CloseAppOptions> = {}, settings: Partial<CloseSettings> = {}) {
  const app = await startCloseApp({ key: KEY, ...options });
  const made = (base: string): CloseSettings =>
    closeSettings.parse({ base_url: base, requests_per_second: 100, concurrency: 16, ...settings });
  const now = options.now ?? Date.now;
  const common = { connector: close, settings: made(app.url), secret: KEY, now };
  const good = openSession({ ...common, deadline: 2000 });
  const hasty = openSession({ ...common, deadline: 200 });
  const wrong = openSession({ ...common, secret: 'api_wrong.secret-78' });
  const absent = openSession({ ...common, settings: made('http://127.0.0.1:1') });
  let hanging = false;
  const session: Session<CloseSettings> = {
    ...good.session,
    http: { send: (request) => (hanging ? hasty : good).session.http.send(request) },
  };
  return {
    app,
    session,
    tokens: good.tokens,
    withWrongSecret: wrong.session,
    withNobodyThere: absent.session,
    misbehave: (how: Misbehaviour) => {
      hanging = how === 'hang';
      app.fail({ with: FAULTS[how] });
    },
    close: async () => {
      await Promise.all([good, hasty, wrong, absent].map((opened) => opened.close()));
      await app.stop();
    },
  };
}

/** A clock that moves on whenever somebody looks at it, so that no two records are of one second. */
function ticking(): () => number {
  let at = Date.parse('2026-11-20T12:00:00Z');
  return () => (at += 400);
}

exerciseConnector({
  connector: close,
  table: 'leads',
  sample: (number) => ({
    name: `Acme ${String(number)}`,
    description: 'Heavy & hard',
    'custom.cf_leadKey': `k-${String(number)}`,
  }),
  correlation: 'custom.cf_leadKey',
  edits: { column: 'description', values: ['Light', 'Blunt'] },
  bad: { fields: { 'custom.cf_colour': 'green' }, column: 'custom.cf_colour' },
  exact: [
    { column: 'custom.cf_size', value: 0.1 },
    { column: 'custom.cf_visit', value: '2026-03-29T02:30:00+01:00' },
    { column: 'custom.cf_born', value: '2026-02-28' },
    { column: 'custom.cf_tags', value: ['a', 'c'] },
    { column: 'custom.cf_odd', value: 'ü\u2028' },
    { column: 'addresses', value: [{ label: 'mailing', city: 'Bremen', country: 'DE' }] },
  ],
  readOnly: 'date_updated',
  network: true,
  open: async () => {
    const opened = await open({ now: ticking() });
    const { app } = opened;
    return {
      ...opened,
      edit: (id, fields) => {
        app.edit('lead', id, fields);
      },
      remove: (id) => {
        app.remove('lead', id);
      },
      effects: () => app.effects().length,
      webhook: {
        context: { settings: opened.session.settings, secrets: [HOOK_KEY], now: () => 1_790_000_000_000 },
        sign: (at) => {
          const body = JSON.stringify({
            event: {
              id: 'ev_1',
              date_updated: '2026-09-21T14:13:20',
              object_type: 'lead',
              object_id: 'r1',
              action: 'updated',
            },
            subscription_id: 'whsub_x',
          });
          return { headers: signedHeaders(HOOK_KEY, at / 1000, body), body: Buffer.from(body) };
        },
      },
    };
  },
});
