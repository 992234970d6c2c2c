// Which processes a bench has started, in a file, so that whoever is left can stop exactly these.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const ticksPerSecond = 100;

/** The fields of /proc/<pid>/stat after the name; the first one is the state. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** A number is given to another process one day; its start tells them apart. */
const startOf = (pid) => statOf(pid)?.[19];

export function noteProcess(directory, pid) {
  const start = startOf(pid);
  if (start !== undefined) appendFileSync(join(directory, 'processes'), `${pid} ${start}\n`);
}

/** Seconds of processor time, of all its threads. */
export function cpuSeconds(pid) {
  const stat = statOf(pid);
  return stat === undefined ? undefined : (Number(stat[11]) + Number(stat[12])) / ticksPerSecond;
}

/** The most memory that it has held, in MB. */
export function peakMemory(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return undefined;
  }
}

/** Stops what a bench left running, its server too. */
export async function stopLeftProcesses(directory) {
  const noted = existsSync(join(directory, 'processes'))
    ? readFileSync(join(directory, 'processes'), 'utf8').trim().split('\n')
    : [];
  const left = noted
    .map((line) => line.split(' '))
    .filter(([pid, start]) => startOf(pid) === start)
    .map(([pid]) => ({ pid: Number(pid), signal: 'SIGKILL' }));
  const lock = join(directory, 'server', 'data', 'postmaster.pid');
  if (existsSync(lock)) {
    const pid = Number(readFileSync(lock, 'utf8').split('\n')[0]);
    const data = join(directory, 'server', 'data');
    if (pid > 0 && commandOf(pid).includes(data)) left.push({ pid, signal: 'SIGQUIT' });
  }
  for (const { pid, signal } of left) send(pid, signal);
  for (let waited = 0; waited < 10_000 && left.some(({ pid }) => !ended(pid)); waited += 50) await pause(50);
  return left.length;
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function ended(pid) {
  const stat = statOf(pid);
  return stat === undefined || stat[0] === 'Z';
}

function send(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in between.
  }
}
