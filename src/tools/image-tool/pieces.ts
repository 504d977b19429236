/** Pieces under way at a time: as many as Node has threads for files. */
const PARALLEL = 4;

/** Bytes of a piece. */
export const PIECE_BYTES = 2 * 2 ** 20;

/**
 * Runs a job for each piece of `end` bytes, from the first one on, several at a time, until one says that the rest need
 * not be begun. All of those before it have ended then, too. Throws the first error once none is under way any more.
 *
 * @param makeJob called once for each that runs beside the others: what it keeps is used by one job at a time
 */
export async function inPieces(
  end: number,
  makeJob: () => (offset: number, bytes: number) => Promise<boolean>,
  progress: (done: number) => void,
): Promise<void> {
  let next = 0;
  let done = 0;
  const work = async () => {
    const job = makeJob();
    while (next < end) {
      const offset = next;
      const bytes = Math.min(PIECE_BYTES, end - offset);
      next += bytes;
      try {
        if (!(await job(offset, bytes))) next = end;
      } catch (error) {
        next = end;
        throw error;
      }
      done += bytes;
      progress(done);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: PARALLEL }, work));
  for (const one of ends) if (one.status === 'rejected') throw one.reason;
}
