import { HartState, hartWord } from '../../../../src/cpu/index.ts';
import { GuestMemory } from '../../../../src/hypervisor/index.ts';
import { HARTS_MAX, HsmState, Priv, sharedMap } from '../../../../src/isa/index.ts';
import { deviceRegion } from '../../../../src/machine/bus/region.ts';
import type { SbiOutcome } from '../../../../src/machine/firmware/sbi/call.ts';
import { SBI_REGION_BYTES } from '../../../../src/machine/firmware/sbi/events.ts';
import { SbiFirmware } from '../../../../src/machine/firmware/sbi/firmware.ts';
import type { PowerRequest } from '../../../../src/machine/power/power-request.ts';
import { RAM_GPA, sharedRam } from '../support.ts';
import { BufferConsole } from './buffer-console.ts';

export const RAM_BYTES = 64 * 1024;

/** Where the harts of the bench make their calls. */
export const CALL_PC = BigInt(RAM_GPA + 0x100);

/** What a call came back with. */
export interface CallResult {
  readonly outcome: SbiOutcome;
  /** a0, signed, and a1, unsigned. */
  readonly error: number;
  readonly value: bigint;
}

/** The firmware over plain hart states: hart 0 started, the others stopped, no CPU. */
export class SbiBench {
  readonly buffer: SharedArrayBuffer;
  readonly memory: GuestMemory;
  readonly harts: readonly HartState[];
  readonly console = new BufferConsole();
  readonly firmware: SbiFirmware;
  readonly power: [PowerRequest, number][] = [];

  constructor(harts = 2) {
    this.buffer = sharedRam(RAM_BYTES);
    this.memory = new GuestMemory(this.buffer);
    this.harts = Array.from({ length: Math.min(harts, HARTS_MAX) }, (_, id) => new HartState(this.buffer, id));
    this.harts.forEach((hart, id) => {
      hart.set32('priv', Priv.S);
      hart.set32('hartStatus', id === 0 ? HsmState.STARTED : HsmState.STOPPED);
    });
    this.firmware = new SbiFirmware({
      harts: this.harts,
      memory: this.memory,
      console: this.console,
      region: deviceRegion(this.buffer, sharedMap.devices, SBI_REGION_BYTES),
      power: (request, code) => this.power.push([request, code]),
    });
  }

  hart(id: number): HartState {
    return this.harts[id] ?? raise(`no hart ${id}`);
  }

  /** Makes hart `id` call extension `ext`, function `fid`. */
  callFrom(id: number, ext: number, fid: number, ...args: (bigint | number)[]): CallResult {
    const hart = this.hart(id);
    hart.set('pc', CALL_PC);
    hart.words[hartWord.exitLength] = 4;
    args.forEach((value, i) => {
      hart.set('x', BigInt(value), 10 + i);
    });
    const outcome = this.firmware.call(hart, ext, fid);
    return { outcome, error: Number(BigInt.asIntN(64, hart.get('x', 10))), value: hart.get('x', 11) };
  }

  /** The same from hart 0. */
  call(ext: number, fid: number, ...args: (bigint | number)[]): CallResult {
    return this.callFrom(0, ext, fid, ...args);
  }
}

function raise(message: string): never {
  throw new Error(message);
}
