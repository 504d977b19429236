import type { Vcpu, Vm } from '../hypervisor/index.ts';
import { HsmState, SbiExt } from '../isa/index.ts';
import type { Board } from './board.ts';
import type { BusWidth } from './bus/mmio-bus.ts';
import { Htif } from './firmware/htif.ts';
import type { SbiOutcome } from './firmware/sbi/call.ts';
import type { DebugConsole } from './firmware/sbi/console.ts';
import { SbiFirmware } from './firmware/sbi/firmware.ts';
import { requestPower } from './power/power-request.ts';

/** How long, in milliseconds, a vCPU waits for the host when the serial port's output is full. */
const BACK_PRESSURE_MS = 1;

/** What an exit server is built from. */
export interface ExitServerOptions {
  readonly vm: Vm;
  /** This thread's board. */
  readonly board: Board;
  /** Serve supervisor calls. */
  readonly builtinFirmware: boolean;
  /**
   * This is a vCPU's own thread, which may sleep until the host takes serial output, rather than poll for it at full
   * speed.
   */
  readonly mayWait: boolean;
}

/** Answers a vCPU's exits, on the vCPU's own thread: to the board's devices and the built-in firmware. */
export class ExitServer {
  readonly #board: Board;
  readonly #firmware: SbiFirmware | undefined;
  readonly #mayWait: boolean;
  readonly #uartStart: number;
  readonly #uartEnd: number;

  constructor(options: ExitServerOptions) {
    const { vm, board } = options;
    this.#board = board;
    this.#mayWait = options.mayWait;
    const { gpa, size } = board.uart.window;
    this.#uartStart = gpa;
    this.#uartEnd = gpa + size;
    if (!options.builtinFirmware) return;
    this.#firmware = new SbiFirmware({
      harts: vm.harts,
      memory: vm.memory,
      console: serialConsole(board),
      region: board.firmwareRegion,
      power: (request, code) => {
        requestPower(vm.machine, board.power, request, code);
      },
    });
  }

  /** A load from outside memory: completed, or refused where there is no device. */
  read(vcpu: Vcpu, gpa: number, size: BusWidth): void {
    const { bus, uart } = this.#board;
    if (this.#mayWait && gpa >= this.#uartStart && gpa < this.#uartEnd) uart.waitForRoom(BACK_PRESSURE_MS);
    if (bus.read(gpa, size)) vcpu.completeMmio(bus.lo, bus.hi);
    else vcpu.refuseMmio();
  }

  /** A store outside memory. */
  write(vcpu: Vcpu, gpa: number, size: BusWidth, lo: number, hi: number): void {
    if (this.#board.bus.write(gpa, size, lo, hi)) vcpu.completeMmio(0, 0);
    else vcpu.refuseMmio();
  }

  /** A supervisor call: all of it is in the vCPU's registers. Says what the vCPU does next. */
  sbi(vcpu: Vcpu, ext: number, fid: number): SbiOutcome {
    if (this.#firmware === undefined) {
      vcpu.skipInstruction();
      return 'continue';
    }
    const outcome = this.#firmware.call(vcpu.state, ext, fid);
    const console = outcome === 'busy' || ext === SbiExt.DBCN;
    if (console && this.#mayWait) this.#board.uart.waitForRoom(BACK_PRESSURE_MS);
    return outcome;
  }

  /** Whether the hart may enter the guest. One that is suspended is woken if an interrupt it waits for is pending. */
  admit(vcpu: Vcpu): 'run' | 'stopped' | 'suspended' {
    const status = vcpu.state.get32('hartStatus');
    if (status === HsmState.STARTED) return 'run';
    if (status !== HsmState.SUSPENDED || this.#firmware === undefined) return 'stopped';
    if (!vcpu.interruptPending()) return 'suspended';
    this.#firmware.wake(vcpu.state);
    return 'run';
  }
}

/** The serial port as the firmware uses it. */
function serialConsole({ uart }: Board): DebugConsole {
  return {
    write: (bytes) => uart.putBytes(bytes),
    read: (into) => {
      for (let i = 0; i < into.length; i++) {
        const byte = uart.getByte();
        if (byte < 0) return i;
        into[i] = byte;
      }
      return into.length;
    },
  };
}

/** The host's side of a program that speaks HTIF, over the board's serial port. */
export function boardHtif(vm: Vm, board: Board, symbols: { tohost: number; fromhost?: number | undefined }): Htif {
  return new Htif(vm.memory, symbols, serialConsole(board));
}
