import type { IrqLine } from '../device.ts';

/** The line of a device whose interrupt goes nowhere. */
export const unwiredLine: IrqLine = { set() {} };

/** What a line ends in: an interrupt controller's inputs, numbered. */
export interface InterruptController {
  /** Sets the level of input `source`. Any thread; takes the controller's lock. */
  setLevel(source: number, level: boolean): void;
}

/** One input of an interrupt controller. */
export class ControllerLine implements IrqLine {
  readonly #controller: InterruptController;
  readonly #source: number;

  constructor(controller: InterruptController, source: number) {
    this.#controller = controller;
    this.#source = source;
  }

  set(level: boolean): void {
    this.#controller.setLevel(this.#source, level);
  }
}
