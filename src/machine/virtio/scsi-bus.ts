import type { ScsiUnit, UnitNotice } from '../scsi/unit.ts';
import { LUN_MAX, TARGET_MAX } from './scsi-spec.ts';

/** Where a logical unit is: its target's number and its own. */
export interface ScsiAddress {
  readonly target: number;
  readonly lun: number;
}

/** A unit with its place. */
export interface PlacedUnit extends ScsiAddress {
  readonly unit: ScsiUnit;
}

/** Something to be told to the driver. */
export type BusNotice = UnitNotice | 'plugged' | 'unplugged';

/**
 * The eight bytes by which a unit is named (5.6.6.1): 1, the target, the unit in the single-level structure. Up to 255
 * in the peripheral format: in events Linux takes no other for the same unit.
 */
export function lunField({ target, lun }: ScsiAddress): Uint8Array {
  return Uint8Array.of(1, target, lun < 256 ? 0 : 0x40 | (lun >> 8), lun & 0xff, 0, 0, 0, 0);
}

/** The reverse; undefined for what names no unit. */
export function parseLun(bytes: Uint8Array): ScsiAddress | undefined {
  const [one, target, high, low] = bytes;
  // SAM-5 4.7: peripheral (bus 0) or flat addressing.
  const method = high >> 6;
  if (one !== 1 || method > 1 || (method === 0 && high !== 0)) return undefined;
  return { target, lun: ((high & 0x3f) << 8) | low };
}

/** The targets behind a SCSI host, and their logical units. */
export class ScsiBus {
  readonly #targets = new Map<number, Map<number, ScsiUnit>>();
  #notify: (address: ScsiAddress, notice: BusNotice) => void = () => {};

  constructor(units: readonly PlacedUnit[]) {
    for (const unit of units) this.plug(unit);
  }

  /** All units. */
  get units(): readonly ScsiUnit[] {
    return [...this.#targets.values()].flatMap((units) => [...units.values()]);
  }

  /** Calls back when the driver should be told of something. */
  onNotice(callback: (address: ScsiAddress, notice: BusNotice) => void): void {
    this.#notify = callback;
  }

  /** Adds a unit. Throws RangeError for a place that is taken or that there is not. */
  plug({ target, lun, unit }: PlacedUnit): void {
    const isPlace = Number.isInteger(target) && target >= 0 && target <= TARGET_MAX;
    if (!isPlace || !Number.isInteger(lun) || lun < 0 || lun > LUN_MAX)
      throw new RangeError(`no place ${target}:${lun}`);
    const units = this.#targets.get(target) ?? new Map<number, ScsiUnit>();
    if (units.has(lun)) throw new RangeError(`there is a unit at ${target}:${lun} already`);
    units.set(lun, unit);
    this.#targets.set(target, units);
    unit.onNotice((notice) => this.#notify({ target, lun }, notice));
    this.#notify({ target, lun }, 'plugged');
  }

  /** Takes a unit out, which is the caller's to close; undefined: there was none. */
  unplug({ target, lun }: ScsiAddress): ScsiUnit | undefined {
    const units = this.#targets.get(target);
    const unit = units?.get(lun);
    if (units === undefined || unit === undefined) return undefined;
    units.delete(lun);
    if (units.size === 0) this.#targets.delete(target);
    unit.onNotice(() => {});
    this.#notify({ target, lun }, 'unplugged');
    return unit;
  }

  /** Numbers of a target's units; undefined: there is no such target. */
  luns(target: number): readonly number[] | undefined {
    const units = this.#targets.get(target);
    return units === undefined ? undefined : [...units.keys()];
  }

  find({ target, lun }: ScsiAddress): ScsiUnit | undefined {
    return this.#targets.get(target)?.get(lun);
  }
}
