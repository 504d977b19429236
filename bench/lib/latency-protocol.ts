import type { Subject } from './bare-hart.ts';

/** Words of the control block that both threads share. */
export const Control = { TAKEN: 0, GO: 1, REQUESTED: 2, END: 3, STAMP: 4, BYTES: 24 } as const;

/** What the worker is started with. */
export interface LatencyWorkerData {
  /** undefined: no hart, the thread looks at REQUESTED itself: what the host's two threads take. */
  readonly subject: Subject | undefined;
  /** That thread sleeps until it is woken, rather than looking all the time. */
  readonly sleeps: boolean;
  readonly buffer: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  /** Offset of the interrupt handler, an EBREAK, from the start of RAM. */
  readonly handler: number;
}
