import { test } from 'vitest';
import { useOutbound } from '../flow/outbound/stage.ts';
import { seed } from '../support/seed.ts';
import { plain } from './apps/plain.ts';
import { converge } from './converge.ts';

const flow = useOutbound();
const keys = process.env.TIDEWAY_TEST_KEYS === '1';
const rounds = Number(process.env.TIDEWAY_TEST_ROUNDS ?? 1);

for (let round = 0; round < rounds; round += 1)
  for (const apps of [2, 3]) {
    const mine = seed + round;
    test(`${String(apps)} apps on one table converge, whatever people, faults and kills do (seed ${String(mine)})`, async () => {
      const kinds = Array.from({ length: apps }, () => plain);
      await converge(flow, { kinds, seed: mine * 8 + apps, steps: 60, keys });
    });
  }
