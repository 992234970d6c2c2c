/** A position in the write-ahead log, as a number that compares rightly across 4 GiB borders. */
export type Lsn = bigint;

const pattern = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;

export function parseLsn(text: string): Lsn {
  const match = pattern.exec(text);
  if (match === null) {
    throw new RangeError(`"${text}" is not a log position; write it as in "16/B374D848".`);
  }
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

export function formatLsn(lsn: Lsn): string {
  const high = (lsn >> 32n).toString(16);
  const low = (lsn & 0xffffffffn).toString(16);
  return `${high}/${low}`.toUpperCase();
}
