import { describe, expect, test } from 'vitest';
import { Fault } from '../../../src/model/fault.ts';
import { checkUrl, guardedLookup, parseEgressAllow } from '../../../src/runtime/egress.ts';

function verdict(work: () => void): string {
  try {
    work();
    return 'allowed';
  } catch (error) {
    if (error instanceof Fault) return error.facts.code;
    throw error;
  }
}

const check = (url: string, allow = ''): string => verdict(() => checkUrl(new URL(url), parseEgressAllow(allow)));

describe('an address written out', () => {
  test.for([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://１２７.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[64:ff9b::a00:1]/',
    'https://[2002:a00:1::]/',
    'https://[fd00::1]/',
    'https://0.0.0.0/',
    'https://10.1.2.3/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://100.64.0.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://224.0.0.1/',
    'https://user:pass@api.example.com/',
    'http://api.example.com/',
    'ftp://api.example.com/',
  ])('%s is blocked', (url) => {
    expect(check(url)).toBe('EGRESS_BLOCKED');
  });

  test.for([
    'https://api.example.com/v1',
    'https://93.184.216.34/',
    'https://[2606:2800:220:1::1]/',
    'https://odoo.example.com:8069/',
  ])('%s is allowed', (url) => {
    expect(check(url)).toBe('allowed');
  });
});

describe('the list of exceptions', () => {
  test.for([
    ['http://127.0.0.1:5700/', '127.0.0.1:5700', 'allowed'],
    ['http://127.0.0.1:5701/', '127.0.0.1:5700', 'EGRESS_BLOCKED'],
    ['http://127.0.0.1:5701/', '127.0.0.1', 'allowed'],
    ['https://10.0.3.4/', '192.168.0.0/16, 10.0.0.0/8', 'allowed'],
    ['https://11.0.3.4/', 'not-a-range/99,10.0.0.0/8', 'allowed'],
    ['https://192.168.3.4/', 'not-a-range/99,10.0.0.0/8', 'EGRESS_BLOCKED'],
    ['http://odoo.internal:8069/', 'ODOO.internal:8069', 'allowed'],
    ['http://[::1]:5700/', '[::1]:5700', 'allowed'],
    ['http://169.254.169.254/', '169.254.169.254', 'EGRESS_BLOCKED'],
    ['http://169.254.169.254/', '0.0.0.0/0', 'EGRESS_BLOCKED'],
    ['http://[fd00:ec2::254]/', '[fd00:ec2::254],::/0', 'EGRESS_BLOCKED'],
    ['http://[::ffff:169.254.169.254]/', '::/0,0.0.0.0/0', 'EGRESS_BLOCKED'],
  ] as const)('%s with "%s" is %s', ([url, allow, expected]) => {
    expect(check(url, allow)).toBe(expected);
  });
});

describe('a name', () => {
  const resolve = (addresses: readonly string[], allow = '', all = true): Promise<string> =>
    new Promise((done) => {
      const lookup = guardedLookup(new URL('https://api.example.com'), parseEgressAllow(allow), (_name, callback) => {
        callback(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        );
      });
      lookup('api.example.com', { all }, (error, found) => {
        done(error instanceof Fault ? error.facts.code : JSON.stringify(found));
      });
    });

  test('is blocked when any of its addresses is', async () => {
    expect(await resolve(['93.184.216.34', '127.0.0.1'])).toBe('EGRESS_BLOCKED');
    expect(await resolve(['93.184.216.34', '::ffff:10.0.0.1'])).toBe('EGRESS_BLOCKED');
  });

  test('is dialled at the addresses that were judged', async () => {
    expect(await resolve(['93.184.216.34', '2606:2800:220:1::1'])).toBe(
      '[{"address":"93.184.216.34","family":4},{"address":"2606:2800:220:1::1","family":6}]',
    );
    expect(await resolve(['93.184.216.34'], '', false)).toBe('"93.184.216.34"');
  });

  test('may be private when the list names it, and never where machines keep credentials', async () => {
    expect(await resolve(['10.0.0.1'], 'api.example.com')).toContain('10.0.0.1');
    expect(await resolve(['10.0.0.1'], '10.0.0.0/8')).toContain('10.0.0.1');
    expect(await resolve(['169.254.169.254'], 'api.example.com')).toBe('EGRESS_BLOCKED');
  });

  test('without an address is a DNS_ERROR', async () => {
    expect(await resolve([])).toBe('DNS_ERROR');
  });
});
