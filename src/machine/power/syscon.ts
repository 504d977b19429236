import type { MachineState } from '../../cpu/index.ts';
import type { DescribeContext, Doorbell, MmioDevice, Width, Window } from '../device.ts';
import type { FdtNode } from '../firmware/fdt.ts';
import { clearPowerRequest, PowerRequest, requestPower } from './power-request.ts';

/** What bits 15:0 of the only register mean; bits 31:16 are the exit code of FAIL. */
const Finisher = { FAIL: 0x3333, PASS: 0x5555, RESET: 0x7777 } as const;

/** Size of the test device's region in bytes: its lock. */
export const SYSCON_REGION_BYTES = 64;

/** SiFive's test finisher, with which guests of the virt board power off, reset, or end with an exit code. */
export class Syscon implements MmioDevice {
  readonly id: string;
  readonly window: Window;
  readonly #machine: MachineState;
  readonly #doorbell: Doorbell;

  /** @param doorbell rings when there is a request: see `powerRequested`. */
  constructor(window: Window, machine: MachineState, doorbell: Doorbell) {
    this.id = `test@${window.gpa.toString(16)}`;
    this.window = window;
    this.#machine = machine;
    this.#doorbell = doorbell;
  }

  read(_off: number, _width: Width): number {
    return 0;
  }

  write(off: number, width: Width, value: number): void {
    if (off !== 0 || width === 1) return;
    switch (value & 0xffff) {
      case Finisher.PASS:
        requestPower(this.#machine, this.#doorbell, PowerRequest.SHUTDOWN);
        return;
      case Finisher.RESET:
        requestPower(this.#machine, this.#doorbell, PowerRequest.RESET);
        return;
      case Finisher.FAIL:
        requestPower(this.#machine, this.#doorbell, PowerRequest.FAIL, value >>> 16);
        return;
    }
  }

  reset(): void {
    clearPowerRequest(this.#machine);
  }

  /** Nothing of it is visible to the guest. */
  save(): Record<string, unknown> {
    return {};
  }

  restore(_state: Readonly<Record<string, unknown>>): void {}

  describe(soc: FdtNode, context: DescribeContext): void {
    const node = soc.child(this.id);
    node
      .set('compatible', ['sifive,test1', 'sifive,test0', 'syscon'])
      .set64('reg', [this.window.gpa, this.window.size]);
    const children = [
      ['poweroff', 'syscon-poweroff', Finisher.PASS],
      ['reboot', 'syscon-reboot', Finisher.RESET],
    ] as const;
    for (const [name, compatible, value] of children) {
      context.root
        .child(name)
        .set('compatible', compatible)
        .set('regmap', [node.phandle])
        .set('offset', [0])
        .set('value', [value]);
    }
  }
}
