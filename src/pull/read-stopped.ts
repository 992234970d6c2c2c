/** Somebody paused the mapping, or the daemon stops: the read ends at its last page and is taken up there later. */
export class ReadStopped extends Error {
  override readonly name = 'ReadStopped';
}
