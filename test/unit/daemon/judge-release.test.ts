import { expect, test } from 'vitest';
import { judgeRelease } from '../../../src/daemon/judge-release.ts';

test.each([
  ['1.4.2', '1.4.2', 'fits'],
  ['1.4.3', '1.4.2', 'told'],
  ['1.5.0', '1.4.2', 'told'],
  ['1.6.0', '1.4.2', 'refused'],
  ['2.0.0', '1.9.0', 'refused'],
  ['1.4.1', '1.4.2', 'migrate'],
  ['1.3.9', '1.4.0', 'migrate'],
  ['1.9.9', '2.0.0', 'migrate'],
  ['1.5.0-rc.1', '1.4.0', 'migrate'],
  ['1.10.0', '1.9.0', 'told'],
  [undefined, '1.4.2', 'migrate'],
])('a database of %s and a daemon of %s: %s', (database, daemon, expected) => {
  const judgement = judgeRelease(database, daemon);
  const found = judgement.fits
    ? judgement.told === undefined
      ? 'fits'
      : 'told'
    : judgement.mend === 'tideway migrate'
      ? 'migrate'
      : 'refused';
  expect(found).toBe(expected);
  if (database !== undefined && database !== daemon) {
    expect(judgement.fits ? judgement.told : judgement.why).toContain(
      `holds Tideway ${database}; this is Tideway ${daemon}`,
    );
  }
});
