import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Answered } from './ask-panels.ts';

const SOURCES = 'scripts/pictures';
const FOLDER = resolve('.tideway/pictures');
const CELL = { width: 66, height: 38 };
const GAP = 8;

/** Makes sure that a program of Debian is there; as root it is installed. */
export function requireProgram(path: string, debianPackage: string): void {
  if (existsSync(path)) return;
  const install = ['install', '--yes', '--no-install-recommends', debianPackage];
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log(`Installing ${debianPackage}.`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update'], { stdio: 'ignore', env });
    spawnSync('apt-get', install, { stdio: 'ignore', env });
  }
  if (!existsSync(path)) {
    throw new Error(`${path} is missing and could not be installed. As root: apt-get ${install.join(' ')}`);
  }
}

/** Installs Grafana's components beside the project, which does not depend on them, and bundles the page. */
export function bundlePage(): void {
  mkdirSync(FOLDER, { recursive: true });
  const wanted = readFileSync(join(SOURCES, 'package.json'), 'utf8');
  const stamp = join(FOLDER, 'node_modules/.complete');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    console.log('Installing the components of Grafana into .tideway/pictures (600 MB).');
    writeFileSync(join(FOLDER, 'package.json'), wanted);
    // Scripts are left out: the only one that matters, esbuild's, checks its own binary.
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--legacy-peer-deps'];
    execFileSync('npm', ['install', ...options], { cwd: FOLDER, stdio: ['ignore', 'ignore', 'inherit'] });
    writeFileSync(stamp, wanted);
  }
  for (const file of ['draw.jsx', 'page.css']) copyFileSync(join(SOURCES, file), join(FOLDER, file));
  cpSync(join(FOLDER, 'node_modules/@grafana/ui/dist/public/img'), join(FOLDER, 'page/public/build/img'), {
    recursive: true,
  });
  execFileSync(
    join(FOLDER, 'node_modules/.bin/esbuild'),
    [
      'draw.jsx',
      '--bundle',
      '--outfile=page/draw.js',
      '--jsx=automatic',
      '--define:global=window',
      '--define:process.env.NODE_ENV="production"',
      ...['svg', 'ttf', 'woff', 'woff2', 'png'].map((ending) => `--loader:.${ending}=dataurl`),
      '--log-level=error',
    ],
    { cwd: FOLDER, stdio: 'inherit' },
  );
}

export interface Board {
  readonly name: string;
  readonly dashboard: Dashboard;
  readonly panels: readonly Answered[];
  readonly choices: readonly (readonly [label: string, value: string])[];
  readonly from: number;
  readonly to: number;
}

/** Draws a dashboard in a browser without a window; fails when a panel cannot be drawn. */
export async function drawBoard({ name, dashboard, panels, choices, from, to }: Board, picture: string): Promise<void> {
  const rows = Math.max(...panels.map(({ panel }) => (panel.gridPos?.y ?? 0) + (panel.gridPos?.h ?? 0)));
  const size = { width: 24 * CELL.width + GAP, height: rows * CELL.height + 48 + GAP };
  const board = { title: dashboard.title, choices, from, to, panels, cell: CELL, gap: GAP };
  const page = join(FOLDER, 'page', `${name}.html`);
  const shot = join(FOLDER, 'page', `${name}.png`);
  writeFileSync(
    page,
    `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="draw.css"><link rel="stylesheet" href="../page.css">
<div id="board"></div><script>window.board = ${JSON.stringify(board).replaceAll('<', '\\u003c')};</script><script src="draw.js"></script>`,
  );
  const { stderr, status } = spawnSync(
    '/usr/bin/chromium',
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      '--allow-file-access-from-files',
      '--enable-logging=stderr',
      '--virtual-time-budget=10000',
      `--window-size=${String(size.width)},${String(size.height)}`,
      `--screenshot=${shot}`,
      pathToFileURL(page).href,
    ],
    { encoding: 'utf8', timeout: 300_000 },
  );
  const broken = stderr.split('\n').filter((line) => /CANNOT DRAW|Uncaught/.test(line));
  if (status !== 0 || broken.length > 0) {
    throw new Error(`${name} could not be drawn (chromium ended with ${String(status)})\n${broken.join('\n')}`);
  } // A palette makes a picture of plain areas three times as small, and nobody sees it.
  const sharp = createRequire(join(FOLDER, 'package.json'))('sharp') as Sharp;
  await sharp(shot).png({ palette: true, quality: 90, effort: 10 }).toFile(resolve(picture));
}

/** What is used here of the package sharp, which the project does not depend on. */
type Sharp = (file: string) => {
  png(options: { palette: boolean; quality: number; effort: number }): { toFile(path: string): Promise<unknown> };
};
