/**
 * Ends the process as kill -9 would, at the place named in TIDEWAY_FAILPOINT (`push.prepared`, or `push.prepared@3`
 * for the third time). Without the variable it does nothing.
 */
export function createFailpoint(setting: string | undefined): (place: string) => void {
  if (setting === undefined || setting === '') return () => undefined;
  const [wanted, times = '1'] = setting.split('@');
  let passed = 0;
  return (place) => {
    if (place !== wanted) return;
    passed += 1;
    if (passed === Number(times)) process.kill(process.pid, 'SIGKILL');
  };
}

export type Failpoint = ReturnType<typeof createFailpoint>;
