import { stopSignal, untilStopped } from '../src/cli/stop-signal.ts';
import { STAND_INS } from './stand-ins.ts';

const [name = ''] = process.argv.slice(2);
const start = Object.hasOwn(STAND_INS, name) ? STAND_INS[name] : undefined;
if (start === undefined) {
  console.error(`Usage: npm run stand-in -- <${Object.keys(STAND_INS).join('|')}>`);
  process.exitCode = 2;
} else {
  const { app, secret, connection, settings, system = name } = await start();
  const sql = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  console.log(`
A stand-in for ${name} runs on ${app.url} now. The daemon needs its secret, and leave to call this machine:

  export ${secret[0]}='${secret[1]}'
  export TIDEWAY_EGRESS_ALLOW=${new URL(app.url).host}
  npx tideway start

In psql, in place of the connection of the page:

  select tideway.connect(${sql(connection)}, ${sql(system)}, ${sql(JSON.stringify(settings))}, ${sql(`env:${secret[0]}`)});

Ctrl-C ends it; what it holds is gone then.`);
  await untilStopped(stopSignal());
  await app.stop();
}
