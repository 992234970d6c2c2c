import type { Session } from '../../src/connectors/connector.ts';
import type { PlainFault } from '../apps/plain/plain-faults.ts';
import type { Misbehaviour } from './contract.ts';

/** How most apps, or a proxy before them, show each trouble. */
export const FAULTS: Readonly<Record<Misbehaviour, PlainFault>> = {
  throttle: { kind: 'status', status: 429, headers: { 'retry-after': '0.01' } },
  not_found_page: { kind: 'status', status: 404, body: '<html>Not found</html>' },
  server_error: { kind: 'status', status: 502, body: '<html>Bad gateway</html>' },
  apply_then_server_error: { kind: 'status', status: 500, applied: true },
  web_page: { kind: 'body', contentType: 'text/html', body: '<!doctype html><title>Sign in</title>' },
  cut_off: { kind: 'truncate' },
  cut_off_cleanly: { kind: 'truncate', clean: true },
  empty: { kind: 'body', contentType: 'application/json', body: '' },
  hang: { kind: 'hang' },
  reset_before: { kind: 'reset' },
  drop_answer: { kind: 'drop_answer' },
};

/** A session whose app can be made to fail; only a request that is made to hang is given a short deadline. */
export function misbehaving<Settings>(
  session: Session<Settings>,
  fail: (how: Misbehaviour) => void,
  deadline = 200,
): { readonly session: Session<Settings>; readonly misbehave: (how: Misbehaviour) => void } {
  let hanging = false;
  return {
    session: {
      ...session,
      http: { send: (request) => session.http.send(hanging ? { ...request, deadline } : request) },
    },
    misbehave: (how) => {
      hanging = how === 'hang';
      fail(how);
    },
  };
}
