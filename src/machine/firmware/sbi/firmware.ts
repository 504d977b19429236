import { type HartState, hartWord } from '../../../cpu/index.ts';
import { HsmState, SbiError } from '../../../isa/index.ts';
import { baseExtension } from './base.ts';
import { failure, type SbiAnswer, type SbiExtension, type SbiMachine, type SbiOutcome, swapStatus } from './call.ts';
import { dbcnExtension } from './dbcn.ts';
import { FirmwareEvents } from './events.ts';
import { hsmExtension } from './hsm.ts';
import { ipiExtension } from './ipi.ts';
import { legacyExtensions } from './legacy.ts';
import { pmuExtension } from './pmu.ts';
import { rfenceExtension } from './rfence.ts';
import { srstExtension } from './srst.ts';
import { suspExtension } from './susp.ts';
import { timeExtension } from './time.ts';

/** Everything but BASE, which needs to know the others. */
const extensions: readonly SbiExtension[] = [
  ...legacyExtensions,
  timeExtension,
  ipiExtension,
  rfenceExtension,
  hsmExtension,
  srstExtension,
  pmuExtension,
  dbcnExtension,
  suspExtension,
];

/** What the firmware is built from: see SbiMachine; `region` is SBI_REGION_BYTES of shared memory, zeroed. */
export interface SbiFirmwareOptions extends Omit<SbiMachine, 'events'> {
  readonly region: { readonly bytes: Uint8Array };
}

/**
 * The built-in firmware: SBI 2.0, answered outside the guest. Built anew on each vCPU's thread; all its state is in
 * shared memory.
 */
export class SbiFirmware {
  readonly #machine: SbiMachine;
  readonly #table: ReadonlyMap<number, SbiExtension>;

  constructor(options: SbiFirmwareOptions) {
    const { harts, memory, console, region } = options;
    this.#machine = {
      harts,
      memory,
      console,
      events: new FirmwareEvents(region),
      power: (request, code) => options.power(request, code),
    };
    const table = new Map(extensions.map((extension) => [extension.id, extension]));
    const base = baseExtension((id) => id >> 32n === 0n && table.has(Number(id)));
    this.#table = table.set(base.id, base);
  }

  /** Power-on state: no counter set up. The harts' own state is the machine's to reset. */
  reset(): void {
    this.#machine.events.reset();
  }

  /**
   * Serves one call of `hart`, which is at its ECALL, outside the guest, on its own thread. Puts the answer in a0 and
   * a1 and moves pc past the call, unless the outcome says otherwise.
   * @param ext extension id (a7); `fid`: function id (a6), both unsigned
   */
  call(hart: HartState, ext: number, fid: number): SbiOutcome {
    const extension = this.#table.get(ext);
    const legacy = extension?.legacy === true;
    const serve = extension?.functions[legacy ? 0 : fid];
    const answer = serve === undefined ? failure(SbiError.NOT_SUPPORTED) : serve(this.#machine, hart);
    const outcome = answer.outcome ?? 'continue';
    if (outcome !== 'busy' && answer.resumed !== true) finish(hart, answer, legacy);
    // Last of all: from here on another hart may start this one and write its state.
    if (outcome === 'stopped') hart.set32('hartStatus', HsmState.STOPPED);
    if (outcome === 'suspended') hart.set32('hartStatus', HsmState.SUSPENDED);
    return outcome;
  }

  /** The hart has been woken from `suspended`, by an interrupt or for no reason: it is started again. */
  wake(hart: HartState): void {
    swapStatus(hart, HsmState.SUSPENDED, HsmState.STARTED);
  }
}

/** Returns from the call. */
function finish(hart: HartState, answer: SbiAnswer, legacy: boolean): void {
  // A legacy call has one result: an error or, where it cannot fail, a value (SBI 5).
  const first = legacy && answer.error === SbiError.SUCCESS ? answer.value : BigInt(answer.error);
  hart.set('x', first, 10);
  if (!legacy) hart.set('x', answer.value, 11);
  hart.set('pc', hart.get('pc') + BigInt(hart.words[hartWord.exitLength]));
}

/** Whether the hart may be run: it is started (SBI 9, HSM). Any thread. */
export function isStarted(hart: HartState): boolean {
  return hart.get32('hartStatus') === HsmState.STARTED;
}
