import type { Domain } from '../../../../virt/index.ts';
import { whileAlive } from '../keep-alive.ts';
import type { Session } from '../session.ts';

/** virConnectDomainEventBlockJobStatus. */
const STATUSES = ['completed', 'failed', 'canceled', 'ready'] as const;
/** How a job has ended, or got as far as it goes by itself. */
export type JobEnd = (typeof STATUSES)[number];

/** virDomainBlockJobAbortFlags. */
export const ABORT_ASYNC = 1;
export const ABORT_PIVOT = 2;

/** How often the job is asked how far it is, in ms. */
const POLL_MS = 500;

/** `[ 99 %]`: 100 only when nothing is left. */
export function percent(cur: bigint, end: bigint): string {
  const share = end === 0n ? 100 : Math.floor((100 * Number(cur)) / Number(end));
  return `[${String(cur >= end ? 100 : Math.min(share, 99)).padStart(3)} %]`;
}

/** What is waited for. */
export interface JobWait {
  /** As progress calls it. */
  readonly title: string;
  readonly disk: string;
  readonly verbose: boolean;
  /** The job is not waited for once it has been told to end. */
  readonly async: boolean;
  readonly timeoutSeconds: number | undefined;
}

/** Starts a job of a disk and follows it; a time-out and Ctrl-C end it. */
export async function startAndWait(
  domain: Domain,
  wait: JobWait,
  session: Session,
  start: () => Promise<void>,
): Promise<JobEnd> {
  const connection = await session.connection();
  let told: JobEnd | undefined;
  let wake = () => {};
  const onJob = (of: { readonly uuid: string }, disk: string, _type: number, status: number) => {
    if (of.uuid !== domain.uuid || disk !== wait.disk) return;
    told = STATUSES[status];
    wake();
  };
  const stopping = { wanted: false };
  const stop = () => {
    stopping.wanted = true;
    wake();
  };
  // The disk may be called by its target or by its source.
  connection.on('blockJob', onJob).on('blockJob2', onJob).on('close', stop);
  const offInterrupt = session.onInterrupt(stop);
  const { timeoutSeconds } = wait;
  const timer =
    timeoutSeconds === undefined ? undefined : setTimeout(stop, Math.min(timeoutSeconds * 1000, 2 ** 31 - 1));
  const pause = () =>
    new Promise<void>((resolve) => {
      const delay = setTimeout(resolve, POLL_MS);
      wake = () => {
        clearTimeout(delay);
        resolve();
      };
    });
  const follow = async (): Promise<JobEnd> => {
    await start();
    for (;;) {
      const job = await domain.getBlockJobInfo(wait.disk);
      if (told !== undefined) return told;
      // A server that tells nothing of jobs: one that is gone is done.
      if (job === undefined) return 'completed';
      if (wait.verbose) session.context.stderr.write(`\r${wait.title}: ${percent(job.cur, job.end)}`);
      if (stopping.wanted) {
        await domain.blockJobAbort(wait.disk, wait.async ? ABORT_ASYNC : 0);
        return 'canceled';
      }
      await pause();
    }
  };
  try {
    const end = await whileAlive(follow());
    if (wait.verbose && (end === 'completed' || end === 'ready')) {
      session.context.stderr.write(`\r${wait.title}: ${percent(1n, 1n)}`);
    }
    return end;
  } finally {
    clearTimeout(timer);
    offInterrupt();
    connection.off('blockJob', onJob).off('blockJob2', onJob).off('close', stop);
  }
}
