import type { HartState } from '../../../cpu/index.ts';
import {
  csrByName,
  PMU_INFO_FIRMWARE,
  PmuConfigFlag,
  PmuEventType,
  PmuHardwareEvent,
  PmuStartFlag,
  PmuStopFlag,
  SbiError,
  SbiExt,
  SbiFn,
} from '../../../isa/index.ts';
import { argument, argument32, failure, type SbiAnswer, type SbiExtension, type SbiMachine, success } from './call.ts';
import { FIRMWARE_COUNTERS } from './events.ts';

/**
 * Counters by index: 0 cycle, 1 nothing (time is no event), 2 instret, so that hardware counters have their CSRs'
 * offsets, then the firmware's own.
 */
const FIRST_FIRMWARE = 3;
const COUNTERS = FIRST_FIRMWARE + FIRMWARE_COUNTERS;

/** counter_get_info's width field: bits minus one, at bit 12. */
const WIDTH_64 = 63n << 12n;

/** A hardware counter: fixed to one event, started unless mcountinhibit stops it. */
interface HardwareCounter {
  readonly csr: number;
  readonly event: number;
  readonly field: 'cycles' | 'instret';
  readonly inhibit: bigint;
}

const { CY, IR } = csrByName.mcountinhibit.fields;

const hardwareCounters: Readonly<Record<number, HardwareCounter>> = {
  0: { csr: csrByName.cycle.number, event: PmuHardwareEvent.CPU_CYCLES, field: 'cycles', inhibit: CY.mask },
  2: { csr: csrByName.instret.number, event: PmuHardwareEvent.INSTRUCTIONS, field: 'instret', inhibit: IR.mask },
};

/** One counter of one hart, of either kind. */
interface Counter {
  readonly index: number;
  readonly info: bigint;
  /** Takes the event if it can count it and is free; stopped then. */
  claim(event: number): boolean;
  /** Set up for some event, so that it may be started. */
  readonly ready: boolean;
  readonly started: boolean;
  start(): void;
  stop(): void;
  release(): unknown;
  set(value: bigint): void;
}

function eventIndex(type: number, code: number): number {
  return (type << 16) | code;
}

function hardwareCounter(machine: SbiMachine, hart: HartState, index: number, counter: HardwareCounter): Counter {
  const { events } = machine;
  const inhibited = () => (hart.get('mcountinhibit') & counter.inhibit) !== 0n;
  const start = () => hart.set('mcountinhibit', hart.get('mcountinhibit') & ~counter.inhibit);
  const stop = () => hart.set('mcountinhibit', hart.get('mcountinhibit') | counter.inhibit);
  return {
    index,
    info: BigInt(counter.csr) | WIDTH_64,
    claim: (event) => {
      if (event !== eventIndex(PmuEventType.HARDWARE, counter.event)) return false;
      if (events.useHardware(hart, index, true)) return false;
      stop();
      return true;
    },
    ready: true,
    get started() {
      return !inhibited();
    },
    start,
    stop,
    release: () => events.useHardware(hart, index, false),
    set: (value) => hart.set(counter.field, value),
  };
}

function firmwareCounter(machine: SbiMachine, hart: HartState, index: number): Counter {
  const { events } = machine;
  const own = index - FIRST_FIRMWARE;
  return {
    index,
    info: PMU_INFO_FIRMWARE | WIDTH_64,
    claim: (event) => {
      const code = event & 0xffff;
      if (event >>> 16 !== PmuEventType.FIRMWARE || !events.counts(code)) return false;
      if (events.event(hart, own) !== undefined) return false;
      events.assign(hart, own, code);
      return true;
    },
    get ready() {
      return events.event(hart, own) !== undefined;
    },
    get started() {
      return events.started(hart, own);
    },
    start: () => events.start(hart, own),
    stop: () => events.stop(hart, own),
    release: () => events.assign(hart, own, undefined),
    set: (value) => events.write(hart, own, value),
  };
}

function counterAt(machine: SbiMachine, hart: HartState, index: bigint): Counter | undefined {
  if (index >= BigInt(COUNTERS)) return undefined;
  const number = Number(index);
  if (number >= FIRST_FIRMWARE) return firmwareCounter(machine, hart, number);
  const hardware = hardwareCounters[number];
  return hardware === undefined ? undefined : hardwareCounter(machine, hart, number, hardware);
}

/** The set that counter_idx_base (a0) and counter_idx_mask (a1) describe; undefined when one of it does not exist. */
function counterSet(machine: SbiMachine, hart: HartState): Counter[] | undefined {
  const base = argument(hart, 0);
  const mask = argument(hart, 1);
  if (base >= BigInt(COUNTERS) || mask >> BigInt(COUNTERS) !== 0n) return undefined;
  const set: Counter[] = [];
  for (let bit = 0; bit < COUNTERS; bit++) {
    if ((Number(mask) & (1 << bit)) === 0) continue;
    const counter = counterAt(machine, hart, base + BigInt(bit));
    if (counter === undefined) return undefined;
    set.push(counter);
  }
  return set;
}

