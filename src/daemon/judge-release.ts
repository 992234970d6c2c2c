export type Judgement =
  | { readonly fits: true; readonly told: string | undefined }
  | { readonly fits: false; readonly why: string; readonly mend: string };

/**
 * Whether a daemon may work on a database of another release. The functions that the release before calls stay for one
 * minor release, so a daemon may be one behind: that is how to go back. Ahead of its database it lacks what it calls.
 */
export function judgeRelease(database: string | undefined, daemon: string): Judgement {
  const migrate = 'tideway migrate';
  if (database === undefined) {
    return { fits: false, why: `The database does not hold Tideway yet; this is Tideway ${daemon}.`, mend: migrate };
  }
  if (database === daemon) return { fits: true, told: undefined };
  const why = `The database holds Tideway ${database}; this is Tideway ${daemon}`;
  const there = partsOf(database);
  const here = partsOf(daemon);
  if (there === undefined || here === undefined) return { fits: false, why: `${why}.`, mend: migrate };
  const ahead = here.findIndex((part, at) => part !== there[at]);
  if (ahead === -1 || (here[ahead] ?? 0) > (there[ahead] ?? 0)) return { fits: false, why: `${why}.`, mend: migrate };
  if (there[0] === here[0] && there[1] - here[1] <= 1) {
    return { fits: true, told: `${why}. One release behind works; install the newer one again when you can.` };
  }
  return {
    fits: false,
    why: `${why}, more than one minor release behind.`,
    mend: `Install Tideway ${database}, or restore the backup from before the upgrade: docs/upgrading.md`,
  };
}

/** Nothing where it is no version, or one before a release. */
function partsOf(version: string): readonly [number, number, number] | undefined {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)(?:\+.*)?$/.exec(version) ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
}