/** counter_get_info (SBI 11.6). */
function getInfo(machine: SbiMachine, hart: HartState): SbiAnswer {
  const counter = counterAt(machine, hart, argument(hart, 0));
  return counter === undefined ? failure(SbiError.INVALID_PARAM) : success(counter.info);
}

/**
 * counter_config_matching (SBI 11.7). The flags that keep a counter from counting in some mode cannot be honoured
 * without Sscofpmf; they are hints.
 */
function configMatching(machine: SbiMachine, hart: HartState): SbiAnswer {
  const set = counterSet(machine, hart);
  if (set === undefined) return failure(SbiError.INVALID_PARAM);
  const flags = argument32(hart, 2);
  const event = argument(hart, 3);
  if (event >> 20n !== 0n) return failure(SbiError.INVALID_PARAM);
  let counter: Counter | undefined;
  if ((flags & PmuConfigFlag.SKIP_MATCH) !== 0) {
    counter = set[0];
    if (counter === undefined || !counter.ready) return failure(SbiError.INVALID_PARAM);
  } else {
    counter = set.find((candidate) => candidate.claim(Number(event)));
    if (counter === undefined) return failure(SbiError.NOT_SUPPORTED);
  }
  if ((flags & PmuConfigFlag.CLEAR_VALUE) !== 0) counter.set(0n);
  if ((flags & PmuConfigFlag.AUTO_START) !== 0) counter.start();
  return success(counter.index);
}

/** counter_start (SBI 11.8): starts all it can, and tells of one that was started before. */
function counterStart(machine: SbiMachine, hart: HartState): SbiAnswer {
  const set = counterSet(machine, hart);
  if (set === undefined) return failure(SbiError.INVALID_PARAM);
  const flags = argument32(hart, 2);
  if ((flags & PmuStartFlag.INIT_SNAPSHOT) !== 0) return failure(SbiError.NO_SHMEM);
  if (set.some((counter) => !counter.ready)) return failure(SbiError.INVALID_PARAM);
  let error: SbiError = SbiError.SUCCESS;
  for (const counter of set) {
    if (counter.started) {
      error = SbiError.ALREADY_STARTED;
      continue;
    }
    if ((flags & PmuStartFlag.SET_INIT_VALUE) !== 0) counter.set(argument(hart, 3));
    counter.start();
  }
  return error === SbiError.SUCCESS ? success() : failure(error);
}

/** counter_stop (SBI 11.9): stops all it can, and tells of one that was stopped before. */
function counterStop(machine: SbiMachine, hart: HartState): SbiAnswer {
  const set = counterSet(machine, hart);
  if (set === undefined) return failure(SbiError.INVALID_PARAM);
  const flags = argument32(hart, 2);
  if ((flags & PmuStopFlag.TAKE_SNAPSHOT) !== 0) return failure(SbiError.NO_SHMEM);
  let error: SbiError = SbiError.SUCCESS;
  for (const counter of set) {
    if (counter.started) counter.stop();
    else error = SbiError.ALREADY_STOPPED;
    if ((flags & PmuStopFlag.RESET) !== 0) counter.release();
  }
  return error === SbiError.SUCCESS ? success() : failure(error);
}

/** counter_fw_read (SBI 11.10). */
function firmwareRead(machine: SbiMachine, hart: HartState): SbiAnswer {
  const index = argument(hart, 0);
  const counter = counterAt(machine, hart, index);
  if (counter === undefined || counter.index < FIRST_FIRMWARE || !counter.ready) return failure(SbiError.INVALID_PARAM);
  return success(machine.events.read(hart, counter.index - FIRST_FIRMWARE));
}

/** counter_fw_read_hi (SBI 11.11): nothing is left for it where registers have 64 bits. */
function firmwareReadHigh(machine: SbiMachine, hart: HartState): SbiAnswer {
  const answer = firmwareRead(machine, hart);
  return answer.error === SbiError.SUCCESS ? success() : answer;
}

/**
 * Performance monitoring extension (SBI 11) over the counters that exist: cycle, instret and firmware events. No
 * snapshots in shared memory.
 */
export const pmuExtension: SbiExtension = {
  id: SbiExt.PMU,
  functions: {
    [SbiFn.PMU.NUM_COUNTERS]: () => success(COUNTERS),
    [SbiFn.PMU.COUNTER_GET_INFO]: getInfo,
    [SbiFn.PMU.COUNTER_CONFIG_MATCHING]: configMatching,
    [SbiFn.PMU.COUNTER_START]: counterStart,
    [SbiFn.PMU.COUNTER_STOP]: counterStop,
    [SbiFn.PMU.COUNTER_FW_READ]: firmwareRead,
    [SbiFn.PMU.COUNTER_FW_READ_HI]: firmwareReadHigh,
  },
};
